// An interrupted recording in the list of unfinished uploads: it cannot be resumed, but what there is of it can be kept.

import type { Unfinished } from "../engine/uploader.ts";
import { formatDate } from "./dates.ts";
import { button, fileName, h, setLabel, withoutDirections } from "./dom.ts";
import { joined } from "./joined.ts";
import type { Localization } from "./localization.ts";
import { showError } from "./show-error.ts";
import { UndoOffer } from "./undo.ts";
import type { UnfinishedPorts } from "./unfinished.ts";
import { discard, resume } from "./unfinished-actions.ts";
import { showRunning } from "./unfinished-running.ts";

export function unfinishedStream(entry: Unfinished, ports: UnfinishedPorts): HTMLLIElement {
  const { id, filename, isRunning } = entry;
  const place = h("div", { class: "outcome", role: "alert" });
  const attributes = { "data-testid": "unfinished-stream", "data-id": id, "data-filename": filename };
  const message = h("span", { class: "message" }, summaryOf(entry, ports.localization));
  const row = h("li", { class: "item", part: "unfinished-item", ...attributes });
  row.append(
    h("span", { class: "state-icon", "aria-hidden": "true" }),
    h("div", { class: "head" }, fileName(filename)),
    h("div", { class: "buttons" }, ...(isRunning ? [] : streamButtons(entry, ports, place))),
    h("div", { class: "line" }, message),
    place,
  );
  if (isRunning) showRunning(entry, row, message, ports);
  return row;
}

/** Keep, if there is anything; discard. An error appears in `place`. */
function streamButtons(entry: Unfinished, ports: UnfinishedPorts, place: HTMLElement): HTMLButtonElement[] {
  const { localization } = ports;
  let busy = false;
  const attempt = async (action: () => Promise<void>) => {
    if (busy) return; // A second click, before the first has had its effect.
    busy = true;
    place.replaceChildren();
    await action().catch((error: unknown) => showError(place, error, localization));
    busy = false;
  };
  const keep = button("keep", () => void attempt(() => resume(ports, entry)), "primary");
  const act = () => void attempt(() => discard(ports, entry));
  const offerUndo = () => {
    const row = place.parentElement;
    if (row) new UndoOffer(row, localization, { text: "discarded", undo: () => {}, act });
  };
  const discardButton = button("discard", entry.size > 0 ? offerUndo : act, "quiet danger");
  const name = withoutDirections(entry.filename);
  setLabel(keep, localization.label("keep"), name);
  setLabel(discardButton, localization.label("discard"), name);
  return entry.size > 0 ? [keep, discardButton] : [discardButton];
}

/** “Interrupted recording. 3.0 MB of it can be kept. Nov 21, 2026, 5:17 PM”. */
function summaryOf({ size, updatedAt }: Unfinished, localization: Localization): string {
  const { formats } = localization;
  const label = size > 0 ? "stream_kept" : "stream_lost";
  const text = localization.label(label, { size: formats.bytes(size) });
  return joined(text, formatDate(updatedAt, formats.locale));
}
