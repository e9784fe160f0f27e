// One upload in the list.
// An item is only a name and a state until its view is built, since there may be thousands.

import type { DownloadLink } from "../engine/allowance.ts";
import { importLate } from "../engine/late.ts";
import { can, isOver } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { cancel } from "./cancelling.ts";
import { button, fileName, h, reportLostFocus, setLabel, setText, withoutDirections } from "./dom.ts";
import type { Localization } from "./localization.ts";
import { progressText, showBar } from "./progress-text.ts";
import { canRetry } from "./questions.ts";
import { showError } from "./show-error.ts";

type Action = "pause" | "resume" | "retry" | "cancel";

/** When a button is shown. */
const IS_OFFERED: Readonly<Record<Action, (upload: Upload) => boolean>> = {
  pause: ({ state }) => can(state, "pause"),
  resume: ({ state }) => state === "paused",
  retry: canRetry,
  cancel: ({ state }) => can(state, "abort"),
};

/** A link to the completed upload; null where the destination gives none. */
export type LinkOf = () => ((id: string, inline: boolean) => Promise<DownloadLink>) | null;

export class UploadItem {
  readonly element: HTMLLIElement;
  #view: ItemView | null = null;

  constructor(
    readonly upload: Upload,
    readonly localization: Localization,
    readonly link: LinkOf,
  ) {
    const name = upload.filename;
    const attributes = { class: "item", "data-testid": "upload-item", "data-filename": name };
    this.element = h("li", attributes, withoutDirections(name));
    upload.addEventListener("progress", () => this.#view?.showProgress());
    upload.addEventListener("notice", () => this.#view?.showNotice());
    upload.addEventListener("statechange", () => this.show());
    this.#showState();
  }

  /** Builds the view; does nothing the second time. */
  build(): void {
    if (this.#view) return;
    this.#view = new ItemView(this.upload, this.localization, this.link);
    this.element.replaceChildren(...this.#view.elements);
    this.element.dispatchEvent(new Event("built", { bubbles: true }));
  }

  show(): void {
    this.#showState();
    this.#view?.show();
  }

  #showState(): void {
    const { state } = this.upload;
    this.element.dataset.state = state;
    this.element.setAttribute("part", `item item-${state}`);
  }
}

/** The visible content of an item. */
class ItemView {
  readonly elements: readonly HTMLElement[];
  readonly #message = h("span", { class: "message", part: "message", "data-testid": "item-message" });
  readonly #figures = h("span", { class: "figures", part: "figures", "data-testid": "item-figures" });
  readonly #bar = h("progress", { part: "progress", max: "1", "data-testid": "progress" });
  readonly #outcome = h("div", { class: "outcome" });
  readonly #size = h("span", { class: "size" });
  readonly #icon = h("span", { class: "state-icon", "aria-hidden": "true" });
  readonly #buttons: Readonly<Record<Action, HTMLButtonElement>>;

  constructor(
    readonly upload: Upload,
    readonly localization: Localization,
    readonly link: LinkOf,
  ) {
    this.#buttons = {
      pause: button("pause", () => upload.pause()),
      resume: button("resume", () => upload.resume(), "primary"),
      retry: button("retry", () => upload.resume(), "primary"),
      // The state shows the result, and an error too.
      cancel: button("cancel", () => void cancel(this.#row, [upload], localization), "quiet danger"),
    };
    this.elements = [
      this.#icon,
      h("div", { class: "head" }, fileName(upload.filename, { part: "name" }), this.#size),
      h("div", { class: "buttons" }, ...Object.values(this.#buttons)),
      this.#bar,
      h("div", { class: "line" }, this.#message, this.#figures),
      this.#outcome,
    ];
    this.show();
  }

  show(): void {
    const { localization } = this;
    const { state, error } = this.upload;
    const filename = withoutDirections(this.upload.filename);
    this.#bar.setAttribute("aria-label", localization.label("progress_of", { name: filename }));
    for (const [action, element] of Object.entries(this.#buttons) as [Action, HTMLButtonElement][]) {
      setLabel(element, localization.label(action), filename);
      this.#toggle(element, IS_OFFERED[action](this.upload));
    }
    this.#bar.hidden = state === "completed" || state === "aborted";
    if (error) showError(this.#outcome, error, localization);
    else this.#outcome.replaceChildren();
    if (isOver(state)) void this.#showEnd();
    this.showNotice();
  }

  showNotice(): void {
    const { notice } = this.upload;
    if (notice) setText(this.#message, this.localization.notice(notice));
    this.#message.classList.toggle("notice", notice !== null);
    if (notice?.facts.wait) void this.#countDown();
    this.showProgress();
  }

  /** It says that something is kept only where that is so. */
  #stateText(): string {
    const { state, progress } = this.upload;
    const text = this.localization.label(state);
    const keeps = progress.kept && (state === "paused" || state === "failed");
    return keeps ? this.localization.label("kept", { text }) : text;
  }

  async #countDown(): Promise<void> {
    const countDown = await importLate(() => import("./countdown.ts"), "countDown").catch(() => null);
    countDown?.(this.upload, this.#message, this.localization, () => this.showProgress());
  }

  showProgress(): void {
    const { state, progress, notice, sized } = this.upload;
    const { loaded, total } = progress;
    setText(this.#size, sized || total ? this.localization.formats.bytes(total) : "");
    // While the upload waits for something, its last speed means nothing.
    const moving = state === "uploading" && notice === null;
    if (!sized && state !== "completed") this.#bar.removeAttribute("value");
    else showBar(this.#bar, progress, moving);
    const over = state === "completed" || state === "aborted";
    const text = loaded > 0 && !over ? progressText(progress, this.localization, { moving, sized }) : "";
    setText(this.#figures, text);
    if (!notice) setText(this.#message, this.#stateText());
  }

  /** When the focused button is hidden, the button that takes its place receives the focus. */
  #toggle(element: HTMLButtonElement, visible: boolean): void {
    const hadFocus = element.matches(":focus");
    element.hidden = !visible;
    if (hadFocus && !visible) queueMicrotask(() => this.#focusFirst());
  }

  #focusFirst(): void {
    const [first] = Object.values(this.#buttons).filter((element) => !element.hidden);
    if (first) first.focus();
    else reportLostFocus(this.#outcome);
  }

  get #row(): Element {
    return this.#icon.parentElement as Element;
  }

  /** What may be done with the file now, or who aborted its upload. */
  async #showEnd(): Promise<void> {
    const showEnd = await importLate(() => import("./ended.ts"), "showEnd").catch(() => null);
    const { upload, localization, link } = this;
    await showEnd?.({ upload, localization, link, icon: this.#icon, outcome: this.#outcome });
  }
}
