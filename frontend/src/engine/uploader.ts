// Uploads of one page to one destination.

import { browserEnvironment } from "../browser/environment.ts";
import { reopenFile } from "../browser/handles.ts";
import { Api, type RemoteUpload } from "./api.ts";
import { MAX_PARALLEL, Semaphore, UploadQueue } from "./concurrency.ts";
import { ConfigurationError, NetworkError, otherFile } from "./errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { Folders } from "./folders.ts";
import { entryOf } from "./journal.ts";
import { checkedOptions, type StreamOptions, type UploaderOptions, type UploadOptions } from "./options.ts";
import { Source } from "./parts.ts";
import type { Environment, JournalEntry } from "./ports.ts";
import type { StreamChunk } from "./stream.ts";
import { createUpload, type Upload, type UploadSettings } from "./upload.ts";

/** An unfinished upload that can be resumed, as it was last known. */
export type Unfinished = JournalEntry;

/** Files that are uploaded at once; the others wait. Each sends several parts, and connections are few. */
const MAX_FILES = 2;

/** The engine's entry point. One uploader has one queue; files beyond two at once wait in it. */
export class OssUploader {
  readonly destination: string;
  readonly #api: Api;
  readonly #settings: UploadSettings;

  /** `environment` is for tests and hosts without a browser. Throws ConfigurationError for an unsupported option. */
  constructor(options: UploaderOptions = {}, environment: Environment = browserEnvironment()) {
    const settings = checkedOptions(options);
    this.destination = settings.destination;
    this.#api = new Api(environment, settings);
    this.#settings = {
      ...settings,
      api: this.#api,
      queue: new UploadQueue(MAX_FILES),
      requests: new Semaphore(MAX_PARALLEL),
    };
  }

  /**
   * Starts to upload a file, or queues it, and returns the upload at once. An unfinished upload of the same file by the
   * same user, also from another device, is resumed. Errors come with the upload's `statechange` event and `done`.
   */
  upload(file: Blob, options: UploadOptions = {}): Upload {
    return createUpload(file, this.#settings, options);
  }

  /**
   * Uploads a stream while it is produced, and returns the upload at once. It reads no more of the stream than is being
   * sent. The stream's end completes the upload. After a reload the upload cannot be resumed.
   */
  uploadStream(stream: ReadableStream<StreamChunk>, options: StreamOptions = {}): Upload {
    const { filename: name = "recording", type = "" } = options;
    const load = async () => new (await import("./stream.ts")).StreamSource(stream, name, type);
    const cancel = (reason: unknown) => stream.cancel(reason).catch(() => {}); // It rejects while the stream is locked.
    return createUpload({ name, type, load, cancel }, this.#settings, options);
  }

  /**
   * The user's unfinished uploads to this destination, without streams, and the folders whose upload was interrupted in
   * this browser: their `filename` ends with a slash, and `folders()` resumes them. While the backend cannot be reached, those that
   * this browser remembers. Rejects with ApiError when the backend refuses.
   */
  async unfinished(signal: AbortSignal = new AbortController().signal): Promise<Unfinished[]> {
    const { journal } = this.#api.environment;
    const all = await journal.list();
    const remembered = all.filter((entry) => entry.destination === this.destination);
    try {
      const uploads = await this.#api.list({ state: "uploading", destination: this.destination }, signal);
      const handles = new Map(remembered.map(({ id, handle }) => [id, handle]));
      const known = new Set(uploads.map(({ id }) => id));
      const folders = remembered.filter(({ folder }) => folder);
      for (const entry of remembered)
        if (!known.has(entry.id) && !entry.folder) void journal.forget(entry.id);
      return [
        ...folders,
        ...uploads.filter(hasSize).map((upload) => entryOf(upload, handles.get(upload.id))),
      ];
    } catch (error) {
      if (error instanceof NetworkError) return remembered;
      throw error;
    }
  }

  /**
   * Resumes an unfinished upload with its file, or with the handle that this browser has kept. Without a file, call it in
   * a click: the browser may ask for permission. Rejects with FileError when the file is another one or cannot be read,
   * with ConfigurationError when there is neither file nor handle.
   */
  async resume(unfinished: Unfinished, file?: Blob, options: UploadOptions = {}): Promise<Upload> {
    const { handle = file ? undefined : unfinished.handle } = options;
    const given = file ?? (handle && (await reopenFile(handle)));
    if (!given) throw new ConfigurationError("This browser has kept no handle of the file: pass the file.");
    const source = new Source(given, options.filename);
    if (!(await isFileOf(unfinished, source))) throw otherFile(source.name, unfinished.filename);
    const settings = { ...this.#settings, resumeId: unfinished.id };
    return createUpload(given, settings, { ...options, ...(handle && { handle }) });
  }

  /** Uploads of whole folders. Rejects with NetworkError when their code cannot be loaded. */
  async folders(): Promise<Folders> {
    try {
      return (await import("./folders.ts")).createFolders(this, this.#api);
    } catch (cause) {
      throw new NetworkError("code_unreachable", { cause });
    }
  }

  /** Aborts an unfinished upload, at the backend and at OSS. Rejects with NetworkError or ApiError. */
  async discard(unfinished: Unfinished, signal: AbortSignal = new AbortController().signal): Promise<void> {
    if (unfinished.folder) return (await this.folders()).discard(unfinished.filename.slice(0, -1));
    await this.#api.abort(unfinished.id, signal);
    void this.#api.environment.journal.forget(unfinished.id);
  }
}

/** A stream cannot be resumed: its bytes are gone. */
function hasSize(upload: RemoteUpload): upload is RemoteUpload & { size: number } {
  return upload.size !== null;
}

/** Other clients send no fingerprint; name and size decide then. */
async function isFileOf(unfinished: Unfinished, source: Source): Promise<boolean> {
  if (source.size !== unfinished.size) return false;
  // That of a small file of a folder says nothing of its bytes.
  if (!unfinished.fingerprint?.startsWith("v1-")) return source.name === unfinished.filename;
  return (await fingerprintOf(source)) === unfinished.fingerprint;
}
