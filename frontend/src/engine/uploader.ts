// Uploads of one page to one destination.

import { browserEnvironment } from "../browser/environment.ts";
import { reopenFile } from "../browser/handles.ts";
import { type Allowance, allowanceOf, type DownloadLink, downloadLink } from "./allowance.ts";
import { Api, type RemoteUpload } from "./api.ts";
import { Bandwidth } from "./bandwidth.ts";
import { ConfigurationError, codeUnreachable, NetworkError } from "./errors.ts";
import { UploadEvent, UploaderEventTarget } from "./events.ts";
import { fingerprintOf, lockName } from "./fingerprint.ts";
import type { Folders } from "./folders.ts";
import { entryOf } from "./journal.ts";
import { importLate } from "./late.ts";
import {
  checkedOptions,
  optionsOfUpload,
  type StreamOptions,
  type UploaderOptions,
  type UploadOptions,
} from "./options.ts";
import type { Environment, JournalEntry } from "./ports.ts";
import type { LazySource } from "./preparation.ts";
import { NEVER } from "./promises.ts";
import { MAX_PARALLEL, Semaphore, UploadQueue } from "./queue.ts";
import { Source } from "./source.ts";
import { can, isOver, type StateEvent } from "./states.ts";
import type { StreamChunk } from "./stream.ts";
import { createUpload, type Upload, type UploadSettings } from "./upload.ts";

/** An unfinished upload that can be resumed, as it was last known. */
export interface Unfinished extends JournalEntry {
  /** Whether a tab of this browser is uploading it now. */
  readonly isRunning?: boolean;
}

/** Files that are uploaded at once; the others wait. Each sends several parts, and connections are few. */
const MAX_FILES = 2;

/**
 * The engine's entry point. One uploader has one queue; files beyond two at once wait in it. It dispatches the events of
 * all its uploads after them, and `accepted` (UploadEvent) when there is a new one; `event.upload` says which.
 */
export class OssUploader extends UploaderEventTarget {
  /** The name of the destination. */
  readonly destination: string;
  readonly #options: UploaderOptions;
  readonly #api: Api;
  readonly #settings: UploadSettings;
  readonly #uploads = new Set<Upload>();

  /** `environment` is for tests and hosts without a browser. Throws ConfigurationError for an unsupported option. */
  constructor(options: UploaderOptions = {}, environment: Environment = browserEnvironment()) {
    super();
    const { bandwidth: limit, ...others } = options;
    this.#options = others;
    const settings = checkedOptions(others);
    this.destination = settings.destination;
    this.#api = new Api(environment, settings);
    const bandwidth = environment.bandwidth ?? new Bandwidth(environment.clock);
    if (limit) bandwidth.limit = limit;
    this.#settings = {
      ...settings,
      bandwidth,
      api: this.#api,
      queue: new UploadQueue(MAX_FILES),
      requests: new Semaphore(MAX_PARALLEL),
      line: { speed: null, partSize: null },
      onevent: (event) => {
        if (event.type === "accepted") this.#uploads.add(event.upload); // It is there before the event says so.
        this.dispatchEvent(event);
      },
    };
  }

  /**
   * Bits a second that all uploads of the page together may use; null: no limit. It applies to requests that start from
   * now on, and is not shared with other tabs. Setting it throws ConfigurationError unless it is positive or null.
   */
  get bandwidth(): number | null {
    return this.#settings.bandwidth.limit;
  }

  set bandwidth(limit: number | null) {
    this.#settings.bandwidth.limit = limit;
  }

  /** The uploads of this uploader, in the order in which they were started, without those that `clear` has removed. */
  get uploads(): readonly Upload[] {
    return [...this.#uploads];
  }

  /** The uploads that wait for their turn, in the order in which they will start. */
  get queue(): readonly Upload[] {
    return this.#settings.queue.waiting;
  }

  /**
   * Moves a waiting upload to a position of `queue`: 0 starts next. Dispatches `reordered`, and returns true; returns false
   * for an upload that does not wait.
   */
  move(upload: Upload, position: number): boolean {
    const moved = this.#settings.queue.move(upload, position);
    if (moved) this.dispatchEvent(Object.assign(new UploadEvent("reordered"), { upload }));
    return moved;
  }

  /** Pauses all uploads that can be paused. */
  pauseAll(): void {
    for (const upload of this.#those("pause")) upload.pause();
  }

  /** Continues all uploads that are paused or have failed. */
  resumeAll(): void {
    for (const upload of this.#those("resume")) upload.resume();
  }

  /** Aborts all uploads that are not over. Rejects as `Upload.abort` does; the others are aborted all the same. */
  async abortAll(): Promise<void> {
    await Promise.all(this.#those("abort").map((upload) => upload.abort()));
  }

  /** Forgets the uploads that are completed or aborted. */
  clear(): void {
    for (const upload of this.#uploads) if (isOver(upload.state)) this.#uploads.delete(upload);
  }

  #those(event: StateEvent): Upload[] {
    return this.uploads.filter(({ state }) => can(state, event));
  }

  /**
   * Starts to upload a file, or queues it, and returns the upload at once. An unfinished upload of the same file by the
   * same user, also from another device, is resumed. Errors come with the upload's `statechange` event and `done`.
   * Throws ConfigurationError for an unsupported option.
   */
  upload(file: Blob, options: UploadOptions = {}): Upload {
    return this.#create(file, options, this.#check(file, options));
  }

  /** Rejects for a file that is refused. The backend checks the file even if the chunk cannot be loaded. */
  #check(file: Blob, options: UploadOptions): Partial<UploadSettings> {
    const { restrictions, filename }: UploadOptions = { ...this.#options, ...options };
    if (!restrictions || !Object.values(restrictions).some(Boolean)) return {};
    const count = this.uploads.filter(({ state }) => state !== "failed" && state !== "aborted").length;
    const allowed = importLate(() => import("./restrictions.ts"), "assertAllowed").catch(() => null);
    return { allowed: allowed.then((code) => code?.(file, restrictions, filename, count)) };
  }

  #create(file: Blob | LazySource, options: StreamOptions, more: Partial<UploadSettings> = {}): Upload {
    const [own, hasOwnApi] = optionsOfUpload(this.#options, options) ?? [];
    const api = own && hasOwnApi ? new Api(this.#api.environment, own) : this.#api;
    const upload = createUpload(file, { ...this.#settings, ...own, api, ...more }, options);
    const abort = () => void (can(upload.state, "abort") && upload.abort().catch(() => {}));
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted) abort();
    return upload;
  }

  /**
   * Uploads a stream while it is produced, and returns the upload at once. It reads no more of the stream than is being
   * sent, unless the stream is `live`. The stream's end completes the upload. After a reload the upload cannot be resumed,
   * but `keep` completes it with what there is.
   */
  uploadStream(stream: ReadableStream<StreamChunk>, options: StreamOptions = {}): Upload {
    const { filename: name = "recording", type = "" } = options;
    const load = async () =>
      (await importLate(() => import("./stream.ts"), "openStream"))(
        stream,
        { ...options, filename: name },
        this.#api.environment,
      );
    const cancel = (reason: unknown) => stream.cancel(reason).catch(() => {}); // It rejects while the stream is locked.
    return this.#create({ name, type, load, cancel }, options);
  }

  /**
   * The user's unfinished uploads to this destination, and the folders whose upload was interrupted in this browser:
   * their `filename` ends with a slash, and `folders()` resumes them. Interrupted streams have `stream`, and can be
   * given to `keep`: their `size` is what it keeps. While the backend cannot be reached, those that this browser
   * remembers. Rejects with ApiError when the backend refuses.
   */
  async unfinished(signal: AbortSignal = NEVER): Promise<Unfinished[]> {
    const { journal, locks } = this.#api.environment;
    const held = await locks.held?.();
    const withLock = (entry: Unfinished): Unfinished =>
      held?.has(lockOf(entry) ?? "") ? { ...entry, isRunning: true } : entry;
    const all = await journal.list();
    const remembered = all.filter((entry) => entry.destination === this.destination);
    try {
      const uploads = await this.#api.list({ state: "uploading", destination: this.destination }, signal);
      const own = new Map(remembered.map((entry) => [entry.id, entry]));
      const known = new Set(uploads.map(({ id }) => id));
      const isRemembered = ({ id, folder, stream }: JournalEntry) => folder || stream || known.has(id);
      for (const entry of remembered) if (!isRemembered(entry)) void journal.forget(entry.id);
      const files = uploads.filter(hasSize).map((upload) => {
        const { bytesDone = 0, handle } = own.get(upload.id) ?? {};
        // Parts that OSS has taken may not have been reported yet.
        return entryOf({ ...upload, bytes_done: Math.max(upload.bytes_done, bytesDone) }, handle);
      });
      const hasStreams = files.length < uploads.length || remembered.some(({ stream }) => stream);
      const streams = hasStreams
        ? await (await interrupted("interruptedStreams"))(this.#api, uploads, remembered, entryOf, signal)
        : [];
      return [...remembered.filter(({ folder }) => folder), ...streams, ...files].map(withLock);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      const stored = (await interrupted("withStored").catch(() => null))?.(this.#api, remembered);
      return ((await stored) ?? remembered).map(withLock);
    }
  }

  /** Resolves when no tab of this browser is uploading it any more. Rejects with the signal's reason. */
  async whenIdle(unfinished: Unfinished, signal: AbortSignal): Promise<void> {
    const lock = lockOf(unfinished);
    if (lock) await this.#api.environment.locks.idle(lock, signal);
  }

  /** Whether a tab of this browser is uploading it now. */
  async isRunning(unfinished: Unfinished): Promise<boolean> {
    const held = await this.#api.environment.locks.held?.();
    return held?.has(lockOf(unfinished) ?? "") ?? false;
  }

  /** What the user may upload here. Rejects with NetworkError or ApiError. */
  allowance(signal: AbortSignal = NEVER): Promise<Allowance> {
    return allowanceOf(this.#api, this.destination, signal);
  }

  /**
   * A link to the object of a completed upload, where the destination gives such links. `inline`: browsers open the
   * object instead of saving it, where its type is harmless. Rejects with NetworkError or ApiError.
   */
  downloadLink(id: string, { inline = false, signal = NEVER } = {}): Promise<DownloadLink> {
    return downloadLink(this.#api, id, inline, signal);
  }

  /**
   * Resumes an unfinished upload, or a checkpoint of it, with its file, or with the handle that this browser has kept. Without a file, call it in
   * a click: the browser may ask for permission. Rejects with FileError when the file is another one or cannot be read,
   * with ConfigurationError when there is neither file nor handle.
   */
  async resume(unfinished: Unfinished, file?: Blob, options: UploadOptions = {}): Promise<Upload> {
    const { handle = file ? undefined : unfinished.handle } = options;
    const given = file ?? (handle && (await reopenFile(handle)));
    if (!given) throw new ConfigurationError("This browser has kept no handle of the file: pass the file.");
    const assertFileOf = await importLate(() => import("./resuming.ts"), "assertFileOf").catch(
      codeUnreachable,
    );
    const { integrity } = { ...this.#options, ...options };
    const source = new Source(given, options.filename);
    await assertFileOf(unfinished, source, fingerprintOf, integrity === "none");
    const { id: resumeId, destination } = unfinished;
    return this.#create(given, { ...options, ...(handle && { handle }) }, { resumeId, destination });
  }

  /**
   * Completes an interrupted stream with its unbroken beginning: what OSS holds, and what this browser has stored of a
   * live stream, which is sent first. Returns the upload at once, as `upload` does.
   */
  keep(unfinished: Unfinished, options: UploadOptions = {}): Upload {
    const { id: resumeId, destination, filename: name } = unfinished;
    const load = async (signal: AbortSignal) =>
      (await interrupted("loadKept"))(this.#api, unfinished, signal);
    const cancel = async () => {}; // Nothing reads it.
    return this.#create({ name, type: "", load, cancel }, options, { resumeId, destination });
  }

  /** Uploads of whole folders. Rejects with NetworkError when their code cannot be loaded. */
  async folders(): Promise<Folders> {
    const createFolders = await importLate(() => import("./folders.ts"), "createFolders").catch(
      codeUnreachable,
    );
    const forget = (upload: Upload) => this.#uploads.delete(upload);
    return createFolders({ uploader: this, api: this.#api, forget });
  }

  /** Aborts an unfinished upload, at the backend and at OSS. Rejects with NetworkError or ApiError. */
  async discard(unfinished: Unfinished, signal: AbortSignal = NEVER): Promise<void> {
    if (unfinished.folder) return (await this.folders()).discard(unfinished.filename.slice(0, -1));
    await this.#api.abort(unfinished.id, signal);
    void this.#api.environment.journal.forget(unfinished.id);
    if (unfinished.stream) await (await this.#api.environment.streamStore?.())?.forget(unfinished.id);
  }
}

/** Without a fingerprint a file is not locked. The lock of a folder or stream has its id as its name. */
function lockOf({ id, destination, fingerprint, folder, stream }: Unfinished): string | null {
  return folder || stream ? id : fingerprint && lockName(destination, fingerprint);
}

function interrupted<Name extends keyof typeof import("./interrupted-streams.ts")>(name: Name) {
  return importLate(() => import("./interrupted-streams.ts"), name).catch(codeUnreachable);
}

/** A stream cannot be resumed: its bytes are gone. */
function hasSize(upload: RemoteUpload): upload is RemoteUpload & { size: number } {
  return upload.size !== null;
}
