// An interrupted folder in the list of unfinished uploads: one row, however many of its files are unfinished.

import type { Unfinished } from "../engine/uploader.ts";
import { formatDate } from "./dates.ts";
import { button, fileName, h, setLabel, withoutDirections } from "./dom.ts";
import type { ElementFolders } from "./folders.ts";
import type { Localization } from "./localization.ts";
import { showError } from "./show-error.ts";
import { UndoOffer } from "./undo.ts";
import type { UnfinishedPorts } from "./unfinished.ts";
import { showRunning } from "./unfinished-running.ts";

/** `path`: the folder's name with a slash. */
export function unfinishedFolder(
  path: string,
  entries: readonly Unfinished[],
  ports: UnfinishedPorts,
): HTMLLIElement {
  const { localization } = ports;
  const name = path.slice(0, -1);
  const place = h("div", { class: "outcome", role: "alert" });
  const attributes = { "data-testid": "unfinished-folder", "data-id": path, "data-filename": name };
  const message = h("span", { class: "message" }, summaryOf(entries, localization));
  const running = entries.find(({ isRunning }) => isRunning);
  const row = h("li", { class: "item", part: "unfinished-item", ...attributes });
  row.append(
    h("span", { class: "state-icon", "aria-hidden": "true" }),
    h("div", { class: "head" }, fileName(name)),
    h("div", { class: "buttons" }, ...(running ? [] : folderButtons(name, entries, ports, place))),
    h("div", { class: "line" }, message),
    place,
  );
  if (running) showRunning(running, row, message, ports);
  return row;
}

/** Resume, by the handle or by a dialog; choose the folder again where the handle fails; discard. */
function folderButtons(
  name: string,
  entries: readonly Unfinished[],
  ports: UnfinishedPorts,
  place: HTMLElement,
): HTMLButtonElement[] {
  const { localization } = ports;
  const handle = entries.find(({ folder }) => folder?.handle)?.folder?.handle;
  const attempt = async (act: (folders: ElementFolders) => Promise<void>) => {
    if (resume.disabled) return; // A second click, before the first has had its effect.
    resume.disabled = true;
    place.replaceChildren();
    await ports.folders(act).catch((error: unknown) => {
      showError(place, error, localization);
      choose.hidden = !handle;
    });
    resume.disabled = false;
  };
  const resume = button("continue", () => void attempt((folders) => folders.resume(name, handle)), "primary");
  const choose = button("again", () => void attempt((folders) => folders.resume(name)));
  const act = () => void attempt((folders) => folders.discard(name));
  const offerUndo = () => {
    const row = place.parentElement;
    if (row) new UndoOffer(row, localization, { text: "folder_discarded", undo: () => {}, act });
  };
  const isCostly = entries.some(({ bytesDone }) => bytesDone > 0);
  const discard = button("discard", isCostly ? offerUndo : act, "quiet danger");
  const shown = withoutDirections(name);
  setLabel(resume, localization.label(handle ? "resume" : "folder_choose_again"), shown);
  setLabel(choose, localization.label("folder_choose_again"), shown);
  setLabel(discard, localization.label("discard"), shown);
  choose.hidden = true; // Until the handle fails.
  return [resume, choose, discard];
}

/** “12 of 255 files uploaded · 42% of 3.0 GB uploaded · Nov 21, 2026”; without the journal, the unfinished files. */
function summaryOf(entries: readonly Unfinished[], localization: Localization): string {
  const { formats } = localization;
  const own = entries.find(({ folder }) => folder);
  if (!own?.folder) return localization.label("folder_open", { count: entries.length });
  const { files: all, filesDone: done } = own.folder;
  const facts = { percent: formats.percent(own.bytesDone / own.size), size: formats.bytes(own.size) };
  const texts = [
    localization.label("folder_counted", { all, done }),
    own.size > 0 ? localization.label("unfinished_progress", facts) : "",
    own.updatedAt ? formatDate(own.updatedAt, formats.locale) : "",
  ];
  return texts.filter(Boolean).join(" · ");
}
