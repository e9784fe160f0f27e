// The line above the list: the totals of all uploads, and buttons that act on all of them.
// It is shown when there are at least two uploads, and updated a few times a second, however many there are.

import { importLate } from "../engine/late.ts";
import { can, isOver } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { cancel } from "./cancelling.ts";
import { button, h, reportLostFocus, setLabel, setText } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { UploadList } from "./list.ts";
import type { Localization } from "./localization.ts";
import { progressText, showBar } from "./progress-text.ts";
import { canRetry } from "./questions.ts";
import { SpeedLimit } from "./speed-limit.ts";
import { adoptSheet } from "./styles.ts";
import { type Totals, TotalsCounter } from "./totals.ts";

const CSS = /* css */ `
.summary { display: grid; gap: .5rem; margin-block-start: 1.25rem; padding-inline: .25rem; }
.summary .message { color: var(--oss-text); font-weight: 600; font-size: .9375rem; }
.summary .buttons { flex-wrap: wrap; margin-inline: 0; gap: .375rem; }
.summary button { background: var(--oss-surface); border-color: var(--oss-border); }
`;
/** Milliseconds between two updates. */
const UPDATE_EVERY = 250;

type Action = "pause_all" | "resume_all" | "retry_all" | "cancel_all" | "clear";

export interface SummaryPorts {
  readonly localization: Localization;
  readonly list: UploadList;
  uploader(): OssUploader;
  /** Receives the uploads that are over when the user clears the list. */
  onclear(uploads: readonly Upload[]): void;
}

export class Summary {
  readonly element: HTMLElement;
  readonly localization: Localization;
  readonly #speedLimit: SpeedLimit;
  /** The uploader whose queue can be ordered. */
  #ordered: OssUploader | null = null;
  readonly #text = h("span", { class: "message", "data-testid": "total-message" });
  readonly #figures = h("span", { class: "figures", "data-testid": "total-figures" });
  readonly #bar = h("progress", { part: "progress total", max: "1", "data-testid": "total-progress" });
  readonly #buttons: Readonly<Record<Action, HTMLButtonElement>>;
  readonly #uploads = new Set<Upload>();
  readonly #counter = new TotalsCounter();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly ports: SummaryPorts) {
    addLateLabels();
    const { localization, onclear, uploader } = ports;
    this.localization = localization;
    this.#speedLimit = new SpeedLimit(localization, uploader);
    const resume = (upload: Upload) => upload.resume();
    this.#buttons = {
      pause_all: button("pause-all", () => this.#forEach("pause", (upload) => upload.pause())),
      resume_all: button("resume-all", () =>
        this.#forEach("resume", resume, ({ state }) => state === "paused"),
      ),
      retry_all: button("retry-all", () => this.#forEach("resume", resume, canRetry)),
      cancel_all: button("cancel-all", () => this.#cancelAll(), "quiet danger"),
      clear: button("clear", () => onclear(this.#over()), "quiet"),
    };
    const line = h("div", { class: "line" }, this.#text, this.#figures);
    const buttons = h("div", { class: "buttons" }, ...Object.values(this.#buttons));
    this.element = h("div", { class: "summary", part: "summary", hidden: true }, line, this.#bar, buttons);
    localization.addEventListener("change", () => this.#show());
  }

  /** Puts the summary and its styles into the page. */
  appendTo(place: Element): void {
    adoptSheet(place, CSS);
    place.append(this.element);
    this.#speedLimit.appendTo(place);
  }

  add(upload: Upload): void {
    this.#uploads.add(upload);
    upload.addEventListener("progress", () => this.#showSoon());
    upload.addEventListener("statechange", () => {
      if (upload.state === "uploading" && upload.progress.loaded > 0) this.#counter.resetSpeed();
      this.#showSoon();
    });
    // What appears later pushes the list away, just when somebody is about to press a button in it.
    if (this.element.hidden) this.#show();
    else this.#showSoon();
  }

  remove(uploads: readonly Upload[]): void {
    for (const upload of uploads) this.#uploads.delete(upload);
    this.#show();
  }

  /** The state of all uploads in one sentence. */
  text({ all, done, failed }: Totals = this.#totals()): string {
    if (all === 0) return this.localization.label("aborted");
    return this.localization.label(failed ? "counted_failed" : "counted", { all, done, failed });
  }

  #cancelAll(): void {
    const open = [...this.#uploads].filter(({ state }) => can(state, "abort"));
    void cancel(this.element, open, this.localization);
  }

  #over(): Upload[] {
    return [...this.#uploads].filter(({ state }) => isOver(state));
  }

  #totals(): Totals {
    return this.#counter.count(this.#uploads, performance.now());
  }

  #showSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#show();
    }, UPDATE_EVERY);
  }

  #show(): void {
    const totals = this.#totals();
    const { all, done, paused, busy, moving, progress } = totals;
    setText(this.#text, this.text(totals));
    const text = () => progressText(progress, this.localization, { moving, sized: true });
    setText(this.#figures, done < all ? text() : "");
    showBar(this.#bar, progress, moving);
    this.#bar.setAttribute("aria-label", this.localization.label("progress_all"));
    this.#bar.hidden = all === 0 || done === all;
    this.#toggle({
      pause_all: busy > 0,
      resume_all: paused > 0,
      retry_all: [...this.#uploads].some(canRetry),
      cancel_all: done < all,
      clear: this.#over().length > 0,
    });
    this.element.hidden = this.#uploads.size < 2;
    this.#speedLimit.busy = busy > 0;
    if (busy > 1) void this.#loadOrder();
  }

  /** Once files wait, their order can be changed. */
  async #loadOrder(): Promise<void> {
    const uploader = this.ports.uploader();
    if (this.#ordered === uploader || uploader.queue.length < 2) return;
    this.#ordered = uploader;
    const { list, localization } = this.ports;
    const QueueOrder = await importLate(() => import("./queue-order.ts"), "QueueOrder").catch(() => null);
    if (QueueOrder)
      new QueueOrder({ localization, uploader, list: list.element, row: (upload) => list.row(upload) });
    else this.#ordered = null;
  }

  /** When the focused button is hidden, another button receives the focus. */
  #toggle(shown: Readonly<Record<Action, boolean>>): void {
    const buttons = Object.entries(this.#buttons) as [Action, HTMLButtonElement][];
    const focused = buttons.find(([, element]) => element.matches(":focus"));
    const hidden = this.#uploads.size < 2;
    for (const [action, element] of buttons) {
      setLabel(element, this.localization.label(action));
      element.hidden = !shown[action];
    }
    if (!focused || !(hidden || focused[1].hidden)) return;
    const next = hidden ? undefined : buttons.find(([, element]) => !element.hidden);
    if (next) next[1].focus();
    else reportLostFocus(this.element);
  }

  #forEach(
    event: "pause" | "resume",
    act: (upload: Upload) => void,
    only: (upload: Upload) => boolean = () => true,
  ): void {
    for (const upload of this.#uploads) {
      if (can(upload.state, event) && only(upload)) act(upload);
    }
    this.#show();
  }
}
