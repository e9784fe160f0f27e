// The rows of the list of unfinished uploads; all files of a folder have one. Loaded when there is one: most pages have none.

import type { Unfinished } from "../engine/uploader.ts";
import { byFolder } from "./by-folder.ts";
import { formatDate } from "./dates.ts";
import { button, fileName, h, setLabel, withoutDirections } from "./dom.ts";
import type { Localization } from "./localization.ts";
import { showError } from "./show-error.ts";
import { UndoOffer } from "./undo.ts";
import type { UnfinishedPorts } from "./unfinished.ts";
import { discard, resume } from "./unfinished-actions.ts";
import { unfinishedFolder } from "./unfinished-folder.ts";
import { showRunning } from "./unfinished-running.ts";
import { unfinishedStream } from "./unfinished-stream.ts";

export function unfinishedRows(entries: readonly Unfinished[], ports: UnfinishedPorts): HTMLLIElement[] {
  const folders = byFolder(entries, ({ filename }) => filename);
  const alone = folders.get("") ?? [];
  folders.delete("");
  const rows = [...folders].map(([name, files]) => unfinishedFolder(name, files, ports));
  return [
    ...rows,
    ...alone.map((entry) => (entry.stream ? unfinishedStream(entry, ports) : unfinishedRow(entry, ports))),
  ];
}

function unfinishedRow(entry: Unfinished, ports: UnfinishedPorts): HTMLLIElement {
  const { id, filename, isRunning } = entry;
  const error = h("div", { class: "outcome", role: "alert" });
  const attributes = { "data-testid": "unfinished-item", "data-id": id, "data-filename": filename };
  const message = h("span", { class: "message" }, progressOf(entry, ports.localization));
  const row = h("li", { class: "item", part: "unfinished-item", ...attributes });
  row.append(
    h("span", { class: "state-icon", "aria-hidden": "true" }),
    h("div", { class: "head" }, fileName(filename)),
    h("div", { class: "buttons" }, ...(isRunning ? [] : unfinishedButtons(entry, ports, error))),
    h("div", { class: "line" }, message),
    error,
  );
  if (isRunning) showRunning(entry, row, message, ports);
  return row;
}

/** Resume by the handle, if there is one; choose the file; discard. An error appears in `place`. */
function unfinishedButtons(
  entry: Unfinished,
  ports: UnfinishedPorts,
  place: HTMLElement,
): HTMLButtonElement[] {
  const { localization } = ports;
  let busy = false;
  const attempt = async (action: () => Promise<void>) => {
    if (busy) return; // A second click, before the first has had its effect.
    busy = true;
    place.replaceChildren();
    await action().catch((error: unknown) => {
      showError(place, error, localization);
      choose.hidden = false;
    });
    busy = false;
  };
  const continueButton = button("continue", () => void attempt(() => resume(ports, entry)), "primary");
  const choose = button(
    entry.handle ? "again" : "continue",
    () => ports.chooseFile((file) => void attempt(() => resume(ports, entry, file))),
    entry.handle ? "" : "primary",
  );
  const act = () => void attempt(() => discard(ports, entry));
  const offerUndo = () => {
    const row = place.parentElement;
    if (row) new UndoOffer(row, localization, { text: "discarded", undo: () => {}, act });
  };
  const discardButton = button("discard", entry.bytesDone > 0 ? offerUndo : act, "quiet danger");
  const name = withoutDirections(entry.filename);
  setLabel(continueButton, localization.label("resume"), name);
  setLabel(choose, localization.label("choose_again"), name);
  setLabel(discardButton, localization.label("discard"), name);
  if (!entry.handle) return [choose, discardButton];
  choose.hidden = true; // Until the handle fails.
  return [continueButton, choose, discardButton];
}

/** “42% of 3.0 GB uploaded · Nov 21, 2026, 5:17 PM”. */
function progressOf({ size, bytesDone, updatedAt }: Unfinished, localization: Localization): string {
  const { formats } = localization;
  const facts = { percent: formats.percent(size === 0 ? 0 : bytesDone / size), size: formats.bytes(size) };
  return [localization.label("unfinished_progress", facts), formatDate(updatedAt, formats.locale)]
    .filter(Boolean)
    .join(" · ");
}
