// The door of the engine: uploads of one page to one destination.
// Its one rule: options are checked here, in words; what this release cannot do is refused, never ignored.

import { browserWorld } from "../browser/browser.ts";
import { openAgain } from "../browser/handles.ts";
import { Api, type HeadersOption } from "./api.ts";
import { ConfigurationError, NetworkError, otherFile } from "./errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { entryOf } from "./journal.ts";
import type { JournalEntry, World } from "./ports.ts";
import { Queue } from "./queue.ts";
import { Slots } from "./slots.ts";
import { Source } from "./source.ts";
import type { Bytes } from "./stream.ts";
import { Upload, type UploadOptions, type UploadPorts } from "./upload.ts";

export interface UploaderOptions {
  /** Where the backend's API lives. */
  readonly api?: string;
  /** A place that the backend names in its settings. */
  readonly destination?: string;
  /** Parts of one file in flight at once, 1 to 6: a browser opens no more connections to one host. */
  readonly parallel?: number;
  readonly signing?: "url" | "sts";
  readonly integrity?: "crc64" | "md5" | "none";
  /** Bytes up to which a file is begun and completed together with others, a hundred in a call; -1: never. */
  readonly small?: number;
  /** Sent with every call to the backend, a token for example. */
  readonly headers?: HeadersOption;
}

export interface StreamOptions extends UploadOptions {
  /** The media type, `video/webm` for example. */
  readonly type?: string;
}

/** An upload to take up again, as it was last known. */
export type Unfinished = JournalEntry;

/** Files under way at once; the others are queued. Each has its own lanes, and connections are few. */
const FILES = 2;
const MOST_LANES = 6;
/** Less than the backend would ever cut into parts. */
const SMALL = 256 * 1024;

export class OssUploader {
  readonly destination: string;
  readonly #api: Api;
  readonly #ports: UploadPorts;

  constructor(options: UploaderOptions = {}, world: World = browserWorld()) {
    const {
      api = "/api/",
      destination = "default",
      parallel = 4,
      signing = "url",
      integrity = "crc64",
      small = SMALL,
    } = options;
    refuseUnless("parallel", parallel, [1, 2, 3, 4, 5, MOST_LANES]);
    refuseUnless("signing", signing, ["url", "sts"]);
    refuseUnless("integrity", integrity, ["crc64", "md5", "none"]);
    this.destination = destination;
    this.#api = new Api(world, api.endsWith("/") ? api : `${api}/`, options.headers);
    this.#ports = {
      api: this.#api,
      queue: new Queue(FILES),
      destination,
      lanes: parallel,
      small,
      signing,
      integrity,
      slots: new Slots(MOST_LANES),
    };
  }

  /** Starts at once, or queues. A file that was begun before, here or elsewhere, is gone on with. */
  upload(file: Blob, options: UploadOptions = {}): Upload {
    return new Upload(file, this.#ports, options);
  }

  /**
   * Uploads a stream of bytes, Blobs or text while it is being made: no more of it is read than is under way. Its end
   * completes the upload; a page that goes away before has nothing to take up.
   */
  uploadStream(stream: ReadableStream<Bytes>, options: StreamOptions = {}): Upload {
    const { filename: name = "recording", type = "" } = options;
    const load = async () => new (await import("./stream.ts")).StreamSource(stream, name, type);
    const cancel = (reason: unknown) => stream.cancel(reason).catch(() => {}); // or is being read already
    return new Upload({ name, type, load, cancel }, this.#ports, options);
  }

  /** Uploads to take up again. Without the backend, what this browser remembers. */
  async unfinished(signal: AbortSignal = new AbortController().signal): Promise<Unfinished[]> {
    const { journal } = this.#api.world;
    const all = await journal.list();
    const remembered = all.filter((entry) => entry.destination === this.destination);
    try {
      const uploads = await this.#api.list({ state: "uploading", destination: this.destination }, signal);
      const handles = new Map(remembered.map(({ id, handle }) => [id, handle]));
      const known = new Set(uploads.map(({ id }) => id));
      for (const { id } of remembered) if (!known.has(id)) void journal.forget(id);
      // Of a stream nothing is left that could be sent.
      const whole = uploads.filter(({ size }) => size !== null);
      return whole.map((upload) => entryOf(upload, handles.get(upload.id)));
    } catch (error) {
      if (error instanceof NetworkError) return remembered;
      throw error;
    }
  }

  /**
   * Takes up an unfinished upload with its file, or by its handle; rejects when it is another file. Without a file it is
   * to be called in a click: the browser may have to ask the person.
   */
  async resume(unfinished: Unfinished, file?: Blob, options: UploadOptions = {}): Promise<Upload> {
    const { handle = file ? undefined : unfinished.handle } = options;
    const given = file ?? (handle && (await openAgain(handle)));
    if (!given) throw new ConfigurationError("This browser has kept no way to the file: give it.");
    const source = new Source(given, options.filename);
    if (!(await isFileOf(unfinished, source))) throw otherFile(source.name, unfinished.filename);
    const known = { ...options, ...(handle && { handle }) };
    return new Upload(given, { ...this.#ports, takeUp: unfinished.id }, known);
  }

  /** Discards an unfinished upload, here and at the storage. */
  async discard(unfinished: Unfinished, signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#api.abort(unfinished.id, signal);
    void this.#api.world.journal.forget(unfinished.id);
  }
}

/** An upload begun by another client may carry no fingerprint; name and size have to do then. */
async function isFileOf(unfinished: Unfinished, source: Source): Promise<boolean> {
  if (source.size !== unfinished.size) return false;
  if (!unfinished.fingerprint) return source.name === unfinished.filename;
  return (await fingerprintOf(source)) === unfinished.fingerprint;
}

function refuseUnless<T>(option: string, value: T, supported: readonly T[]): void {
  if (supported.includes(value)) return;
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  throw new ConfigurationError(`${option}: ${JSON.stringify(value)} is not supported; supported: ${list}.`);
}
