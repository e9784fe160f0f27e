// The upload of a folder: a few hundred of its files at a time are uploads; the others are entries of a list.
// A folder is recognised by its name, as the backend does: whoever chooses it again knows nothing else of it.

import type { Api } from "./api.ts";
import { AbortedError, asUploadError, LoginError, type UploadError } from "./errors.ts";
import type { Notice } from "./events.ts";
import { type FolderFile, FolderList, isFinal } from "./folder-list.ts";
import { bytesOf, FolderFileEvent, noticeOf } from "./folder-live.ts";
import type { FolderHost, FolderOptions } from "./folder-options.ts";
import { FolderOwnership } from "./folder-ownership.ts";
import { type Progress, ProgressMeter } from "./progress.ts";
import { NEVER } from "./promises.ts";
import { can, isOver, type State } from "./states.ts";
import type { Upload } from "./upload.ts";
import type { OssUploader } from "./uploader.ts";

/** Files that are uploads at the same time. The batch calls of small files need some 300. */
const WINDOW = 400;
/** Uploads that are created before the page may react to its user. */
const CREATED_AT_ONCE = 20;
/** So many failures without a success concern all files: the quota is used, or OSS refuses everything. */
const MAX_FAILURES_IN_A_ROW = 100;
/** Milliseconds between two records in the journal. */
const RECORD_EVERY = 2000;

/** Creates the upload of a folder. Internal: pages call `Folders.upload`. */
export let createFolderUpload: (
  host: FolderHost,
  name: string,
  files: readonly FolderFile[],
  options: FolderOptions,
) => FolderUpload;

/** Dispatches `statechange`, `progress` (a count, bytes or the notice have changed) and `upload` (a file has become an upload). */
export class FolderUpload extends EventTarget {
  /** The files of the folder. */
  readonly list: FolderList;
  /** The uploader whose options its files have. */
  readonly uploader: OssUploader;
  readonly #api: Api;
  readonly #forget: FolderHost["forget"];
  readonly #live = new Map<Upload, number>();
  readonly #meter: ProgressMeter;
  readonly #ownership: FolderOwnership;
  #state: State = "queued";
  #error: UploadError | null = null;
  #failuresInARow = 0;
  #feeding = false;
  /** Whether files of one request may have begun that will not be completed. */
  #hasLeftovers = false;
  #stop = new AbortController();
  #recordedAt = Number.NEGATIVE_INFINITY;
  #updatedAt = "";
  #loaded = 0;

  static {
    createFolderUpload = (host, name, files, options) => new FolderUpload(host, name, files, options);
  }

  private constructor(
    host: FolderHost,
    /** The name of the folder, by which it is recognised. */
    readonly name: string,
    files: readonly FolderFile[],
    /** The options of this folder. */
    readonly options: FolderOptions,
  ) {
    super();
    this.uploader = host.uploader;
    this.#api = host.api;
    this.#forget = host.forget;
    this.list = new FolderList(files);
    this.#meter = new ProgressMeter(this.list.bytes);
    const { destination } = this.uploader;
    this.#ownership = new FolderOwnership(host.api, destination, name, () => this.#change());
  }

  /** The name with a slash, by which the unfinished folder is known. */
  get id(): string {
    return `${this.name}/`;
  }

  /** The name of the folder with a slash at the end. */
  get filename(): string {
    return this.name;
  }

  /** The state of the whole folder. */
  get state(): State {
    return this.#state;
  }

  /**
   * Why the folder failed: what keeps all files from being sent, or else the first error of a file that a retry may
   * cure, or else the first one.
   */
  get error(): UploadError | null {
    return this.#state === "failed" ? this.#error : null;
  }

  /** The files that are uploads now. */
  get uploads(): readonly Upload[] {
    return [...this.#live.keys()];
  }

  /** Why no byte of the folder is being sent, as of an upload; null while bytes are. */
  get notice(): Notice | null {
    if (this.#state === "preparing") return this.#ownership.notice;
    return this.#state === "uploading" ? noticeOf(this.#live.keys()) : null;
  }

  /** Tries at once what would be tried again after `notice.facts.wait` seconds. */
  tryNow(): void {
    this.#ownership.tryNow();
    for (const upload of this.#live.keys()) upload.tryNow();
  }

  /** Bytes of all files of the folder. */
  get progress(): Progress {
    const live = bytesOf(this.#live.keys());
    const loaded = this.list.bytesDone + live.loaded;
    if (loaded < this.#loaded) this.#meter.restart();
    this.#loaded = loaded;
    this.#meter.advance(0, loaded, this.list.bytes, this.#api.environment.clock.now());
    return { ...this.#meter.read(), kept: this.list.bytesDone + live.kept };
  }

  /** Begins, once. Files that an interrupted upload of the folder has sent are skipped. */
  start(): void {
    if (this.#state !== "queued") return;
    void this.#run();
  }

  /** Pauses all files. Throws nothing in any state. */
  pause(): void {
    if (!can(this.#state, "pause")) return;
    this.#hasLeftovers = true;
    this.#stop.abort(new AbortedError());
    this.#move("paused");
    for (const upload of this.#live.keys()) if (can(upload.state, "pause")) upload.pause();
    this.#record(true);
  }

  /** Continues after a pause, and retries what has failed. */
  resume(): void {
    if (!can(this.#state, "resume")) return;
    for (const upload of this.#live.keys()) if (can(upload.state, "resume")) upload.resume();
    this.list.retry((error) => !isFinal(error));
    void this.#run();
  }

  /**
   * Aborts what is unfinished of the folder, unless another tab uploads it. Completed files stay. Rejects with
   * UploadError.
   */
  async abort(): Promise<void> {
    if (!can(this.#state, "abort")) return;
    this.#stop.abort(new AbortedError());
    this.#move("aborting");
    this.#shelve();
    try {
      await this.#ownership.abort();
      this.#move("aborted");
    } catch (error) {
      this.#fail(Object.assign(asUploadError(error), { aborting: true }));
      throw this.#error;
    }
  }

  /** Nothing of the folder is sent any more; what is being completed goes on. What OSS has of the files is found again. */
  #shelve(): void {
    for (const [upload, index] of this.#live) {
      this.#forget(upload);
      if (!can(upload.state, "pause")) continue;
      upload.pause();
      this.#live.delete(upload);
      this.list.putBack(index);
    }
  }

  async #run(): Promise<void> {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#failuresInARow = 0;
    const taken = this.#ownership.take(this.list, signal);
    this.#move("preparing");
    try {
      await taken;
      signal.throwIfAborted();
      this.#move("uploading");
      this.#record(true);
      void this.#feed();
    } catch (error) {
      if (!signal.aborted) this.#fail(asUploadError(error));
    }
  }

  /** Keeps as many uploads as the window allows. */
  async #feed(): Promise<void> {
    if (this.#feeding) return;
    this.#feeding = true;
    const { clock } = this.#api.environment;
    for (let created = 1; this.#state === "uploading" && this.#live.size < WINDOW; created++) {
      const index = this.list.take();
      if (index === undefined) break;
      this.#upload(index);
      if (created % CREATED_AT_ONCE === 0) await clock.sleep(0, NEVER);
    }
    this.#feeding = false;
    if (this.#state === "uploading" && this.#live.size === 0) this.#finish();
  }

  #upload(index: number): void {
    const upload = this.uploader.upload(this.list.file(index), { filename: this.list.path(index) });
    this.#live.set(upload, index);
    upload.addEventListener("statechange", ({ state, error }) => {
      if (!this.#live.has(upload)) return;
      if (state === "completed") this.#complete(upload, index);
      else if (state === "failed" && error) this.#refuse(upload, index, error);
      else if (state === "aborted") this.#refuse(upload, index, new AbortedError("aborted_elsewhere"));
    });
    upload.addEventListener("notice", () => this.#change());
    upload.done.then(
      ({ updated_at }) => {
        this.#updatedAt = updated_at;
      },
      () => {},
    );
    this.dispatchEvent(new FolderFileEvent(upload));
  }

  #complete(upload: Upload, index: number): void {
    this.#failuresInARow = 0;
    this.list.finish(index, upload.id ?? "", "completed");
    this.#drop(upload);
  }

  #refuse(upload: Upload, index: number, error: UploadError): void {
    if (!isFinal(error)) this.#failuresInARow += 1; // Of a final one the file itself is the cause.
    this.list.fail(index, error);
    const concernsAll = error instanceof LoginError || this.#failuresInARow >= MAX_FAILURES_IN_A_ROW;
    this.#drop(upload, concernsAll ? error : null);
  }

  /** `cause`: why no other file can be sent either. */
  #drop(upload: Upload, cause: UploadError | null = null): void {
    this.#live.delete(upload);
    this.#forget(upload);
    this.#record(cause !== null || this.#state !== "uploading"); // The last ones after a pause.
    this.#change();
    if (this.#state === "failed" && this.#live.size === 0) this.#ownership.release();
    if (this.#state !== "uploading") return;
    if (cause) this.#fail(cause);
    else if (this.#live.size < WINDOW) void this.#feed();
  }

  #finish(): void {
    const errors = [...this.list.errors.values()];
    if (errors.length === 0) {
      void this.#ownership.complete(this.#hasLeftovers);
      this.#move("completed");
      return;
    }
    this.#record(true);
    this.#fail(errors.find((error) => !isFinal(error)) ?? errors[0] ?? null);
  }

  #fail(error: UploadError | null): void {
    this.#error = error;
    this.#hasLeftovers = true;
    this.#shelve();
    if (this.#live.size === 0) this.#ownership.release();
    this.#move("failed");
  }

  #move(state: State): void {
    this.#state = state;
    if (state === "uploading") this.#meter.restart();
    this.dispatchEvent(new Event("statechange"));
    this.#change();
  }

  #change(): void {
    this.dispatchEvent(new Event("progress"));
  }

  #record(always = false): void {
    const now = this.#api.environment.clock.now();
    if (isOver(this.#state) || (!always && now - this.#recordedAt < RECORD_EVERY)) return;
    this.#recordedAt = now;
    const { list } = this;
    this.#ownership.record({
      filename: this.id,
      size: list.bytes,
      bytesDone: list.bytesDone,
      updatedAt: this.#updatedAt,
      folder: { files: list.count, filesDone: list.done, ...this.options },
    });
  }
}
