// Asks for unfinished uploads, and loads the code of their list when there are any: most pages have none.

import { h } from "./dom.ts";
import type { UnfinishedList, UnfinishedPorts } from "./unfinished.ts";

export class UnfinishedLoader {
  readonly element = h("div", {});
  #list: UnfinishedList | null = null;

  constructor(readonly ports: UnfinishedPorts) {}

  async refresh(): Promise<void> {
    if (this.#list) return this.#list.refresh();
    const first = this.ports.load();
    const isEmpty = await first.then(
      (entries) => entries.length === 0,
      () => false, // The list shows the error.
    );
    const late = isEmpty ? null : await import("./unfinished.ts").catch(() => null);
    if (late) await this.#create(late.UnfinishedList, first).refresh();
  }

  /** Removes the entry of an upload that is resumed or over. */
  remove(id: string): void {
    this.#list?.remove(id);
  }

  /** The list asks no second time for what was asked already. */
  #create(List: typeof UnfinishedList, first: ReturnType<UnfinishedPorts["load"]>): UnfinishedList {
    if (this.#list) return this.#list;
    let asked: typeof first | null = first;
    const load = () => {
      const entries = asked ?? this.ports.load();
      asked = null;
      return entries;
    };
    this.#list = new List({ ...this.ports, load });
    this.element.append(this.#list.element);
    return this.#list;
  }
}
