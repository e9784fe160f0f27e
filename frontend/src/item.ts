// One upload on the page.
// Its one rule: it shows what the upload says and passes on what the person presses; it decides nothing.

import { button, h, setText } from "./dom.ts";
import { failureView } from "./failure.ts";
import { bytes, duration, percent } from "./format.ts";
import { can, type State } from "./states.ts";
import type { Upload } from "./upload.ts";

const MESSAGES: Readonly<Record<State, string>> = {
  queued: "Waiting for its turn",
  preparing: "Looking what is already there…",
  uploading: "Uploading",
  paused: "Paused. What was sent is kept.",
  completing: "The storage is putting the parts together…",
  completed: "Uploaded",
  failed: "Stopped. What was sent is kept.",
  aborting: "Discarding…",
  aborted: "Discarded",
};

export class UploadItem {
  readonly element: HTMLLIElement;
  readonly #message = h("span", { class: "message", part: "message", "data-testid": "item-message" });
  readonly #figures = h("span", { class: "figures", part: "figures", "data-testid": "item-figures" });
  readonly #bar = h("progress", { part: "progress", max: "1", "data-testid": "progress" });
  readonly #outcome = h("div", { class: "outcome" });
  readonly #buttons: readonly (readonly [HTMLButtonElement, (state: State) => boolean])[];

  constructor(readonly upload: Upload) {
    const name = upload.filename;
    this.#bar.setAttribute("aria-label", `Progress of ${name}`);
    this.#buttons = [
      [button("pause", "Pause", `Pause ${name}`, () => upload.pause()), (state) => can(state, "pause")],
      [button("resume", "Resume", `Resume ${name}`, () => upload.resume()), (state) => state === "paused"],
      [
        button("retry", "Try again", `Try ${name} again`, () => upload.resume()),
        (state) => state === "failed",
      ],
      [
        // How it ended is shown by the state; an error of discarding is too.
        button("cancel", "Cancel", `Cancel ${name}`, () => void upload.abort().catch(() => {})),
        (state) => can(state, "abort"),
      ],
    ];
    this.element = this.#build(name);
    upload.addEventListener("progress", () => this.#showProgress());
    upload.addEventListener("notice", () => this.#showMessage());
    upload.addEventListener("statechange", () => this.#show());
    this.#show();
  }

  #build(name: string): HTMLLIElement {
    return h(
      "li",
      { class: "item", "data-testid": "upload-item", "data-filename": name },
      h("span", { class: "sign", "aria-hidden": "true" }),
      h(
        "div",
        { class: "head" },
        h("span", { class: "name", part: "name", title: name }, name),
        h("span", { class: "size" }, bytes(this.upload.file.size)),
      ),
      h("div", { class: "buttons" }, ...this.#buttons.map(([element]) => element)),
      this.#bar,
      h("div", { class: "line" }, this.#message, this.#figures),
      this.#outcome,
    );
  }

  #show(): void {
    const { state, error } = this.upload;
    this.element.dataset.state = state;
    this.element.setAttribute("part", `item item-${state}`);
    for (const [element, applies] of this.#buttons) this.#toggle(element, applies(state));
    this.#bar.hidden = state === "completed" || state === "aborted";
    this.#outcome.replaceChildren(...(error ? [failureView(error)] : []));
    if (state === "completed") void this.upload.done.then(({ key }) => this.#showKey(key));
    this.#showMessage();
    this.#showProgress();
  }

  /** A button that goes away under the focus hands it on to the one that takes its place. */
  #toggle(element: HTMLButtonElement, visible: boolean): void {
    const hadFocus = element.matches(":focus");
    element.hidden = !visible;
    if (hadFocus && !visible) queueMicrotask(() => this.#focusFirst());
  }

  #focusFirst(): void {
    this.#buttons.find(([element]) => !element.hidden)?.[0].focus();
  }

  #showMessage(): void {
    const { notice, state } = this.upload;
    setText(this.#message, notice || MESSAGES[state]);
    this.#message.classList.toggle("notice", notice !== "");
  }

  #showProgress(): void {
    const { state, progress } = this.upload;
    const { loaded, total, ratio, speed, eta } = progress;
    this.#bar.value = ratio;
    const over = state === "completed" || state === "aborted";
    const parts = [percent(ratio), `${bytes(loaded)} of ${bytes(total)}`];
    if (state === "uploading" && speed) parts.push(`${bytes(speed)}/s`);
    if (state === "uploading" && eta) parts.push(`${duration(eta)} left`);
    setText(this.#figures, loaded > 0 && !over ? parts.join(" · ") : "");
  }

  #showKey(key: string): void {
    const shown = h("p", { class: "key", part: "key", "data-testid": "key" }, key);
    this.#outcome.replaceChildren(shown);
  }
}
