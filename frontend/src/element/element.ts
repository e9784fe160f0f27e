// <oss-uploader>: choose, drop, paste or record files, watch them go, take up what was left unfinished.
// Its one rule: it listens, shows and dispatches; everything that happens to a file happens in the engine.

import { reopenFile } from "../browser/handles.ts";
import { asUploadError, NetworkError } from "../engine/errors.ts";
import type { UploaderOptions } from "../engine/options.ts";
import { can, isOver, type State } from "../engine/states.ts";
import type { Upload } from "../engine/upload.ts";
import { OssUploader, type Unfinished } from "../engine/uploader.ts";
import { Announcer } from "./announcer.ts";
import { Awake } from "./awake.ts";
import type { Camera, Recording } from "./camera.ts";
import { button, firstButton, h, setText, word } from "./dom.ts";
import { type Chosen, droppedFiles, pastedFiles, pickedFiles } from "./dropped.ts";
import { failureView } from "./failure.ts";
import { FormMember } from "./form.ts";
import type { LabelName } from "./labels.ts";
import { Speech, type Translation } from "./language.ts";
import { UploadList } from "./list.ts";
import { sheet } from "./styles.ts";
import { Summary } from "./summary.ts";
import { isBusy } from "./totals.ts";
import { UnfinishedList } from "./unfinished.ts";

/** What is worth telling somebody who listens to the page. */
const ANNOUNCED: Partial<Record<State, LabelName>> = {
  uploading: "says_uploading",
  completed: "says_completed",
  failed: "says_failed",
  aborted: "says_aborted",
};

/** A server has no elements, and its rendering must not fail on an import. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** Attributes that another engine is made for. */
const OF_THE_ENGINE = ["api", "destination", "parallel", "signing", "integrity"];

export class OssUploaderElement extends Base {
  /** Takes part in forms: under `name` it posts the ids of the uploads that are completed. */
  static readonly formAssociated = true;
  static readonly observedAttributes = ["single", "required", "value", "camera", "lang", ...OF_THE_ENGINE];

  readonly #internals = this.attachInternals();
  readonly #speech = new Speech();
  readonly #input = h("input", { type: "file", multiple: true, hidden: true, "data-testid": "file-input" });
  readonly #again = h("input", { type: "file", hidden: true, "data-testid": "continue-input" });
  readonly #invitation = h("p", { class: "invitation" });
  readonly #promise = h("p", { class: "promise" });
  readonly #pick = button("choose", () => void this.#choose());
  readonly #film = button("record", () => void this.#openCamera());
  readonly #form = new FormMember(this.#internals, this.#speech, this.#pick);
  readonly #list = new UploadList(this.#speech);
  readonly #summary = new Summary(this.#speech, (over) => {
    for (const upload of over) {
      this.#list.remove(upload);
      // The form still posts what is completed.
      if (upload.state === "aborted") this.#uploads.delete(upload);
    }
  });
  readonly #announcer = new Announcer(() => this.#summary.say());
  readonly #trouble = h("div", { class: "trouble", role: "alert" });
  readonly #awake = new Awake();
  readonly #unfinished = new UnfinishedList({
    speech: this.#speech,
    language: () => this.#language,
    load: () => this.#loadUnfinished(),
    take: (entry, file) => this.#takeUp(entry, file),
    discard: (entry) => this.#discard(entry),
    choose: (chosen) => this.#chooseAgain(chosen),
  });
  readonly #uploads = new Set<Upload>();
  readonly #busy = new Set<Upload>();
  #camera: Promise<Camera> | null = null;
  /** The host's own, and the one made from the attributes. */
  #given: OssUploader | null = null;
  #made: OssUploader | null = null;
  #connected: AbortController | null = null;
  #refreshing = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet()];
    const { element: summary } = this.#summary;
    const lists = [summary, this.#list.element, this.#unfinished.element];
    root.append(this.#zone(), this.#trouble, ...lists, this.#announcer.element);
    root.addEventListener("focus-lost", ({ target }) => this.#focusNear(target as Element));
    this.#input.addEventListener("change", () => this.#accept(takeFiles(this.#input).map(plain)));
    this.#speech.addEventListener("change", () => this.#speak());
    this.#speak();
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
    this.#made ??= this.#given ?? new OssUploader(this.#options);
    return this.#made;
  }

  set uploader(uploader: OssUploader) {
    this.#given = this.#made = uploader;
    this.#refresh();
  }

  get #options(): UploaderOptions {
    const { api, destination, parallel } = this;
    const given = (["signing", "integrity"] as const).flatMap((name) => {
      const value = this.getAttribute(name);
      return value === null ? [] : [[name, value]];
    });
    return { api, destination, parallel, ...Object.fromEntries(given) };
  }

  get uploads(): readonly Upload[] {
    return [...this.#uploads];
  }

  /** A language of the host's own, or some of its words. */
  set translation(words: Translation) {
    this.#speech.use(words);
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
    const ended = this.uploads.filter(({ state }) => state === "completed").flatMap(({ id }) => id ?? []);
    const completed = [...new Set(ended)];
    if (completed.length) return this.single ? completed.slice(-1) : completed;
    return (
      this.getAttribute("value")
        ?.split(/[\s,]+/)
        .filter(Boolean) ?? []
    );
  }

  attributeChangedCallback(name: string): void {
    this.#input.multiple = !this.single;
    this.#film.hidden = !this.hasAttribute("camera") || !hasCamera();
    if (name === "lang") void this.#speech.turnTo(this.#language);
    if (OF_THE_ENGINE.includes(name)) {
      this.#made = null;
      this.#refresh();
    }
    this.#tellForm();
  }

  formResetCallback(): void {
    this.#remove([...this.#uploads]);
  }

  #tellForm(): void {
    const { name } = this;
    const required = this.hasAttribute("required");
    // Outside a form nobody reads it, and of thousands of uploads it takes its time.
    const value = name || required ? this.value : [];
    this.#form.tell({ name, required, busy: this.#busy.size > 0, value });
  }

  /** Once, however many attributes are set in a row, by the parser or a script. */
  #refresh(): void {
    if (!this.#connected || this.#refreshing) return;
    this.#refreshing = true;
    queueMicrotask(() => {
      this.#refreshing = false;
      void this.#unfinished.refresh();
    });
  }

  connectedCallback(): void {
    void this.#speech.turnTo(this.#language);
    this.#tellForm();
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    document.addEventListener("paste", (event) => this.#accept(pastedFiles(event)), { signal });
    document.addEventListener("visibilitychange", this.#awake.again, { signal });
    addEventListener("beforeunload", (event) => this.#busy.size && event.preventDefault(), { signal });
    this.#refresh();
  }

  disconnectedCallback(): void {
    this.#connected?.abort();
    this.#connected = null;
    void this.#camera?.then((camera) => camera.close());
  }

  /** These are to be seen no more; what is not over is given up. */
  #remove(uploads: readonly Upload[]): void {
    for (const upload of uploads) {
      this.#uploads.delete(upload);
      if (can(upload.state, "abort")) void upload.abort().catch(() => {});
    }
    this.#summary.remove(uploads);
    this.#tellForm();
  }

  /** One file alone takes the place of the one before. */
  #makeRoom(): void {
    if (this.single) this.#remove([...this.#uploads]);
  }

  /** What had the focus is gone: the next row has it, or what everything begins with. */
  #focusNear(gone: Element): void {
    const row = gone.closest("li");
    const near = firstButton(row?.nextElementSibling, row?.previousElementSibling, row?.parentElement);
    (near ?? this.#pick).focus();
  }

  /** The nearest that says its language, as HTML has it; else what the person has chosen for the browser. */
  get #language(): string {
    for (let at: Element | null = this; at; at = hostOf(at)) {
      const near = at.closest<HTMLElement>("[lang]");
      if (near?.lang) return near.lang;
    }
    return navigator.language;
  }

  #speak(): void {
    const label = (name: LabelName) => this.#speech.label(name);
    setText(this.#invitation, label("drop"));
    setText(this.#promise, label("promise"));
    word(this.#pick, label("choose"));
    word(this.#film, label("record"));
    for (const part of this.shadowRoot?.children ?? []) part.setAttribute("lang", this.#speech.tag);
    this.#tellForm();
  }

  #zone(): HTMLElement {
    this.#pick.className = "choose";
    this.#film.hidden = true;
    const cloud = h("span", { class: "cloud", "aria-hidden": "true" });
    const buttons = h("div", { class: "ways" }, this.#pick, this.#film);
    const zone = h("div", { class: "zone", part: "zone" }, cloud, this.#invitation, buttons, this.#promise);
    zone.append(this.#input, this.#again);
    zone.addEventListener("dragover", (event) => this.#drag(event, true));
    zone.addEventListener("dragleave", (event) =>
      this.#drag(event, zone.contains(event.relatedTarget as Node | null)),
    );
    zone.addEventListener("drop", (event) => {
      this.#drag(event, false);
      void this.#take(event.dataTransfer);
    });
    return zone;
  }

  #drag(event: DragEvent, over: boolean): void {
    event.preventDefault();
    if (over) this.#internals.states.add("dragging");
    else this.#internals.states.delete("dragging");
  }

  async #take(data: DataTransfer | null): Promise<void> {
    const { chosen, unreadable } = await droppedFiles(data);
    this.#accept(chosen);
    const names = unreadable.join(", ");
    if (names) this.#trouble.append(h("p", {}, this.#speech.label("says_unreadable", { names })));
  }

  /** By the chooser that gives handles where there is one: then one click goes on after a reload. */
  async #choose(): Promise<void> {
    const picked = await pickedFiles(!this.single);
    if (picked) this.#accept(picked);
    else this.#input.click();
  }

  async #openCamera(): Promise<void> {
    this.#camera ??= import("./camera.ts").then(({ Camera }) => {
      const camera = new Camera({ speech: this.#speech, begin: (recording) => this.#record(recording) });
      camera.element.lang = this.#speech.tag;
      this.shadowRoot?.append(camera.element);
      return camera;
    });
    try {
      await (await this.#camera).open();
    } catch (cause) {
      this.#camera = null; // It could not be loaded; the next click tries anew.
      const error = new NetworkError("code_unreachable", { cause });
      this.#trouble.replaceChildren(failureView(error, this.#speech));
    }
  }

  #record({ stream, filename, type }: Recording): () => void {
    this.#makeRoom();
    const upload = this.uploader.uploadStream(stream, { filename, type });
    this.#add(upload, this.#list.element.firstChild);
    return () => void upload.abort().catch(() => {});
  }

  /** A host may refuse the files by cancelling the event. */
  #accept(chosen: readonly Chosen[]): void {
    const files = chosen.map(({ file }) => file);
    if (files.length === 0 || !this.#dispatch("accept", { files }, true)) return;
    this.#trouble.replaceChildren();
    this.#makeRoom();
    const below = this.#list.element.firstChild;
    try {
      for (const { file, path, handle } of this.single ? chosen.slice(0, 1) : chosen) {
        this.#add(this.uploader.upload(file, { filename: path, ...(handle && { handle }) }), below);
      }
    } catch (error) {
      this.#trouble.replaceChildren(failureView(asUploadError(error), this.#speech));
    }
  }

  #add(upload: Upload, below: Node | null): void {
    this.#uploads.add(upload);
    this.#list.add(upload, below);
    this.#summary.add(upload);
    upload.addEventListener("statechange", ({ state, error }) => {
      if (upload.id) this.#unfinished.remove(upload.id);
      this.#watch(upload);
      const announced = ANNOUNCED[state];
      if (announced) this.#announcer.say(this.#speech.label(announced, { name: upload.filename }));
      if (state === "completed" || state === "aborted" || state === "failed") {
        this.#dispatch(state, { upload, error });
      }
    });
    this.#watch(upload);
    this.#dispatch("accepted", { upload });
  }

  #watch(upload: Upload): void {
    const before = this.#busy.size > 0;
    if (isBusy(upload.state)) this.#busy.add(upload);
    else this.#busy.delete(upload);
    const busy = this.#busy.size > 0;
    this.#awake.keep(busy);
    // Of thousands only what changes something is told.
    if (busy !== before || upload.state === "completed") this.#tellForm();
  }

  #dispatch(name: string, detail: object, cancelable = false): boolean {
    const options = { detail, cancelable, bubbles: true, composed: true };
    return this.dispatchEvent(new CustomEvent(`oss-uploader-${name}`, options));
  }

  async #loadUnfinished(): Promise<Unfinished[]> {
    const entries = await this.uploader.unfinished();
    const shown = new Set(this.uploads.filter(({ state }) => !isOver(state)).map(({ id }) => id));
    return entries.filter(({ id }) => !shown.has(id));
  }

  async #takeUp(entry: Unfinished, chosen?: File): Promise<void> {
    const handle = chosen ? undefined : entry.handle;
    const file = chosen ?? (handle && (await reopenFile(handle)));
    if (!file || !this.#dispatch("accept", { files: [file] }, true)) return;
    const upload = await this.uploader.resume(entry, file, handle && { handle });
    this.#unfinished.remove(entry.id);
    this.#makeRoom();
    this.#add(upload, this.#list.element.firstChild);
  }

  async #discard(entry: Unfinished): Promise<void> {
    await this.uploader.discard(entry);
    this.#unfinished.remove(entry.id);
    this.#announcer.say(this.#speech.label("says_aborted", { name: entry.filename }));
  }

  #chooseAgain(chosen: (file: File) => void): void {
    this.#again.onchange = () => {
      const [file] = takeFiles(this.#again);
      if (file) chosen(file);
    };
    this.#again.click();
  }
}

/** The element in whose shadow this one stands. */
function hostOf(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

function hasCamera(): boolean {
  return "MediaRecorder" in globalThis && navigator.mediaDevices !== undefined;
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
