// Offers for ten seconds to undo what deletes uploaded bytes. Loaded when it is first offered.
// Until then nothing is deleted: whoever leaves the page meanwhile can resume the upload.

import { can } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { button, h, reportLostFocus, setLabel, setText } from "./dom.ts";
import { addLateLabels } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { adoptSheet } from "./styles.ts";

const SECONDS = 10;

const CSS = /* css */ `
.undo {
  grid-column: 2 / -1;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: .5rem 1rem;
  font-size: .875rem;
}
@media (max-width: 560px) { .undo { grid-column: 1 / -1; } }
.item:has(> .undo) :is(.buttons, .line, progress), .summary:has(> .undo) .buttons { display: none; }
`;

export interface Undoable {
  readonly text: "cancelled" | "discarded" | "folder_cancelled" | "folder_discarded";
  undo(): void;
  act(): void;
}

export class UndoOffer {
  readonly element: HTMLElement;
  readonly #text = h("span", { class: "message" });
  #left = SECONDS;
  readonly #timer = setInterval(() => this.#tick(), 1000);

  /** `place`: the row that is replaced by the offer. */
  constructor(
    place: Element,
    readonly localization: Localization,
    readonly undoable: Undoable,
  ) {
    addLateLabels();
    const undo = button("undo", () => this.#undo(), "primary");
    setLabel(undo, localization.label("undo"));
    const announcement = h("span", { class: "visually-hidden", role: "status" });
    this.element = h("div", { class: "undo", part: "undo", "data-testid": "undo-offer" });
    this.element.append(this.#text, announcement, undo);
    const hadFocus = place.matches(":focus-within");
    place.append(this.element);
    adoptSheet(place, CSS);
    this.#show();
    // Text that a live region has from the beginning is not read.
    queueMicrotask(() => setText(announcement, localization.label("announce_undo", { wait: SECONDS })));
    if (hadFocus) undo.focus();
  }

  /** Takes the offer back; nothing is done. */
  remove(): void {
    clearInterval(this.#timer);
    const hadFocus = this.element.matches(":focus-within");
    const place = this.element.parentElement;
    this.element.remove();
    if (hadFocus && place) reportLostFocus(place);
  }

  #undo(): void {
    this.remove();
    this.undoable.undo();
  }

  #tick(): void {
    this.#left -= 1;
    const { isConnected } = this.element;
    if (isConnected && this.#left > 0) this.#show();
    else this.remove();
    if (isConnected && this.#left === 0) this.undoable.act();
  }

  #show(): void {
    setText(this.#text, this.localization.label(this.undoable.text, { wait: this.#left }));
  }
}

/** Seconds of uploading that may be lost without a question. */
const CHEAP_SECONDS = 3;

/** Whether aborting would lose more than a few seconds of uploading. */
export function isCostly({ loaded, speed }: { loaded: number; speed: number | null }): boolean {
  return loaded > 0 && !(speed && loaded / speed < CHEAP_SECONDS);
}

/** Aborts the uploads: at once where little is lost, otherwise with an offer to undo it. */
export function cancelOrOffer(place: Element, uploads: readonly Upload[], localization: Localization): void {
  if (uploads.some(({ progress }) => isCostly(progress))) offerAbort(place, uploads, localization);
  else for (const upload of uploads) void upload.abort().catch(() => {});
}

/** Pauses the uploads, and aborts them after ten seconds: those that nobody has resumed meanwhile. */
function offerAbort(place: Element, uploads: readonly Upload[], localization: Localization): void {
  const paused = uploads.filter(({ state }) => state !== "paused" && can(state, "pause"));
  for (const upload of paused) upload.pause();
  const states = new Map(uploads.map((upload) => [upload, upload.state]));
  const isUnchanged = (upload: Upload) => states.get(upload) === upload.state && can(upload.state, "abort");
  const offer = new UndoOffer(place, localization, {
    text: uploads.some((upload) => "list" in upload) ? "folder_cancelled" : "cancelled", // Files of a folder stay.
    undo: () => {
      for (const upload of paused) if (upload.state === "paused") upload.resume();
    },
    act: () => {
      for (const upload of uploads) if (isUnchanged(upload)) void upload.abort().catch(() => {});
    },
  });
  const [only, ...others] = uploads;
  if (others.length === 0) only?.addEventListener("statechange", () => offer.remove(), { once: true });
}
