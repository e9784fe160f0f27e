// The line above the list: all uploads together, and what can be done with all of them.
// Its one rule: shown once there is more than one; it looks at most a few times a second, however many there are.

import { can, isOver } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { button, h, loseFocus, setText, word } from "./dom.ts";
import { figures } from "./figures.ts";
import type { Speech } from "./language.ts";
import { Count, type Totals } from "./totals.ts";

/** Milliseconds between two looks. */
const LOOK_EVERY = 250;

type Press = "pause_all" | "resume_all" | "retry_all" | "cancel_all" | "clear";

export class Summary {
  readonly element: HTMLElement;
  readonly #text = h("span", { class: "message", "data-testid": "total-message" });
  readonly #figures = h("span", { class: "figures", "data-testid": "total-figures" });
  readonly #bar = h("progress", { part: "progress total", max: "1", "data-testid": "total-progress" });
  readonly #buttons: Readonly<Record<Press, HTMLButtonElement>>;
  readonly #uploads = new Set<Upload>();
  readonly #count = new Count();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `clear`: rows of these are to go. */
  constructor(
    readonly speech: Speech,
    readonly clear: (uploads: readonly Upload[]) => void,
  ) {
    this.#buttons = {
      pause_all: button("pause-all", () => this.#each("pause", (upload) => upload.pause())),
      resume_all: button("resume-all", () => this.#each("resume", (upload) => upload.resume(), "paused")),
      retry_all: button("retry-all", () => this.#each("resume", (upload) => upload.resume(), "failed")),
      cancel_all: button("cancel-all", () =>
        this.#each("abort", (upload) => void upload.abort().catch(() => {})),
      ),
      clear: button("clear", () => this.#clear()),
    };
    const line = h("div", { class: "line" }, this.#text, this.#figures);
    const buttons = h("div", { class: "buttons" }, ...Object.values(this.#buttons));
    this.element = h("div", { class: "summary", part: "summary", hidden: true }, line, this.#bar, buttons);
    speech.addEventListener("change", () => this.#show());
  }

  add(upload: Upload): void {
    this.#uploads.add(upload);
    upload.addEventListener("progress", () => this.#soon());
    upload.addEventListener("statechange", ({ state }) => {
      if (state === "uploading" && upload.progress.loaded > 0) this.#count.forgive();
      this.#soon();
    });
    this.#soon();
  }

  /** How all of it stands, in one sentence. */
  say({ all, done, failed }: Totals = this.look()): string {
    if (all === 0) return this.speech.label("aborted");
    return this.speech.label(failed ? "counted_failed" : "counted", { all, done, failed });
  }

  look(): Totals {
    return this.#count.look(this.#uploads, performance.now());
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#show();
    }, LOOK_EVERY);
  }

  #show(): void {
    const totals = this.look();
    const { all, done, failed, paused, busy, progress } = totals;
    setText(this.#text, this.say(totals));
    setText(this.#figures, done < all ? figures(progress, busy > 0, this.speech) : "");
    this.#bar.value = progress.ratio;
    this.#bar.setAttribute("aria-label", this.speech.label("progress_all"));
    this.#bar.hidden = all === 0 || done === all;
    this.#toggle({
      pause_all: busy > 0,
      resume_all: paused > 0,
      retry_all: failed > 0,
      cancel_all: done < all,
      clear: [...this.#uploads].some(({ state }) => isOver(state)),
    });
    this.element.hidden = this.#uploads.size < 2;
  }

  /** The focus stays on what can still be pressed. */
  #toggle(shown: Readonly<Record<Press, boolean>>): void {
    const buttons = Object.entries(this.#buttons) as [Press, HTMLButtonElement][];
    const focused = buttons.find(([, element]) => element.matches(":focus"));
    const hidden = this.#uploads.size < 2;
    for (const [press, element] of buttons) {
      word(element, this.speech.label(press));
      element.hidden = !shown[press];
    }
    if (!focused || !(hidden || focused[1].hidden)) return;
    const next = hidden ? undefined : buttons.find(([, element]) => !element.hidden);
    if (next) next[1].focus();
    else loseFocus(this.element);
  }

  #each(
    event: "pause" | "resume" | "abort",
    act: (upload: Upload) => void,
    only?: "paused" | "failed",
  ): void {
    for (const upload of this.#uploads) {
      if (can(upload.state, event) && (!only || upload.state === only)) act(upload);
    }
    this.#show();
  }

  #clear(): void {
    this.remove([...this.#uploads].filter(({ state }) => isOver(state)));
  }

  remove(uploads: readonly Upload[]): void {
    for (const upload of uploads) this.#uploads.delete(upload);
    this.clear(uploads);
    this.#show();
  }
}
