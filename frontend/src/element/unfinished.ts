// The list of uploads that were begun and not ended, here or on another device.
// Its one rule: where the browser has kept a handle one click goes on; elsewhere the line asks for its file again, and
// says so when another one is given.

import { asUploadError } from "../engine/errors.ts";
import type { Unfinished } from "../engine/uploader.ts";
import { button, firstButton, h, loseFocus, word } from "./dom.ts";
import { failureView } from "./failure.ts";
import { bytes, percent, when } from "./format.ts";
import type { Speech } from "./language.ts";

export interface UnfinishedPorts {
  readonly speech: Speech;
  /** How dates are written. */
  readonly language: () => string;
  load(): Promise<readonly Unfinished[]>;
  /** Takes the upload up, with its file or by its handle; rejects when it is another file. */
  take(entry: Unfinished, file?: File): Promise<void>;
  discard(entry: Unfinished): Promise<void>;
  /** Opens the browser's chooser. */
  choose(chosen: (file: File) => void): void;
}

export class UnfinishedList {
  readonly element: HTMLElement;
  readonly #title = h("h2", { id: "unfinished-title" });
  readonly #list = h("ul", { class: "list" });
  readonly #trouble = h("div", {});
  #entries: readonly Unfinished[] = [];
  #turn = 0;

  constructor(readonly ports: UnfinishedPorts) {
    const attributes = { class: "unfinished", part: "unfinished", "aria-labelledby": "unfinished-title" };
    this.element = h("section", { ...attributes, hidden: true }, this.#title, this.#trouble, this.#list);
    ports.speech.addEventListener("change", () => this.#show());
  }

  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    const failed = (error: unknown) => failureView(asUploadError(error), this.ports.speech);
    const loaded = await this.ports.load().catch(failed);
    if (turn !== this.#turn) return; // Another was asked for meanwhile, perhaps elsewhere.
    if (loaded instanceof HTMLElement) this.#trouble.replaceChildren(loaded);
    else {
      this.#entries = loaded;
      this.#trouble.replaceChildren();
    }
    this.#show();
  }

  /** The upload is under way again, or ended. */
  remove(id: string): void {
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    for (const line of this.#list.querySelectorAll<HTMLElement>("[data-id]")) {
      if (line.dataset.id !== id) continue;
      const next = line.matches(":focus-within") && (line.nextElementSibling ?? line.previousElementSibling);
      line.remove();
      if (next === false) continue;
      const other = firstButton(next);
      if (other) other.focus();
      else loseFocus(this.element);
    }
    this.#showWhetherAny();
  }

  #show(): void {
    word(this.#title, this.ports.speech.label("unfinished"));
    this.#list.replaceChildren(...this.#entries.map((entry) => this.#line(entry)));
    this.#showWhetherAny();
  }

  #showWhetherAny(): void {
    this.element.hidden = this.#list.childElementCount + this.#trouble.childElementCount === 0;
  }

  #line(entry: Unfinished): HTMLLIElement {
    const { speech } = this.ports;
    const { id, filename, size, bytesDone, updatedAt } = entry;
    const trouble = h("div", { class: "outcome", role: "alert" });
    let busy = false;
    const attempt = async (action: () => Promise<void>) => {
      if (busy) return; // a second click, while the first is being looked after
      busy = true;
      trouble.replaceChildren();
      await action().catch((error: unknown) => {
        trouble.replaceChildren(failureView(asUploadError(error), speech));
        again.hidden = false;
      });
      busy = false;
    };
    const take = button("continue", () => void attempt(() => this.ports.take(entry)));
    const again = button(entry.handle ? "again" : "continue", () =>
      this.ports.choose((file) => void attempt(() => this.ports.take(entry, file))),
    );
    const discard = button("discard", () => void attempt(() => this.ports.discard(entry)));
    word(take, speech.label("take_up"), filename);
    word(again, speech.label("again"), filename);
    word(discard, speech.label("discard"), filename);
    take.hidden = !entry.handle;
    again.hidden = !take.hidden;
    const there = { percent: percent(size === 0 ? 0 : bytesDone / size), size: bytes(size) };
    const facts = [speech.label("there", there), when(updatedAt, this.ports.language())];
    const attributes = { "data-testid": "unfinished-item", "data-id": id, "data-filename": filename };
    return h(
      "li",
      { class: "item", part: "unfinished-item", ...attributes },
      h("span", { class: "sign", "aria-hidden": "true" }),
      h("div", { class: "head" }, h("span", { class: "name", title: filename }, filename)),
      h("div", { class: "buttons" }, ...(entry.handle ? [take, again] : [again]), discard),
      h("div", { class: "line" }, h("span", { class: "message" }, facts.filter(Boolean).join(" · "))),
      trouble,
    );
  }
}
