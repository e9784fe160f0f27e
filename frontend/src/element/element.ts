/**
 * `<oss-uploader>`: choose, drop, paste or record files, watch their uploads, and resume unfinished ones.
 * The element listens, shows and dispatches events. Everything that happens to a file happens in the engine.
 *
 * @module oss-uploads/element
 */

import { LoginError } from "../engine/errors.ts";
import type { StateChangeEvent } from "../engine/events.ts";
import type { Upload } from "../engine/upload.ts";
import { OssUploader } from "../engine/uploader.ts";
import { ElementWithAttributes, ENGINE_ATTRIBUTES } from "./attributes.ts";
import type { Recording } from "./camera.ts";
import { CameraLoader, canRecord } from "./camera-loader.ts";
import { UploadCollection } from "./collection.ts";
import { DestinationInfo } from "./destination.ts";
import { firstButton, setState } from "./dom.ts";
import { DropZone } from "./drop-zone.ts";
import type { DetailOf, EventName } from "./events.ts";
import type { ChosenFile } from "./files.ts";
import { FolderLoader } from "./folder-loader.ts";
import { FormControl } from "./form-control.ts";
import { Localization, languageOf, type Translation } from "./localization.ts";
import { offerLogin } from "./login-loader.ts";
import { Messages } from "./messages.ts";
import { sharedSheet } from "./styles.ts";
import { UnfinishedLoader } from "./unfinished-loader.ts";

export type { ElementWithAttributes } from "./attributes.ts";
export type { AcceptDetail, AcceptedDetail, EndDetail, OssUploaderEventMap } from "./events.ts";
export type { LabelName, Language } from "./labels.ts";
export type { Translation } from "./localization.ts";

/**
 * The class of `<oss-uploader>`. Attributes: `api`, `destination`, `parallel`, `signing`, `integrity`, `single`, `name`,
 * `required`, `value`, `camera`, `lang`, `accept`, `max-size`,
 * `max-files`, `credentials`, `csrf-token` and `csrf-header`. Its events are in `OssUploaderEventMap`. It has no slots.
 */
export class OssUploaderElement extends ElementWithAttributes {
  /** In a form it submits the ids of the completed uploads under `name`. */
  static readonly formAssociated = true;

  readonly #internals = this.attachInternals();
  readonly #root = this.attachShadow({ mode: "open" });
  readonly #localization = new Localization();
  readonly #zone: DropZone = new DropZone({
    localization: this.#localization,
    onfiles: (files) => void this.#choose(files),
    onunreadable: (paths) => this.#messages.addUnreadable(paths),
    onerror: (error) => this.#messages.showError(error),
    onfolder: () => this.#folders.use((folders) => folders.choose()),
    onrecord: () => void this.#camera.open().catch((error) => this.#messages.showError(error)),
    ondrag: (over) => setState(this.#internals, "dragging", over),
  });
  readonly #destination = new DestinationInfo(this.#localization, this.#zone);
  readonly #camera = new CameraLoader(
    { localization: this.#localization, upload: (recording) => this.#uploadRecording(recording) },
    this.#root,
  );
  readonly #collection = new UploadCollection({
    localization: this.#localization,
    link: () => this.#destination.link(),
    uploader: () => this.uploader,
    onchange: () => this.#updateForm(),
    onstatechange: (upload, event) => this.#reportState(upload, event),
  });
  readonly #folders: FolderLoader = new FolderLoader({
    zone: this.#zone,
    collection: this.#collection,
    uploader: () => this.uploader,
    onupload: (upload) => this.#reportUpload(upload),
    onsettled: (path) => this.#unfinished.remove(path),
  });
  readonly #unfinished = new UnfinishedLoader({
    localization: this.#localization,
    openIds: () => this.#collection.openIds,
    offerLogin: () => this.#offerLogin(),
    uploader: () => this.uploader,
    signal: () => this.#signal,
    accepts: (file) => this.#dispatch("accept", { files: [file] }, true),
    add: (upload) => this.#addAlone(upload),
    remove: (id) => this.#unfinished.remove(id),
    announce: (name, filename) => this.#collection.announce(name, filename),
    refresh: () => this.#refreshUnfinished(),
    folders: (act) => this.#folders.use(act),
    chooseFile: (onchoose) => this.#zone.chooseFile(onchoose),
  });
  readonly #form = new FormControl(this.#internals, this.#localization, this.#zone.chooseButton);
  readonly #messages = new Messages(this.#localization);
  /** Set by the host. */
  #givenUploader: OssUploader | null = null;
  /** Made from the attributes when it is first needed. */
  #ownUploader: OssUploader | null = null;
  #connection: AbortController | null = null;
  #refreshPending = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sharedSheet()];
    const { summaryPlace, list, announcer } = this.#collection;
    const lists = [summaryPlace, list.element, this.#unfinished.element];
    this.#root.append(this.#zone.element, this.#messages.element, ...lists, announcer.element);
    this.#root.addEventListener("focus-lost", ({ target }) => this.#moveFocus(target as Element));
    this.#localization.addEventListener("change", () => this.#showLanguage());
    this.#showLanguage();
  }

  /** The engine. For options that no attribute has, such as `small`, set your own before files are chosen. */
  get uploader(): OssUploader {
    this.#ownUploader ??= this.#givenUploader ?? new OssUploader(this.uploaderOptions);
    return this.#ownUploader;
  }

  set uploader(uploader: OssUploader) {
    this.#givenUploader = this.#ownUploader = uploader;
    this.#refreshUnfinished();
  }

  /** The uploads of this element, in the order in which they were added. Aborted ones are left out once cleared. */
  get uploads(): readonly Upload[] {
    return this.#collection.uploads;
  }

  /** Your own texts: a whole language, or some of its entries. */
  set translation(translation: Translation) {
    this.#localization.setTranslation(translation);
  }

  /** The ids that the form submits: of the completed uploads or, before there are any, those of the attribute. */
  get value(): readonly string[] {
    const completed = this.#collection.completedIds;
    if (completed.length === 0) return this.initialValue;
    return this.single ? completed.slice(-1) : completed;
  }

  /** Sets the attribute: ids of uploads that the form had before. */
  set value(ids: string | readonly string[]) {
    this.setAttribute("value", typeof ids === "string" ? ids : ids.join(" "));
  }

  /** The form that the element belongs to; null outside of one. */
  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  /** `customError` while an upload is waiting or active; `valueMissing` when it is `required` and has no value. */
  get validity(): ValidityState {
    return this.#internals.validity;
  }

  /** Why the element is invalid; "" where it is valid. */
  get validationMessage(): string {
    return this.#internals.validationMessage;
  }

  /** Whether the element is valid. Dispatches `invalid` where it is not. */
  checkValidity(): boolean {
    return this.#internals.checkValidity();
  }

  /** As `checkValidity`, and shows the user why. */
  reportValidity(): boolean {
    return this.#internals.reportValidity();
  }

  /** @internal */
  attributeChangedCallback(name: string): void {
    this.#zone.multiple = !this.single;
    this.#zone.accept = this.getAttribute("accept") ?? "";
    this.#zone.camera = this.hasAttribute("camera") && canRecord();
    if (name === "lang") void this.#localization.setLanguage(languageOf(this));
    if (ENGINE_ATTRIBUTES.includes(name)) this.renewEngine();
    this.#updateForm();
  }

  protected override renewEngine(): void {
    this.#ownUploader = null;
    this.#refreshUnfinished();
  }

  /** @internal */
  connectedCallback(): void {
    void this.#localization.setLanguage(languageOf(this));
    this.#updateForm();
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    const { wakeLock } = this.#collection;
    this.#zone.listenForPaste(signal);
    this.#zone.listenForStrayDrops(signal, () => this.pageDrop);
    document.addEventListener("visibilitychange", wakeLock.renew, { signal });
    addEventListener("beforeunload", (event) => this.#collection.busy && event.preventDefault(), { signal });
    this.#refreshUnfinished();
  }

  /** @internal */
  disconnectedCallback(): void {
    this.#connection?.abort();
    this.#connection = null;
    this.#camera.close();
  }

  /** @internal */
  formResetCallback(): void {
    this.#collection.removeAll();
  }

  /** Aborts when the element leaves the page. */
  get #signal(): AbortSignal {
    return this.#connection?.signal ?? AbortSignal.abort();
  }

  #updateForm(): void {
    const { name } = this;
    const required = this.hasAttribute("required");
    // Outside a form nothing reads the value, and with thousands of uploads it takes time.
    const value = name || required ? this.value : [];
    this.#form.update({ name, required, busy: this.#collection.busy, value });
  }

  #showLanguage(): void {
    for (const child of this.#root.children) child.setAttribute("lang", this.#localization.tag);
    this.#updateForm();
  }

  /** Refuses what the destination does not accept. */
  async #choose(chosen: readonly ChosenFile[]): Promise<void> {
    const admission = await this.#destination.limits?.admit(chosen);
    if (!admission) return this.#accept(chosen);
    this.#messages.clear();
    this.#accept(admission.files);
    this.#messages.addRefusals(admission.refusals);
  }

  /** The host may refuse the files by cancelling the event. */
  #accept(chosen: readonly ChosenFile[]): void {
    const files = chosen.map(({ file }) => file);
    if (files.length === 0 || !this.#dispatch("accept", { files }, true)) return;
    this.#messages.clear();
    this.#replaceSingle();
    const before = this.#collection.top;
    const alone = this.single ? chosen.slice(0, 1) : this.#folders.accept(chosen, before);
    try {
      for (const { file, path, handle } of alone) {
        this.#add(this.uploader.upload(file, { filename: path, ...(handle && { handle }) }), before);
      }
    } catch (error) {
      this.#messages.showError(error);
    }
  }

  #uploadRecording({ stream, filename, type }: Recording): Upload {
    const upload = this.uploader.uploadStream(stream, { filename, type, live: true });
    this.#addAlone(upload);
    return upload;
  }

  #add(upload: Upload, before?: Node | null): void {
    this.#collection.add(upload, before);
    this.#dispatch("accepted", { upload });
  }

  /** Of a file that has no item of its own. */
  #reportUpload(upload: Upload): void {
    this.#dispatch("accepted", { upload });
    upload.addEventListener("statechange", (event) => this.#reportState(upload, event));
  }

  #addAlone(upload: Upload): void {
    this.#replaceSingle();
    this.#add(upload);
  }

  #replaceSingle(): void {
    if (this.single) this.#collection.removeAll();
  }

  #reportState(upload: Upload, { state, error }: StateChangeEvent): void {
    if (upload.id) this.#unfinished.remove(upload.id);
    if (upload.error instanceof LoginError) this.#offerLogin();
    if (state === "completed" || state === "failed" || state === "aborted") {
      this.#dispatch(state, { upload, error });
    }
  }

  #offerLogin(): void {
    const onlogin = () => this.#refreshUnfinished();
    const ports = { localization: this.#localization, host: this, rows: this.#collection.rows, onlogin };
    void offerLogin(this.#messages.element, ports, this.#signal);
  }

  #dispatch<Name extends EventName>(name: Name, detail: DetailOf<Name>, cancelable = false): boolean {
    const options = { detail, cancelable, bubbles: true, composed: true };
    return this.dispatchEvent(new CustomEvent(`oss-uploader-${name}`, options));
  }

  /** Once, however many attributes are set in a row. */
  #refreshUnfinished(): void {
    if (!this.#connection || this.#refreshPending) return;
    this.#refreshPending = true;
    queueMicrotask(() => {
      this.#refreshPending = false;
      void this.#unfinished.refresh();
      void this.#destination.load(this.uploader);
    });
  }

  /** The focused element is gone: the next item receives the focus, or the button that chooses files. */
  #moveFocus(from: Element): void {
    const item = from.closest("li");
    const next = firstButton(item?.nextElementSibling, item?.previousElementSibling, item?.parentElement);
    (next ?? this.#zone.chooseButton).focus();
  }
}
