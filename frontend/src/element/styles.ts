// The style sheet of <oss-uploader>. It is adopted, since a strict Content-Security-Policy forbids inline styles.
// A host changes the custom properties below, styles parts by ::part(), and chooses light or dark by `color-scheme`.
// `unicode-bidi`: names, figures and a host's own texts keep their own direction, whatever the direction of the page.

const STYLES = /* css */ `
:host {
  --oss-accent: light-dark(#2457d6, #8fb0ff);
  --oss-on-accent: light-dark(#fff, #0b1530);
  --oss-text: light-dark(#16181d, #e9ecf2);
  --oss-muted: light-dark(#5c6370, #9aa3b2);
  --oss-surface: light-dark(#fff, #191c22);
  --oss-sunken: light-dark(#f4f6f9, #20242c);
  --oss-border: light-dark(#dfe3ea, #313742);
  --oss-good: light-dark(#12805c, #5cd0a4);
  --oss-bad: light-dark(#b3261e, #ff9c94);
  --oss-bad-surface: light-dark(#fdf1f0, #2c1c1d);
  --oss-wait: light-dark(#8a5a00, #f0bf62);
  --oss-radius: 14px;
  --oss-font: system-ui, "Noto Sans", "PingFang SC", "Microsoft YaHei", sans-serif;
  display: block;
  color: var(--oss-text);
  font: 400 1rem/1.5 var(--oss-font);
  color-scheme: light dark;
}
[hidden] { display: none !important; }
* { box-sizing: border-box; }
p, ul, h2 { margin: 0; padding: 0; }
p, strong, .name, .size, .message, .figures { unicode-bidi: plaintext; }

.zone {
  display: grid;
  justify-items: center;
  gap: .75rem;
  padding: 2.75rem 1.5rem 2.25rem;
  text-align: center;
  background: var(--oss-surface);
  border: 1.5px dashed color-mix(in srgb, var(--oss-muted) 45%, transparent);
  border-radius: calc(var(--oss-radius) + 4px);
  transition: border-color .15s, background-color .15s;
}
:host(:state(dragging)) .zone {
  border: 1.5px solid var(--oss-accent);
  background: color-mix(in srgb, var(--oss-accent) 8%, var(--oss-surface));
}
.zone:has(~ .list:not(:empty)) {
  padding: .75rem 1.125rem;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: .25rem 1rem;
  text-align: start;
  .icon { display: none; }
  .invitation { font-size: 1rem; }
  .promise { flex-basis: 100%; order: 1; }
  .choices { justify-content: start; }
  .choices button { font-size: .875rem; padding: .4375rem .875rem; }
}
.icon {
  inline-size: 3rem;
  block-size: 3rem;
  border-radius: 50%;
  background: color-mix(in srgb, var(--oss-accent) 12%, transparent);
  color: var(--oss-accent);
  font-size: 1.5rem;
  display: grid;
  place-items: center;
}
.icon::before { content: "↑"; }
.choices { display: flex; flex-wrap: wrap; justify-content: center; gap: .5rem; }
.invitation { font-size: 1.125rem; font-weight: 600; letter-spacing: -.01em; }
.promise { color: var(--oss-muted); font-size: .875rem; text-wrap: balance; }

button {
  font: 500 .875rem/1.25 var(--oss-font);
  color: var(--oss-text);
  background: var(--oss-sunken);
  border: 1px solid transparent;
  border-radius: 999px;
  padding: .4375rem .875rem;
  cursor: pointer;
  white-space: nowrap;
  transition: background-color .12s, border-color .12s;
}
button:hover { background: color-mix(in srgb, var(--oss-muted) 18%, var(--oss-sunken)); }
button:focus-visible { outline: 3px solid color-mix(in srgb, var(--oss-accent) 65%, transparent); outline-offset: 2px; }
.primary { background: var(--oss-accent); color: var(--oss-on-accent); }
.primary:hover { background: color-mix(in srgb, var(--oss-accent) 86%, var(--oss-text)); }
.quiet { background: none; color: var(--oss-muted); }
.danger:hover { color: var(--oss-bad); background: var(--oss-bad-surface); }
.choices button { font-size: 1rem; padding: .6875rem 1.5rem; }


.errors:not(:empty) { margin-block-start: 1.25rem; color: var(--oss-bad); font-size: .875rem; }
.list { list-style: none; display: grid; gap: .75rem; }
.list:not(:empty) { margin-block-start: 1.25rem; }
.item {
  display: grid;
  grid-template-columns: auto minmax(0, 1fr) auto;
  align-items: center;
  column-gap: .875rem;
  row-gap: .5rem;
  padding: 1rem 1.125rem;
  background: var(--oss-surface);
  border: 1px solid var(--oss-border);
  border-radius: var(--oss-radius);
}
.long .item { content-visibility: auto; contain-intrinsic-block-size: auto 6rem; }
.state-icon {
  grid-row: span 2;
  align-self: start;
  inline-size: 2.25rem;
  block-size: 2.25rem;
  border-radius: 10px;
  display: grid;
  place-items: center;
  font-weight: 600;
  color: var(--oss-muted);
  background: var(--oss-sunken);
}
.state-icon::before { content: "↑"; }
[data-state="uploading"] .state-icon, [data-state="completing"] .state-icon {
  color: var(--oss-accent);
  background: color-mix(in srgb, var(--oss-accent) 12%, transparent);
}
[data-state="queued"] .state-icon::before { content: "…"; }
[data-state="paused"] .state-icon::before, .unfinished .item:not([data-state]) .state-icon::before {
  content: "";
  inline-size: .25rem;
  block-size: .75rem;
  border-inline: .1875rem solid;
}
[data-state="completed"] {
  .state-icon { color: var(--oss-good); background: color-mix(in srgb, var(--oss-good) 14%, transparent); }
  .state-icon::before { content: "✓"; }
  .message { color: var(--oss-good); }
}
[data-state="failed"] {
  .state-icon { color: var(--oss-bad); background: var(--oss-bad-surface); }
  .state-icon::before { content: "!"; }
  .message { color: var(--oss-bad); }
  progress { --bar: var(--oss-bad); }
}
[data-state="aborted"] {
  opacity: .65;
  .state-icon::before { content: "×"; }
}

.head { display: flex; align-items: baseline; gap: .625rem; min-inline-size: 0; }
.name {
  font-weight: 600;
  overflow: hidden;
  overflow-wrap: anywhere;
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 2;
  line-clamp: 2;
}
.size { color: var(--oss-muted); font-size: .8125rem; white-space: nowrap; }
.buttons { display: flex; gap: .25rem; align-self: start; margin-inline-end: -.375rem; }
.line {
  grid-column: 2 / -1;
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: .125rem 1rem;
  font-size: .8125rem;
  color: var(--oss-muted);
}
.notice { color: var(--oss-wait); }
.figures { font-variant-numeric: tabular-nums; }

progress {
  grid-column: 2 / -1;
  appearance: none;
  inline-size: 100%;
  block-size: 6px;
  border: 0;
  border-radius: 3px;
  overflow: hidden;
  --bar: var(--oss-accent);
  --sending: color-mix(in srgb, var(--bar) 35%, transparent);
  background: linear-gradient(to var(--to, right), var(--sending) var(--sent, 0%), transparent 0) var(--oss-border);
}
progress:dir(rtl) { --to: left; }
progress::-webkit-progress-bar { background: none; }
progress::-webkit-progress-value { background: var(--bar); border-radius: 3px; transition: inline-size .2s linear; }
progress::-moz-progress-bar { background: var(--bar); border-radius: 3px; }
[data-state="paused"] progress, [data-state="queued"] progress { --bar: var(--oss-muted); }

.outcome { grid-column: 2 / -1; min-inline-size: 0; }
.outcome:empty { display: none; }
.key {
  font: 400 .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  color: var(--oss-muted);
  overflow-wrap: anywhere;
}
.unfinished { margin-block-start: 2.25rem; }
.unfinished h2 { font-size: 1rem; font-weight: 600; letter-spacing: -.01em; }
.unfinished .list { margin-block-start: .75rem; }
.visually-hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (max-width: 560px) {
  .zone { padding: 2rem 1rem 1.75rem; }
  .choices { inline-size: 100%; }
  .choices button { flex: 1; }
  .item { grid-template-columns: auto minmax(0, 1fr); padding: .875rem; }
  .buttons { grid-column: 1 / -1; order: 1; flex-wrap: wrap; margin-inline-end: 0; }
  .buttons button { flex: 1; padding-block: .625rem; }
  .buttons:not(:has(button:not([hidden]))) { display: none; }
  .head { flex-wrap: wrap; row-gap: 0; }
  .line { flex-direction: column; }
  progress, .line, .outcome { grid-column: 1 / -1; }
  .state-icon { grid-row: auto; align-self: center; }
}
@media (forced-colors: active) {
  progress, .primary { forced-color-adjust: none; --oss-accent: Highlight; --oss-on-accent: HighlightText; --oss-text: Highlight; }
  progress { --oss-border: Canvas; --oss-bad: CanvasText; --oss-muted: CanvasText; border: 1px solid CanvasText; }
  .item { opacity: 1; }
}
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; }
}
`;

let shared: CSSStyleSheet | undefined;

/** One sheet for all elements of the page, created with the first of them. */
export function sharedSheet(): CSSStyleSheet {
  shared ??= createSheet(CSS.supports("color", "light-dark(red, red)") ? STYLES : oneScheme(STYLES));
  return shared;
}

/** The colours of the scheme that the user prefers now, before Chrome 123, Firefox 120 and Safari 17.5. */
function oneScheme(css: string): string {
  const { matches } = matchMedia("(prefers-color-scheme: dark)");
  return css.replace(/light-dark\((.*?), (.*?)\)/g, matches ? "$2" : "$1");
}

/** Adds a module's own styles to the shadow tree of this element, once. */
export function adoptSheet(within: Element, css: string): void {
  const root = within.getRootNode() as ShadowRoot;
  const sheet = late.get(css) ?? createSheet(css);
  late.set(css, sheet);
  if (root.adoptedStyleSheets?.includes(sheet) === false) root.adoptedStyleSheets.push(sheet);
}

const late = new Map<string, CSSStyleSheet>();

export function createSheet(css: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
