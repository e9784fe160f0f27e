// Loads the code for folders when it is first needed.

import { NetworkError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { ChosenFile } from "./files.ts";
import type { ElementFolders, FolderPorts } from "./folders.ts";

export class FolderLoader {
  #folders: ElementFolders | null = null;

  constructor(readonly ports: FolderPorts) {}

  /** Does something with folders. Rejects with NetworkError when the code cannot be loaded; the next call tries again. */
  async use(act: (folders: ElementFolders) => Promise<void>): Promise<void> {
    try {
      this.#folders ??= new (await importLate(() => import("./folders.ts"), "ElementFolders"))(this.ports);
    } catch (cause) {
      throw new NetworkError("code_unreachable", { cause });
    }
    return act(this.#folders);
  }

  /** Uploads the files that are in folders, before the item `before`, and returns the others. */
  accept(chosen: readonly ChosenFile[], before: Node | null): readonly ChosenFile[] {
    const isAlone = ({ path }: ChosenFile) => !path.includes("/");
    const alone = chosen.filter(isAlone);
    if (alone.length < chosen.length)
      this.use((folders) =>
        folders.accept(
          chosen.filter((file) => !isAlone(file)),
          before,
        ),
      ).catch(this.ports.zone.ports.onerror);
    return alone;
  }
}
