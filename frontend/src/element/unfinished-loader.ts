// Asks for unfinished uploads, and loads the code of their list when there are any: most pages have none.

import { LoginError } from "../engine/errors.ts";
import { importLate } from "../engine/late.ts";
import type { Unfinished } from "../engine/uploader.ts";
import { h } from "./dom.ts";
import type { UnfinishedList, UnfinishedPorts } from "./unfinished.ts";

interface LoaderPorts extends Omit<UnfinishedPorts, "load"> {
  /** The ids of the uploads that the element shows, and the names of its folders, with a slash. */
  openIds(): ReadonlySet<string | null>;
  offerLogin(): void;
}

export class UnfinishedLoader {
  readonly element = h("div", {});
  #list: UnfinishedList | null = null;

  constructor(readonly ports: LoaderPorts) {}

  async refresh(): Promise<void> {
    if (this.#list) return this.#list.refresh();
    const first = this.#load();
    const isEmpty = await first.then(
      (entries) => entries.length === 0,
      () => false, // The list shows the error.
    );
    const UnfinishedList = isEmpty
      ? null
      : await importLate(() => import("./unfinished.ts"), "UnfinishedList").catch(() => null);
    if (UnfinishedList) await this.#create(UnfinishedList, first).refresh();
  }

  /** Removes the entry of an upload that is resumed or over. */
  remove(id: string): void {
    this.#list?.remove(id);
  }

  async #load(): Promise<Unfinished[]> {
    const entries = await this.ports
      .uploader()
      .unfinished()
      .catch((error: unknown) => {
        if (!(error instanceof LoginError)) throw error;
        this.ports.offerLogin();
        return [];
      });
    const open = this.ports.openIds();
    return entries.filter(({ id, filename }) => !open.has(id) && !open.has(filename.replace(/\/.*/, "/")));
  }

  /** The list asks no second time for what was asked already. */
  #create(List: typeof UnfinishedList, first: ReturnType<UnfinishedPorts["load"]>): UnfinishedList {
    if (this.#list) return this.#list;
    let asked: typeof first | null = first;
    const load = () => {
      const entries = asked ?? this.#load();
      asked = null;
      return entries;
    };
    this.#list = new List({ ...this.ports, load });
    this.element.append(this.#list.element);
    return this.#list;
  }
}
