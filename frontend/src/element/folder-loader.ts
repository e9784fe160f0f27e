// Loads the code for folders when it is first needed.

import { NetworkError } from "../engine/errors.ts";
import type { ChosenFile } from "./files.ts";
import type { ElementFolders, FolderPorts } from "./folders.ts";

export interface FolderLoaderPorts extends FolderPorts {
  onerror(error: unknown): void;
}

export class FolderLoader {
  #folders: ElementFolders | null = null;

  constructor(readonly ports: FolderLoaderPorts) {}

  /** Lets the user choose a folder. */
  choose(): void {
    void this.#load()
      .then((folders) => folders.choose())
      .catch(this.ports.onerror);
  }

  /** Uploads the files that are in folders, before the item `before`, and returns the others. */
  accept(chosen: readonly ChosenFile[], before: Node | null): readonly ChosenFile[] {
    const inFolders = chosen.filter(({ path }) => path.includes("/"));
    if (inFolders.length === 0) return chosen;
    void this.#load()
      .then((folders) => folders.accept(inFolders, before))
      .catch(this.ports.onerror);
    return chosen.filter(({ path }) => !path.includes("/"));
  }

  async resume(name: string, handle?: FileSystemDirectoryHandle): Promise<void> {
    await (await this.#load()).resume(name, handle);
  }

  async discard(name: string): Promise<void> {
    await (await this.#load()).discard(name);
  }

  /** Rejects with NetworkError when the code cannot be loaded; the next call tries again. */
  async #load(): Promise<ElementFolders> {
    try {
      this.#folders ??= new (await import("./folders.ts")).ElementFolders(this.ports);
      return this.#folders;
    } catch (cause) {
      throw new NetworkError("code_unreachable", { cause });
    }
  }
}
