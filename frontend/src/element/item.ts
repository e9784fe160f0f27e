// One upload on the page.
// Its one rule: it shows what the upload says and passes on what the person presses; it decides nothing. Until it comes
// near the window it is a name and a state: there may be thousands.

import { can, type State } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { button, h, loseFocus, setText, word } from "./dom.ts";
import { failureView } from "./failure.ts";
import { figures } from "./figures.ts";
import { bytes } from "./format.ts";
import type { Speech } from "./language.ts";

type Press = "pause" | "resume" | "retry" | "cancel";

const APPLIES: Readonly<Record<Press, (state: State) => boolean>> = {
  pause: (state) => can(state, "pause"),
  resume: (state) => state === "paused",
  retry: (state) => state === "failed",
  cancel: (state) => can(state, "abort"),
};

export class UploadItem {
  readonly element: HTMLLIElement;
  #face: Face | null = null;

  constructor(
    readonly upload: Upload,
    readonly speech: Speech,
  ) {
    const name = upload.filename;
    const attributes = { class: "item", "data-testid": "upload-item", "data-filename": name };
    this.element = h("li", attributes, name);
    upload.addEventListener("progress", () => this.#face?.showProgress());
    upload.addEventListener("notice", () => this.#face?.showNotice());
    upload.addEventListener("statechange", () => this.show());
    this.#showState();
  }

  /** It has come near. */
  build(): void {
    if (this.#face) return;
    this.#face = new Face(this.upload, this.speech);
    this.element.replaceChildren(...this.#face.elements);
  }

  show(): void {
    this.#showState();
    this.#face?.show();
  }

  #showState(): void {
    const { state } = this.upload;
    this.element.dataset.state = state;
    this.element.setAttribute("part", `item item-${state}`);
  }
}

/** What is seen of it. */
class Face {
  readonly elements: readonly HTMLElement[];
  readonly #message = h("span", { class: "message", part: "message", "data-testid": "item-message" });
  readonly #figures = h("span", { class: "figures", part: "figures", "data-testid": "item-figures" });
  readonly #bar = h("progress", { part: "progress", max: "1", "data-testid": "progress" });
  readonly #outcome = h("div", { class: "outcome" });
  readonly #size = h("span", { class: "size" });
  readonly #buttons: Readonly<Record<Press, HTMLButtonElement>>;

  constructor(
    readonly upload: Upload,
    readonly speech: Speech,
  ) {
    this.#buttons = {
      pause: button("pause", () => upload.pause()),
      resume: button("resume", () => upload.resume()),
      retry: button("retry", () => upload.resume()),
      // How it ended is shown by the state; an error of discarding is too.
      cancel: button("cancel", () => void upload.abort().catch(() => {})),
    };
    const name = h("span", { class: "name", part: "name", title: upload.filename }, upload.filename);
    this.elements = [
      h("span", { class: "sign", "aria-hidden": "true" }),
      h("div", { class: "head" }, name, this.#size),
      h("div", { class: "buttons" }, ...Object.values(this.#buttons)),
      this.#bar,
      h("div", { class: "line" }, this.#message, this.#figures),
      this.#outcome,
    ];
    this.show();
  }

  show(): void {
    const { speech } = this;
    const { state, error, filename } = this.upload;
    this.#bar.setAttribute("aria-label", speech.label("progress_of", { name: filename }));
    for (const [press, element] of Object.entries(this.#buttons) as [Press, HTMLButtonElement][]) {
      word(element, speech.label(press), filename);
      this.#toggle(element, APPLIES[press](state));
    }
    this.#bar.hidden = state === "completed" || state === "aborted";
    this.#outcome.replaceChildren(...(error ? [failureView(error, speech)] : []));
    if (state === "completed") void this.upload.done.then(({ key }) => this.#showKey(key));
    this.showMessage();
    this.showProgress();
  }

  /** A button that goes away under the focus hands it on to the one that takes its place. */
  #toggle(element: HTMLButtonElement, visible: boolean): void {
    const hadFocus = element.matches(":focus");
    element.hidden = !visible;
    if (hadFocus && !visible) queueMicrotask(() => this.#focusFirst());
  }

  #focusFirst(): void {
    const [first] = Object.values(this.#buttons).filter((element) => !element.hidden);
    if (first) first.focus();
    else loseFocus(this.#outcome);
  }

  showNotice(): void {
    this.showMessage();
    this.showProgress();
  }

  showMessage(): void {
    const { notice, state } = this.upload;
    setText(this.#message, notice ? this.speech.notice(notice) : this.speech.label(state));
    this.#message.classList.toggle("notice", notice !== null);
  }

  showProgress(): void {
    const { state, progress, notice } = this.upload;
    const { loaded, total, ratio } = progress;
    const unknown = !this.upload.sized && state !== "completed";
    setText(this.#size, this.upload.sized || total ? bytes(total) : "");
    if (unknown) this.#bar.removeAttribute("value");
    else this.#bar.value = ratio;
    const over = state === "completed" || state === "aborted";
    // While it waits for something, how fast it was says nothing.
    const moving = state === "uploading" && notice === null;
    const shown = figures(progress, moving, this.speech, this.upload.sized);
    setText(this.#figures, loaded > 0 && !over ? shown : "");
  }

  #showKey(key: string): void {
    const shown = h("p", { class: "key", part: "key", "data-testid": "key" }, key);
    this.#outcome.replaceChildren(shown);
  }
}
