// A folder in the list: one row with its counts, its bytes and what has failed, and its files on demand.

import type { FolderUpload } from "../engine/folder-upload.ts";
import { importLate } from "../engine/late.ts";
import { can } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { cancel } from "./cancelling.ts";
import { button, fileName, h, reportLostFocus, setLabel, setText, withoutDirections } from "./dom.ts";
import { FolderFiles } from "./folder-files.ts";
import { joined } from "./joined.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { progressText, showBar } from "./progress-text.ts";
import { canRetry } from "./questions.ts";
import { showError } from "./show-error.ts";
import { adoptSheet } from "./styles.ts";

type Action = "pause" | "resume" | "retry" | "cancel";

/** When a button is shown. */
const IS_OFFERED: Readonly<Record<Action, (folder: FolderUpload) => boolean>> = {
  pause: ({ state }) => can(state, "pause"),
  resume: ({ state }) => state === "paused",
  retry: canRetry,
  cancel: ({ state }) => can(state, "abort"),
};
/** Milliseconds between two updates. */
const UPDATE_EVERY = 250;
/** The buttons' text stands below the other text. */
const CSS = /* css */ `
.folder button { margin-inline-start: -.875rem; }
.files { list-style: none; max-block-size: 20rem; margin-block: .25rem; overflow: auto; font-size: .8125rem; scrollbar-color: var(--oss-muted) transparent; }
.files li {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0 1rem;
  padding-block: .1875rem;
  padding-inline-end: .5rem;
  overflow-wrap: anywhere;
}
.files li + li { border-block-start: 1px solid var(--oss-border); }
.files span { color: var(--oss-muted); }
@media (forced-colors: active) { .folder button { margin-inline-start: 0; } }
`;

export class FolderRow {
  readonly element: HTMLLIElement;
  readonly #message = h("span", { class: "message", part: "message", "data-testid": "item-message" });
  readonly #figures = h("span", { class: "figures", part: "figures", "data-testid": "item-figures" });
  readonly #bar = h("progress", { part: "progress", max: "1", "data-testid": "progress" });
  readonly #outcome = h("div", { class: "outcome" });
  readonly #size = h("span", { class: "size" });
  readonly #buttons: Readonly<Record<Action, HTMLButtonElement>>;
  readonly #toggle = button("files", () => this.#toggleFiles(), "quiet");
  readonly #files: FolderFiles;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly folder: FolderUpload,
    readonly localization: Localization,
  ) {
    addLateLabels();
    const asUpload = folder as unknown as Upload;
    this.#files = new FolderFiles(folder.list, localization);
    this.#buttons = {
      pause: button("pause", () => folder.pause()),
      resume: button("resume", () => folder.resume(), "primary"),
      retry: button("retry", () => folder.resume(), "primary"),
      // It has what the offer to undo needs of an upload.
      cancel: button("cancel", () => void cancel(this.element, [asUpload], localization), "quiet danger"),
    };
    const { name } = folder;
    this.element = h(
      "li",
      { class: "item", "data-testid": "folder-item", "data-filename": name },
      h("span", { class: "state-icon", "aria-hidden": "true" }),
      h("div", { class: "head" }, fileName(name, { part: "name" }), this.#size),
      h("div", { class: "buttons" }, ...Object.values(this.#buttons)),
      this.#bar,
      h("div", { class: "line" }, this.#message, this.#figures),
      this.#outcome,
      h("div", { class: "outcome folder" }, this.#toggle, this.#files.element),
    );
    folder.addEventListener("progress", () => this.#showSoon());
    folder.addEventListener("statechange", () => this.show());
    this.show();
  }

  #showSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#showProgress();
    }, UPDATE_EVERY);
  }

  /** There is nothing to postpone: a list has few folders. */
  build(): void {}

  show(): void {
    const { folder, localization } = this;
    const { state, error } = folder;
    const name = withoutDirections(folder.name);
    this.element.dataset.state = state;
    this.element.setAttribute("part", `item item-${state}`);
    this.#bar.setAttribute("aria-label", localization.label("progress_of", { name }));
    for (const [action, element] of Object.entries(this.#buttons) as [Action, HTMLButtonElement][]) {
      setLabel(element, localization.label(action), name);
      this.#offer(element, IS_OFFERED[action](folder));
    }
    this.#bar.hidden = state === "completed" || state === "aborted";
    if (error) showError(this.#outcome, error, localization);
    else this.#outcome.replaceChildren();
    this.#showProgress();
  }

  #showProgress(): void {
    const { state, list, progress, notice } = this.folder;
    const { localization } = this;
    if (this.element.isConnected) adoptSheet(this.element, CSS);
    const open = !this.#files.element.hidden;
    setLabel(this.#toggle, localization.label(open ? "folder_hide" : "folder_files"), this.folder.name);
    this.#toggle.setAttribute("aria-expanded", String(open));
    setText(this.#size, localization.formats.bytes(list.bytes));
    setText(this.#message, notice ? localization.notice(notice) : this.#messageText());
    this.#message.classList.toggle("notice", notice !== null);
    const over = state === "completed" || state === "aborted" || state === "preparing";
    const moving = state === "uploading" && !notice;
    const figures = over ? "" : progressText(progress, localization, { moving, sized: true });
    showBar(this.#bar, progress, moving);
    setText(this.#figures, notice ? joined(this.#messageText(), figures) : figures);
    this.#files.show();
    if (notice?.facts.wait) void this.#countDown();
  }

  async #countDown(): Promise<void> {
    const countDown = await importLate(() => import("./countdown.ts"), "countDown");
    countDown(this.folder, this.#message, this.localization, () => this.#showProgress());
  }

  /** “Paused. 12 of 255 files uploaded, 3 failed · 120 were uploaded before”. */
  #messageText(): string {
    const { state, list } = this.folder;
    const { count: all, done, failed, skipped } = list;
    const { localization } = this;
    const counted = localization.label(failed ? "folder_counted_failed" : "folder_counted", {
      all,
      done,
      failed,
    });
    const texts = state === "uploading" || state === "completed" ? [] : [localization.label(state)];
    if (state !== "preparing" && state !== "aborted") texts.push(counted);
    if (skipped > 0) texts.push(localization.label("folder_skipped", { skipped }));
    return joined(...texts);
  }

  #toggleFiles(): void {
    this.#files.toggle();
    this.#showProgress();
  }

  /** When the focused button is hidden, the button that takes its place receives the focus. */
  #offer(element: HTMLButtonElement, visible: boolean): void {
    const hadFocus = element.matches(":focus");
    element.hidden = !visible;
    if (hadFocus && !visible) queueMicrotask(() => this.#focusFirst());
  }

  #focusFirst(): void {
    const first = Object.values(this.#buttons).find((element) => !element.hidden);
    if (first) first.focus();
    else reportLostFocus(this.#outcome);
  }
}
