// What happens before the first part is sent: fingerprint, lock of the file among tabs, and the upload at the backend.
// Creating is one idempotent call that also finds an unfinished upload of the same file. Parts that OSS holds are kept.

import type { RemoteUpload } from "./api.ts";
import { codeUnreachable, fileChanged, LoginError, UploadError } from "./errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { entryOf } from "./journal.ts";
import { importLate } from "./late.ts";
import type { ObjectOptions } from "./options.ts";
import { abortable, NEVER } from "./promises.ts";
import { MAX_ATTEMPTS, makeRetry, type Retry } from "./retry.ts";
import type { Arrival } from "./sender.ts";
import { Source } from "./source.ts";
import { TabLock } from "./tab-lock.ts";
import type { Transfer, TransferPorts, TransferSettings } from "./transfer.ts";
import type { Waiting } from "./waiting.ts";

/** A stream, whose code is loaded when its upload starts. */
export interface LazySource {
  readonly name: string;
  readonly type: string;
  /** Rejects with the signal's reason, or as calls do. */
  load(signal: AbortSignal): Promise<Source>;
  cancel(reason: unknown): Promise<void>;
}

export interface PreparationSettings extends TransferSettings {
  readonly destination: string;
  /** Bytes up to which a file is created and completed in batch calls; -1: never. */
  readonly small: number;
  /** The id of the upload to resume, where it is known. */
  readonly resumeId?: string;
  readonly partSize?: number;
  readonly options?: ObjectOptions;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface PreparationPorts {
  readonly filename: string | undefined;
  /** Recorded in the journal with the upload. */
  readonly handle: FileSystemFileHandle | undefined;
  readonly waiting: Waiting;
  readonly retry: Retry;
  onprogress(): void;
  onpart(arrival: Arrival): void;
}

/** A file that is opened again, and the upload that has parts of it. */
type Reopening = { readonly id: string | null; readonly isOther: boolean };

/** A small file's share of a place in the queue, so that batch calls are full. */
const SMALL_SHARE = 1 / 150;

export class Preparation {
  #source: Source;
  readonly #lazy: LazySource | null;
  /** Null while it is unknown, for small files and streams, and where the browser cannot hash. */
  #fingerprint: string | null = null;
  readonly #lock: TabLock;
  /** The upload to resume, where it is known. */
  #resumeId: string | undefined;
  #reopening: Reopening | null = null;
  /** Whether an abort has ended the stream. The backend may have refused to abort the upload. */
  #isCancelled = false;
  /** Whether the upload has ended; the journal must not record it again. */
  #forgotten = false;

  constructor(
    readonly settings: PreparationSettings,
    file: Blob | LazySource,
    readonly ports: PreparationPorts,
  ) {
    const isFile = file instanceof Blob;
    this.#lock = new TabLock(settings, ports);
    this.#resumeId = settings.resumeId;
    this.#lazy = isFile ? null : file;
    this.#source = new Source(isFile ? file : new Blob([], file), isFile ? ports.filename : file.name);
  }

  get file(): Blob {
    return this.#source.blob;
  }

  get filename(): string {
    return this.#source.name;
  }

  get isStream(): boolean {
    return this.#lazy !== null;
  }

  /** Whether the file goes in one request, and is created and completed in batch calls. */
  get isSmall(): boolean {
    return !this.isStream && this.#source.size <= this.settings.small;
  }

  /** Of a place in the queue. */
  get share(): number {
    return this.isSmall ? SMALL_SHARE : 1;
  }

  /** Waits for other tabs. Resolves with the upload if another tab has completed it meanwhile. */
  async lock(signal: AbortSignal): Promise<RemoteUpload | null> {
    const lazy = this.#lazy;
    // The page of a stream that is kept may still send it.
    if (lazy && this.#resumeId) await this.#lock.take(this.#resumeId, signal);
    if (lazy && !this.#source.isStream) this.#source = await this.#load(() => lazy.load(signal), signal);
    if (this.#isCancelled) await this.#source.cancel(null); // It was loaded after the abort.
    signal.throwIfAborted();
    if (this.#reopening) await this.#reopen(this.#reopening, signal);
    if (this.isStream || this.isSmall) return null;
    this.#fingerprint ??= await this.#fingerprintOf();
    return this.#fingerprint ? this.#lock.takeFile(this.#fingerprint, signal) : null;
  }

  /** Lets the next tab upload this file, or keep this stream. */
  unlock(): void {
    this.#lock.release();
  }

  /** Finds the unfinished upload of this file, or creates one. */
  async open(signal: AbortSignal): Promise<Transfer> {
    // The code that sends parts is loaded with the first file, so that a page without uploads loads half as much.
    const code = () => import("./transfer.ts");
    const load = () =>
      Promise.all([
        importLate(code, "Opening"),
        importLate(code, "Transfer"),
        this.isSmall ? undefined : importLate(() => import("./pace.ts"), "makePace"),
      ]);
    const [Opening, Transfer, makePace] = await this.#load(load, signal);
    const transferOf = (remote: RemoteUpload) => new Transfer(remote, this.#transferPorts(remote), makePace);
    const key = crypto.randomUUID?.() ?? String(Math.random());
    this.#source.forget(); // The file may be another one since a pause.
    const opening = new Opening(this.settings, {
      source: this.#source,
      isSmall: this.isSmall,
      fingerprint: this.#fingerprint,
      resumeId: this.#resumeId,
      transferOf,
    });
    const transfer = await this.ports.retry(() => opening.open(key, signal), signal);
    this.#record(transfer.remote, transfer.ledger.doneBytes);
    return transfer;
  }

  /** Removes the upload, which has ended, from the journal. */
  forget(id: string | null): void {
    this.#forgotten = true;
    void this.#source.dispose?.();
    if (id) void this.settings.api.environment.journal.forget(id);
  }

  #record(remote: RemoteUpload, bytesDone: number): void {
    if (this.#forgotten || this.isSmall) return;
    const size = this.#source.bytesKept;
    const entry = entryOf({ ...remote, size, bytes_done: bytesDone }, this.ports.handle);
    const stream = this.isStream && { stream: true as const };
    void this.settings.api.environment.journal.record({ ...entry, ...stream });
  }

  /**
   * Rejects with FileError when size, date or samples differ. Browsers that notice a change notice no more than size and
   * date. The date of a `File` is that of the moment when it was chosen; a handle shows that of now.
   */
  async assertUnchanged(): Promise<void> {
    const known = this.#fingerprint;
    if (!known) return;
    const { size, lastModified } = this.#source;
    const fresh = await this.ports.handle?.getFile().catch(() => null); // Reading the samples shows why.
    const isOther = fresh && (fresh.size !== size || fresh.lastModified !== lastModified);
    if (isOther || (await this.#fingerprintOf()) !== known) throw fileChanged(this.filename);
  }

  /** Without checksums a file of another date is another file. */
  #fingerprintOf(source = this.#source): Promise<string | null> {
    return fingerprintOf(source, this.settings.integrity === "none");
  }

  /**
   * The file could not be read, or `isOther`: its bytes are others. The next `lock` opens it again; `open` resumes the
   * upload `id` where the file is the same as before, and replaces it otherwise.
   */
  reopen(id: string | null, isOther: boolean): void {
    this.#reopening = { id, isOther };
  }

  async #reopen({ id, isOther }: Reopening, signal: AbortSignal): Promise<void> {
    const fresh = await this.ports.handle?.getFile().catch(() => null); // Reading the old file shows why.
    const source = new Source(fresh ?? this.file, this.filename);
    const fingerprint = this.isSmall ? null : await this.#fingerprintOf(source);
    const isSame = id !== null && !isOther && fingerprint === this.#fingerprint;
    // If it fails, the upload expires, or its parts are compared with the file. After a login it is tried again.
    if (id && !isSame) await this.discard(id, signal, (error) => error instanceof LoginError);
    signal.throwIfAborted();
    this.#source = source;
    this.#fingerprint = fingerprint;
    this.#resumeId = isSame ? id : undefined;
    this.#reopening = null;
  }

  /** Aborts the upload at the backend and at OSS. Whoever aborts learns soon that the backend does not answer. */
  async abort(id: string, signal: AbortSignal): Promise<void> {
    const { limits, api } = this.settings;
    const ports = { connection: api.environment.connection, waiting: this.ports.waiting };
    const retry = makeRetry(ports, { attempts: MAX_ATTEMPTS, ...limits });
    await retry(() => api.abort(id, NEVER), signal);
  }

  /**
   * Aborts an upload that another one of the same file replaces. Rejects with the signal's reason and with the errors that
   * `matters` names. After another error the upload is left to the sweep.
   */
  async discard(id: string, signal: AbortSignal, matters: (error: unknown) => boolean): Promise<void> {
    await this.abort(id, signal).catch((error: unknown) => {
      if (signal.aborted || matters(error)) throw error;
    });
    void this.settings.api.environment.journal.forget(id);
  }

  /** Frees the stream. */
  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    if (this.#source.isStream) await this.#source.cancel(reason);
    else await this.#lazy?.cancel(reason);
  }

  #transferPorts(remote: RemoteUpload): TransferPorts {
    const oncheckpoint = (bytesDone: number) => this.#record(remote, bytesDone);
    const { isSmall } = this;
    return { ...this.settings, ...this.ports, source: this.#source, isSmall, load: this.#load, oncheckpoint };
  }

  /** Loads a chunk of our code, and retries like any other request. */
  readonly #load = <T>(load: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const attempt = () =>
      abortable(load(), signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        if (cause instanceof UploadError) throw cause;
        return codeUnreachable(cause);
      });
    return this.ports.retry(attempt, signal);
  };
}
