// The list of uploads that were begun and not ended, here or on another device.
// Its one rule: a browser forgets files when the page goes, so each line asks for its file again and says so when
// another one is given.

import { button, h } from "./dom.ts";
import { asUploadError } from "./errors.ts";
import { failureView } from "./failure.ts";
import { bytes, percent, when } from "./format.ts";
import type { Unfinished } from "./uploader.ts";

export interface UnfinishedPorts {
  load(): Promise<readonly Unfinished[]>;
  /** Takes the upload up with its file; rejects when it is another file. */
  take(entry: Unfinished, file: File): Promise<void>;
  discard(entry: Unfinished): Promise<void>;
  /** Opens the browser's chooser. */
  choose(chosen: (file: File) => void): void;
}

export class UnfinishedList {
  readonly element: HTMLElement;
  readonly #list = h("ul", { class: "list" });
  readonly #trouble = h("div", {});

  constructor(readonly ports: UnfinishedPorts) {
    const title = h("h2", { id: "unfinished-title" }, "Unfinished uploads");
    const attributes = { class: "unfinished", part: "unfinished", "aria-labelledby": "unfinished-title" };
    this.element = h("section", { ...attributes, hidden: true }, title, this.#trouble, this.#list);
  }

  async refresh(): Promise<void> {
    try {
      const entries = await this.ports.load();
      this.#trouble.replaceChildren();
      this.#list.replaceChildren(...entries.map((entry) => this.#line(entry)));
    } catch (error) {
      this.#trouble.replaceChildren(failureView(asUploadError(error)));
    }
    this.#showWhetherAny();
  }

  /** The upload is under way again, or ended. */
  remove(id: string): void {
    for (const line of this.#list.querySelectorAll<HTMLElement>("[data-id]")) {
      if (line.dataset.id === id) line.remove();
    }
    this.#showWhetherAny();
  }

  #showWhetherAny(): void {
    this.element.hidden = this.#list.childElementCount + this.#trouble.childElementCount === 0;
  }

  #line(entry: Unfinished): HTMLLIElement {
    const { id, filename, size, bytesDone, updatedAt } = entry;
    const trouble = h("div", { class: "outcome", role: "alert" });
    const attempt = async (action: () => Promise<void>) => {
      trouble.replaceChildren();
      await action().catch((error: unknown) => trouble.replaceChildren(failureView(asUploadError(error))));
    };
    const take = (file: File) => attempt(() => this.ports.take(entry, file));
    const discard = () => attempt(() => this.ports.discard(entry));
    const there = percent(size === 0 ? 0 : bytesDone / size);
    const facts = [`${there} of ${bytes(size)} there`, when(updatedAt)].filter(Boolean).join(" · ");
    return h(
      "li",
      {
        class: "item",
        part: "unfinished-item",
        "data-testid": "unfinished-item",
        "data-id": id,
        "data-filename": filename,
      },
      h("span", { class: "sign", "aria-hidden": "true" }),
      h("div", { class: "head" }, h("span", { class: "name", title: filename }, filename)),
      h(
        "div",
        { class: "buttons" },
        button("continue", "Choose the file again", `Choose ${filename} again to go on`, () =>
          this.ports.choose((file) => void take(file)),
        ),
        button("discard", "Discard", `Discard ${filename}`, () => void discard()),
      ),
      h("div", { class: "line" }, h("span", { class: "message" }, facts)),
      trouble,
    );
  }
}
