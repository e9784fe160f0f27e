// What an item shows when its upload has ended: a small picture or the file's type, a link, who aborted it.
// Loaded with the first end.

import type { RemoteUpload } from "../engine/api.ts";
import { AbortedError } from "../engine/errors.ts";
import type { Upload } from "../engine/upload.ts";
import { formatDate } from "./dates.ts";
import { button, h, setLabel, setText, withoutDirections } from "./dom.ts";
import type { LinkOf } from "./item.ts";
import type { LabelName } from "./labels.ts";
import { addLateLabels, LATE_LABELS } from "./late-labels.ts";
import type { Localization } from "./localization.ts";
import { adoptSheet } from "./styles.ts";
import { thumbnailOf } from "./thumbnail.ts";

export interface End {
  readonly upload: Upload;
  readonly localization: Localization;
  readonly link: LinkOf;
  readonly icon: HTMLElement;
  readonly outcome: HTMLElement;
}

const CSS = /* css */ `
.item .typed { position: relative; color: var(--oss-text); font-size: .625rem; letter-spacing: .02em; overflow: visible; }
.item .typed::before { content: none; }
.item .typed canvas { inline-size: 100%; block-size: 100%; border-radius: inherit; object-fit: cover; }
.item .typed::after {
  content: "✓";
  position: absolute;
  inset: auto -.375rem -.375rem auto;
  inline-size: 1rem;
  block-size: 1rem;
  border-radius: 50%;
  display: grid;
  place-items: center;
  font-size: .625rem;
  color: var(--oss-surface);
  background: var(--oss-good);
}
.item .typed:dir(rtl)::after { inset: auto auto -.375rem -.375rem; }
.buttons:has([data-link]) { margin-inline-end: 0; }
.outcome .message { font-size: .8125rem; color: var(--oss-muted); }
@media (forced-colors: active) {
  .item .typed { border: 1px solid; }
  .item .typed::after { border: 1px solid; background: Canvas; color: CanvasText; }
}
`;
/** Characters of a file name's ending that the icon has room for. */
const MAX_TYPE = 4;

export async function showEnd(end: End): Promise<void> {
  addLateLabels();
  adoptSheet(end.icon, CSS);
  try {
    await showCompleted(end, await end.upload.done);
  } catch (error) {
    if (error instanceof AbortedError) showAborted(end, error);
  }
}

async function showCompleted({ upload, localization, link, icon, outcome }: End, remote: RemoteUpload) {
  outcome.replaceChildren(h("p", { class: "key", part: "key", "data-testid": "key" }, remote.key));
  if (upload.progress.endedEarly) {
    const label = upload.progress.endedEarly.reason === "limit" ? "record_limited" : "record_interrupted";
    outcome.append(h("p", { class: "message", "data-testid": "ended-early" }, localization.label(label)));
  }
  if (remote.callback && !remote.callback.ok) outcome.append(h("p", {}, localization.label("callback")));
  const linkOf = link();
  const place = icon.parentElement?.querySelector(".buttons");
  for (const old of place?.querySelectorAll("[data-link]") ?? []) old.remove(); // Of another language.
  if (linkOf) {
    const status = h("p", { class: "message", role: "status" });
    place?.append(...links(upload, localization, status, (inline) => linkOf(remote.id, inline)));
    outcome.append(status);
  }
  if (icon.classList.contains("typed")) return; // The language has changed.
  const type = typeOf(upload.filename);
  const picture = await thumbnailOf(upload.file);
  if (!picture && !type) return;
  icon.classList.add("typed");
  icon.replaceChildren(picture ?? type);
}

/** The ending of the file's name, as `MP4`; "" for one that is too long for the icon. */
function typeOf(filename: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(withoutDirections(filename))?.[1] ?? "";
  return ending.length <= MAX_TYPE ? ending.toUpperCase() : "";
}

function showAborted({ localization, outcome }: End, { reason, detail }: AbortedError): void {
  const known = reason !== null && reason in LATE_LABELS;
  const text = known ? localization.label(reason as LabelName) : detail;
  if (text) outcome.replaceChildren(h("p", { class: "message", "data-testid": "reason" }, text));
}

/** Buttons to open the file and to copy a link to it. A page without https has no clipboard. */
function links(
  upload: Upload,
  localization: Localization,
  status: HTMLElement,
  linkOf: (inline: boolean) => ReturnType<NonNullable<ReturnType<LinkOf>>>,
): HTMLButtonElement[] {
  const name = withoutDirections(upload.filename);
  const explain = (error: unknown) => setText(status, error instanceof Error ? error.message : String(error));
  const open = button("open", () => {
    // A browser opens a window during a click only. The link comes later.
    const tab = window.open("", "_blank");
    linkOf(true).then(
      ({ url }) => {
        if (!tab) return window.location.assign(url);
        tab.opener = null;
        tab.location.href = url;
      },
      (error) => {
        tab?.close();
        explain(error);
      },
    );
  });
  const copy = button("copy-link", async () => {
    try {
      const link = linkOf(false);
      const [{ expires_at }] = await Promise.all([link, writeText(link.then(({ url }) => url))]);
      setLabel(copy, localization.label("link_copied"), name);
      const time = formatDate(expires_at, localization.formats.locale);
      setText(status, localization.label("link_until", { time }));
    } catch (error) {
      explain(error);
    }
  });
  setLabel(open, localization.label("open"), name);
  setLabel(copy, localization.label("copy_link"), name);
  copy.hidden = !navigator.clipboard;
  for (const each of [open, copy]) each.dataset.link = "";
  return [open, copy];
}

/** Writes into the clipboard. WebKit allows it during the click only, but waits for the text. */
async function writeText(text: Promise<string>): Promise<void> {
  if (!("ClipboardItem" in globalThis)) return navigator.clipboard.writeText(await text); // Before Firefox 127.
  const blob = text.then((plain) => new Blob([plain], { type: "text/plain" }));
  await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}
