// <oss-uploader>: choose or drop files, watch them go, take up what was left unfinished.
// Its one rule: it listens, shows and dispatches; everything that happens to a file happens in the engine.

import { h, setText } from "./dom.ts";
import { type Chosen, droppedFiles, pastedFiles } from "./dropped.ts";
import { asUploadError } from "./errors.ts";
import { failureView } from "./failure.ts";
import { UploadItem } from "./item.ts";
import { isActive, isOver, type State } from "./states.ts";
import { sheet } from "./styles.ts";
import { UnfinishedList } from "./unfinished.ts";
import type { Upload } from "./upload.ts";
import { OssUploader, type Unfinished } from "./uploader.ts";

/** What is worth interrupting somebody who listens to the page. */
const ANNOUNCED: Partial<Record<State, (name: string) => string>> = {
  uploading: (name) => `Uploading ${name}.`,
  completed: (name) => `${name} is uploaded.`,
  failed: (name) => `Uploading ${name} stopped with an error.`,
  aborted: (name) => `${name} is discarded.`,
};

/** A server has no elements, and its rendering must not fail on an import. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

export class OssUploaderElement extends Base {
  /** Takes part in forms: under `name` it posts the ids of the uploads that are completed. */
  static readonly formAssociated = true;
  static readonly observedAttributes = ["single", "required", "value"];

  readonly #internals = this.attachInternals();
  readonly #input = h("input", { type: "file", multiple: true, hidden: true, "data-testid": "file-input" });
  readonly #again = h("input", { type: "file", hidden: true, "data-testid": "continue-input" });
  readonly #list = h("ul", { class: "list", part: "list", "aria-label": "Uploads" });
  readonly #status = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  readonly #unfinished = new UnfinishedList({
    load: () => this.#loadUnfinished(),
    take: (entry, file) => this.#takeUp(entry, file),
    discard: (entry) => this.#discard(entry),
    choose: (chosen) => this.#choose(chosen),
  });
  #uploads = new Set<Upload>();
  #uploader: OssUploader | null = null;
  #connected: AbortController | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet()];
    root.append(this.#zone(), this.#list, this.#unfinished.element, this.#status);
    this.#input.addEventListener("change", () => this.#accept(takeFiles(this.#input).map(plain)));
  }

  get api(): string {
    return this.getAttribute("api") ?? "/api/";
  }

  set api(value: string) {
    this.setAttribute("api", value);
  }

  get destination(): string {
    return this.getAttribute("destination") ?? "default";
  }

  set destination(value: string) {
    this.setAttribute("destination", value);
  }

  get parallel(): number {
    return Number(this.getAttribute("parallel") ?? 4);
  }

  set parallel(value: number) {
    this.setAttribute("parallel", String(value));
  }

  /** The engine; a host that needs other options, such as token headers, sets its own before files are chosen. */
  get uploader(): OssUploader {
    const { api, destination, parallel } = this;
    this.#uploader ??= new OssUploader({ api, destination, parallel });
    return this.#uploader;
  }

  set uploader(uploader: OssUploader) {
    this.#uploader = uploader;
    if (this.isConnected) void this.#unfinished.refresh();
  }

  get uploads(): readonly Upload[] {
    return [...this.#uploads];
  }

  /** One file alone: the newest takes the place of the one before. */
  get single(): boolean {
    return this.hasAttribute("single");
  }

  get name(): string {
    return this.getAttribute("name") ?? "";
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  get validity(): ValidityState {
    return this.#internals.validity;
  }

  get validationMessage(): string {
    return this.#internals.validationMessage;
  }

  checkValidity(): boolean {
    return this.#internals.checkValidity();
  }

  reportValidity(): boolean {
    return this.#internals.reportValidity();
  }

  /** The ids that the form will carry: completed uploads, or what was there before (`value`). */
  get value(): readonly string[] {
    const completed = this.uploads.filter(({ state }) => state === "completed").flatMap(({ id }) => id ?? []);
    if (completed.length) return this.single ? completed.slice(-1) : completed;
    return (
      this.getAttribute("value")
        ?.split(/[\s,]+/)
        .filter(Boolean) ?? []
    );
  }

  attributeChangedCallback(): void {
    this.#input.multiple = !this.single;
    this.#tellForm();
  }

  formResetCallback(): void {
    for (const upload of this.#uploads) if (isOver(upload.state)) this.#uploads.delete(upload);
    this.#tellForm();
  }

  #tellForm(): void {
    const form = new FormData();
    for (const id of this.value) form.append(this.name, id);
    this.#internals.setFormValue(this.name && this.value.length ? form : null);
    const busy = this.uploads.some(({ state }) => state === "queued" || isActive(state));
    const choose = this.shadowRoot?.querySelector<HTMLElement>(".choose") ?? undefined;
    if (busy) this.#internals.setValidity({ customError: true }, "The upload is still going on.", choose);
    else if (this.hasAttribute("required") && this.value.length === 0) {
      this.#internals.setValidity({ valueMissing: true }, "Choose a file.", choose);
    } else this.#internals.setValidity({});
  }

  connectedCallback(): void {
    this.#tellForm();
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    document.addEventListener("paste", (event) => this.#accept(pastedFiles(event)), { signal });
    addEventListener("beforeunload", (event) => this.#warn(event), { signal });
    // Attributes set right after creation by a script still count.
    queueMicrotask(() => void this.#unfinished.refresh());
  }

  disconnectedCallback(): void {
    this.#connected?.abort();
  }

  #zone(): HTMLElement {
    const choose = h("button", {
      type: "button",
      class: "choose",
      part: "button choose",
      "data-testid": "choose",
    });
    choose.append("Choose files");
    choose.addEventListener("click", () => this.#input.click());
    const zone = h(
      "div",
      { class: "zone", part: "zone" },
      h("span", { class: "cloud", "aria-hidden": "true" }),
    );
    zone.append(h("p", { class: "invitation" }, "Drop files here"), choose);
    zone.append(h("p", { class: "promise" }, "Any size. Interrupted uploads go on where they stopped."));
    zone.append(this.#input, this.#again);
    zone.addEventListener("dragover", (event) => this.#drag(event, true));
    zone.addEventListener("dragleave", (event) =>
      this.#drag(event, zone.contains(event.relatedTarget as Node | null)),
    );
    zone.addEventListener("drop", (event) => {
      this.#drag(event, false);
      void this.#drop(event.dataTransfer);
    });
    return zone;
  }

  #drag(event: DragEvent, over: boolean): void {
    event.preventDefault();
    if (over) this.#internals.states.add("dragging");
    else this.#internals.states.delete("dragging");
  }

  async #drop(data: DataTransfer | null): Promise<void> {
    const { chosen, unreadable } = await droppedFiles(data);
    this.#accept(chosen);
    if (unreadable.length) setText(this.#status, `${unreadable.join(", ")} cannot be read.`);
  }

  /** A host may refuse the files by cancelling the event. */
  #accept(chosen: readonly Chosen[]): void {
    const files = chosen.map(({ file }) => file);
    if (files.length === 0 || !this.#dispatch("accept", { files }, true)) return;
    const below = this.#list.firstChild; // the newest choice stands on top, its files in their own order
    try {
      for (const { file, path } of this.single ? chosen.slice(0, 1) : chosen) {
        this.#add(this.uploader.upload(file, { filename: path }), below);
      }
    } catch (error) {
      this.#list.prepend(h("li", {}, failureView(asUploadError(error))));
    }
  }

  #add(upload: Upload, below: Node | null): void {
    this.#uploads.add(upload);
    this.#list.insertBefore(new UploadItem(upload).element, below);
    upload.addEventListener("statechange", ({ state, error }) => {
      if (upload.id) this.#unfinished.remove(upload.id);
      this.#tellForm();
      const announcement = ANNOUNCED[state]?.(upload.filename);
      if (announcement) setText(this.#status, announcement);
      if (state === "completed" || state === "aborted" || state === "failed") {
        this.#dispatch(state, { upload, error });
      }
    });
    this.#tellForm();
    this.#dispatch("accepted", { upload });
  }

  #dispatch(name: string, detail: object, cancelable = false): boolean {
    const options = { detail, cancelable, bubbles: true, composed: true };
    return this.dispatchEvent(new CustomEvent(`oss-uploader-${name}`, options));
  }

  #warn(event: BeforeUnloadEvent): void {
    const busy = this.uploads.some(({ state }) => state === "queued" || isActive(state));
    if (busy) event.preventDefault();
  }

  async #loadUnfinished(): Promise<Unfinished[]> {
    const entries = await this.uploader.unfinished();
    const shown = new Set(this.uploads.filter(({ state }) => !isOver(state)).map(({ id }) => id));
    return entries.filter(({ id }) => !shown.has(id));
  }

  async #takeUp(entry: Unfinished, file: File): Promise<void> {
    if (!this.#dispatch("accept", { files: [file] }, true)) return;
    const upload = await this.uploader.resume(entry, file);
    this.#unfinished.remove(entry.id);
    this.#add(upload, this.#list.firstChild);
  }

  async #discard(entry: Unfinished): Promise<void> {
    await this.uploader.discard(entry);
    this.#unfinished.remove(entry.id);
    setText(this.#status, `${entry.filename} is discarded.`);
  }

  #choose(chosen: (file: File) => void): void {
    this.#again.onchange = () => {
      const [file] = takeFiles(this.#again);
      if (file) chosen(file);
    };
    this.#again.click();
  }
}

/** Emptied after, so that choosing the same file again counts as a choice. */
function takeFiles(input: HTMLInputElement): File[] {
  const files = [...(input.files ?? [])];
  input.value = "";
  return files;
}

function plain(file: File): Chosen {
  return { file, path: file.name };
}
