// The files of a folder, shown on demand: those that have failed first, a hundred at a time.

import type { FileState, FolderList } from "../engine/folder-list.ts";
import { button, h, setLabel, setText } from "./dom.ts";
import type { LabelName } from "./labels.ts";
import type { Localization } from "./localization.ts";

const AT_ONCE = 100;
/** Milliseconds between two updates while the list is open. */
const UPDATE_EVERY = 1000;

const LABELS: Readonly<Record<FileState, LabelName>> = {
  waiting: "queued",
  active: "uploading",
  completed: "completed",
  skipped: "folder_file_skipped",
  failed: "failed",
};

export class FolderFiles {
  readonly element: HTMLElement;
  readonly #list = h("ul", { class: "files", "data-testid": "folder-files" });
  readonly #more = button("more", () => this.#showMore(), "quiet");
  #most = AT_ONCE;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly files: FolderList,
    readonly localization: Localization,
  ) {
    this.element = h("div", { hidden: true }, this.#list, this.#more);
  }

  toggle(): void {
    this.element.hidden = !this.element.hidden;
    this.#shownAt = Number.NEGATIVE_INFINITY;
  }

  /** Shows the present states, at most once a second; nothing while the list is hidden. */
  show(): void {
    const now = performance.now();
    if (this.element.hidden || now - this.#shownAt < UPDATE_EVERY) return;
    this.#shownAt = now;
    const shown = [...this.#indexes()];
    for (const [at, index] of shown.entries()) this.#showRow(at, index);
    while (this.#list.childElementCount > shown.length) this.#list.lastElementChild?.remove();
    setLabel(this.#more, this.localization.label("folder_more"));
    this.#more.hidden = shown.length === this.files.count;
  }

  /** Failed files first. */
  *#indexes(): Generator<number> {
    let left = this.#most;
    for (const index of this.files.errors.keys()) {
      if (left-- === 0) return;
      yield index;
    }
    for (let index = 0; index < this.files.count && left > 0; index++) {
      if (this.files.state(index) === "failed") continue;
      left -= 1;
      yield index;
    }
  }

  #showRow(at: number, index: number): void {
    const row = this.#list.children.item(at) ?? this.#list.appendChild(h("li", {}, h("bdi"), h("span")));
    const [name, state] = row.children as unknown as [HTMLElement, HTMLElement];
    const { files, localization } = this;
    const error = files.errors.get(index);
    const text = error ? localization.error(error).title : localization.label(LABELS[files.state(index)]);
    setText(name, files.path(index).replace(/^[^/]*\//, ""));
    setText(state, `${localization.formats.bytes(files.size(index))} · ${text}`);
  }

  #showMore(): void {
    this.#most += AT_ONCE;
    this.#shownAt = Number.NEGATIVE_INFINITY;
    this.show();
  }
}
