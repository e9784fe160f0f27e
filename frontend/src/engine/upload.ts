// One file on its way to the storage, as the page sees it.
// Its one rule: `state` is written in #move alone, by the table; everything else follows from the state.

import { aborting } from "./aborting.ts";
import { Alone } from "./alone.ts";
import type { Api, RemoteUpload } from "./api.ts";
import { deferred } from "./deferred.ts";
import {
  AbortedError,
  ApiError,
  asUploadError,
  fileChanged,
  isGone,
  NetworkError,
  type UploadError,
} from "./errors.ts";
import {
  type Notice,
  NoticeEvent,
  StateChangeEvent,
  UploadEventTarget,
  UploadProgressEvent,
} from "./events.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { entryOf } from "./journal.ts";
import { open } from "./opening.ts";
import type { Progress } from "./progress.ts";
import type { Queue } from "./queue.ts";
import { type Patience, persist } from "./retry.ts";
import type { Facts, NoticeName } from "./sentences.ts";
import { FIRST_BATCH } from "./signer.ts";
import type { Slots } from "./slots.ts";
import { type LaterSource, Source } from "./source.ts";
import { type Event, isActive, isOver, next, type State } from "./states.ts";
import type { Integrity, Signing, Transfer, TransferPorts } from "./transfer.ts";

export interface UploadPorts {
  readonly api: Api;
  readonly queue: Queue;
  readonly destination: string;
  readonly lanes: number;
  /** Bytes up to which a file is small. */
  readonly small: number;
  readonly integrity: Integrity;
  readonly signing: Signing;
  /** Requests to the storage at once, of all uploads together. */
  readonly slots: Slots;
  /** The id of the upload to go on with, where the page knows it. */
  readonly takeUp?: string;
}

export interface UploadOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** The name under which to upload a Blob, which has none of its own. */
  readonly filename?: string;
  /** Kept until the upload has ended: by it `resume` opens the file again without anybody choosing it. */
  readonly handle?: FileSystemFileHandle;
}

/** Progress is told at most so often; people see no more, and listeners cost time. */
const TELL_EVERY = 100;
/** How often parts that the storage turns out to lack are sent again. */
const ROUNDS = 5;
/** Of a place in the queue: so many are under way that each call to the backend is worth it. */
const SHARE = 1 / 150;
const NEVER = new AbortController().signal;

export class Upload extends UploadEventTarget {
  readonly file: Blob;
  readonly filename: string;
  #source: Source;
  /** Of a stream, whose code is loaded when there is one. */
  readonly #later: LaterSource | null;
  #state: State = "queued";
  #error: UploadError | null = null;
  #notice: Notice | null = null;
  #transfer: Transfer | null = null;
  /** As it was completed, perhaps by another tab. */
  #ended: RemoteUpload | null = null;
  /** How far it was when it ended. */
  #last: Progress | null = null;
  /** Whether what the storage holds must be asked before going on. */
  #doubtful = false;
  /** Under which other tabs know this file. */
  #fingerprint: string | null = null;
  readonly #alone: Alone;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #done = deferred<RemoteUpload>();
  #toldProgressAt = Number.NEGATIVE_INFINITY;

  constructor(
    file: Blob | LaterSource,
    readonly ports: UploadPorts,
    readonly options: UploadOptions = {},
  ) {
    super();
    const given = file instanceof Blob ? file : new Blob([], file);
    this.#source = new Source(given, file instanceof Blob ? options.filename : file.name);
    this.#later = file instanceof Blob ? null : file;
    this.file = this.#source.blob;
    this.filename = this.#source.name;
    const { api, destination } = ports;
    this.#alone = new Alone({ api, destination, patience: (signal) => this.#patience(signal) });
    ports.queue.enter(this);
  }

  /** Whether its size was known from the start: not of a stream. */
  get sized(): boolean {
    return this.#later === null;
  }

  /** Goes in one request, and is begun and completed together with others. */
  get #small(): boolean {
    return this.sized && this.#source.size <= this.ports.small;
  }

  get weight(): number {
    return this.#small ? SHARE : 1;
  }

  get state(): State {
    return this.#state;
  }

  /** The backend's id, once it knows the upload. */
  get id(): string | null {
    return this.#ended?.id ?? this.#transfer?.remote.id ?? null;
  }

  get error(): UploadError | null {
    return this.#error;
  }

  /** What is going on while nothing seems to. */
  get notice(): Notice | null {
    return this.#notice;
  }

  get progress(): Progress {
    const untouched = { loaded: 0, total: this.file.size, ratio: 0, speed: null, eta: null };
    return this.#transfer?.meter.read() ?? this.#last ?? untouched;
  }

  /** The completed upload. Rejects when it fails or is discarded; after `resume()` of a failed one it is a new promise. */
  get done(): Promise<RemoteUpload> {
    return this.#done.promise;
  }

  /** Stops every request at once; finished parts are kept. Does nothing when already paused. */
  pause(): void {
    if (this.#state === "paused") return;
    this.#move("pause");
    this.#halt();
    // The record is for other devices and the list of unfinished uploads; the storage knows in any case.
    this.#transfer?.report(NEVER).catch(() => {});
  }

  /** Goes on after a pause or a failure. Does nothing when already under way. */
  resume(): void {
    if (this.#state === "queued" || isActive(this.#state)) return;
    if (this.#state === "failed") this.#done = deferred();
    this.#move("resume");
    // A part that was cut off may have arrived all the same: one question costs less than sending it again.
    this.#doubtful = true;
    this.ports.queue.enter(this);
  }

  /** Discards the upload, here and at the storage. */
  async abort(): Promise<void> {
    if (this.#state === "aborted" || this.#state === "aborting") return;
    this.#move("abort");
    this.#halt();
    await this.#giveUp();
    await this.#running;
    if (isOver(this.#state)) return; // Its end was under way, and came first.
    try {
      const { id } = this;
      if (id) await persist(() => this.ports.api.abort(id, NEVER), this.#patience(NEVER));
      this.#vanish(new AbortedError());
    } catch (error) {
      await this.#settle(error, NEVER);
      if (this.#error) throw this.#error;
    }
  }

  /** Called by the queue when there is room. */
  begin(): void {
    this.#move("begin");
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#running = this.#running.then(() => this.#run(signal));
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      const ended = await this.#prepare(signal);
      if (ended) return this.#finish(ended);
      const transfer = this.#transfer as Transfer;
      this.#move("start");
      this.#tellProgress(true);
      this.#finish(await this.#sendAll(transfer, signal));
    } catch (error) {
      // Whoever stopped us has already said what is to become of the upload.
      if (!signal.aborted) await this.#settle(error, signal);
    }
  }

  /** Finds the upload that was begun with this file, or begins one; gives it where another tab has completed it. */
  async #prepare(signal: AbortSignal): Promise<RemoteUpload | null> {
    const later = this.#later;
    if (later && !this.#source.isStream) this.#source = await this.#load(() => later.load(), signal);
    signal.throwIfAborted();
    if (this.sized && !this.#small) this.#fingerprint ??= await fingerprintOf(this.#source);
    const ended = this.#fingerprint && (await this.#alone.take(this.#fingerprint, signal));
    if (ended) return ended;
    const begun = this.#transfer;
    const transfer = begun ?? (await this.#open(this.#fingerprint, signal));
    this.#transfer = transfer;
    if (!begun) this.#record(transfer.ledger.doneBytes);
    signal.throwIfAborted();
    if (this.#doubtful) await persist(() => transfer.inspect(signal), this.#patience(signal));
    this.#doubtful = false;
    return null;
  }

  async #open(fingerprint: string | null, signal: AbortSignal): Promise<Transfer> {
    const { api, destination, takeUp } = this.ports;
    // What sends parts is loaded when there is a file: a page that only might upload waits for half as much.
    const { Transfer } = await this.#load(() => import("./transfer.ts"), signal);
    const transferOf = (remote: RemoteUpload) => new Transfer(remote, this.#transferPorts());
    const metadata = this.options.metadata ?? {};
    const sign = this.#firstBatch();
    const small = this.#small;
    const key = crypto.randomUUID?.() ?? String(Math.random());
    const ports = { api, source: this.#source, destination, takeUp, metadata, transferOf, sign, small, key };
    return persist(() => open(ports, fingerprint, signal), this.#patience(signal));
  }

  /** Code that is loaded when it is needed; a line that is dead just then is tried again. */
  #load<T>(load: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const attempt = () =>
      aborting(load(), signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new NetworkError("code_unreachable", { cause });
      });
    return persist(attempt, this.#patience(signal));
  }

  /** Of a stream nobody wants the rest. */
  async #giveUp(): Promise<void> {
    const reason = new AbortedError();
    if (this.#source.isStream) await this.#source.cancel(reason);
    else await this.#later?.cancel(reason);
  }

  /** With MD5 bytes are hashed before their URLs are asked for; one that signs itself learns where from one alone. */
  #firstBatch(): number {
    const { signing, integrity } = this.ports;
    if (integrity === "md5") return 0;
    return signing === "sts" ? 1 : FIRST_BATCH;
  }

  #transferPorts(): TransferPorts {
    return {
      api: this.ports.api,
      source: this.#source,
      lanes: this.ports.lanes,
      integrity: this.ports.integrity,
      signing: this.ports.signing,
      small: this.#small,
      slots: this.ports.slots,
      tell: (notice, facts) => this.#tell(notice, facts),
      onprogress: () => this.#tellProgress(),
      ontold: (bytesDone) => this.#record(bytesDone),
    };
  }

  async #sendAll(transfer: Transfer, signal: AbortSignal): Promise<RemoteUpload> {
    for (let round = 1; ; round++) {
      await transfer.send(signal);
      await this.#assertUnchanged();
      signal.throwIfAborted();
      this.#tellProgress(true);
      this.#move("finish");
      const result = await transfer.complete(signal, round === ROUNDS);
      if (!Array.isArray(result)) return result;
      this.#move("miss");
    }
  }

  /** A browser notices a file that changes by its date and size; one that kept both is told by its samples. */
  async #assertUnchanged(): Promise<void> {
    const chosen = this.#fingerprint;
    if (chosen && (await fingerprintOf(this.#source)) !== chosen) throw fileChanged(this.filename);
  }

  #finish(result: RemoteUpload): void {
    void this.ports.api.world.journal.forget(result.id);
    this.#last = this.progress;
    this.#ended = result;
    this.#transfer = null; // of thousands that are over nothing more is held
    this.#move("complete");
    this.#done.resolve(result);
  }

  #vanish(error: AbortedError): void {
    if (this.id) void this.ports.api.world.journal.forget(this.id);
    this.#move("vanish");
    this.#done.reject(error);
  }

  /** What an error makes of the upload. When the upload itself is gone, the backend knows how it ended. */
  async #settle(thrown: unknown, signal: AbortSignal): Promise<void> {
    const error = asUploadError(thrown);
    const { id } = this;
    const ended = id && isGone(error) ? await this.#howItEnded(id, signal) : null;
    if (signal.aborted) return;
    if (ended === "aborted") {
      void this.#giveUp();
      this.#vanish(new AbortedError("aborted_elsewhere"));
    } else if (ended) this.#finish(ended);
    else {
      this.#error = error;
      this.#move("fail");
      this.#done.reject(error);
      this.#transfer?.report(NEVER).catch(() => {}); // as after a pause
    }
  }

  /** Null when the backend holds it to be unfinished, or does not say. */
  async #howItEnded(id: string, signal: AbortSignal): Promise<RemoteUpload | "aborted" | null> {
    try {
      const remote = await persist(() => this.ports.api.get(id, signal), this.#patience(signal));
      if (remote.state === "completed") return remote;
      return remote.state === "aborted" ? "aborted" : null;
    } catch (error) {
      return error instanceof ApiError && error.status === 404 ? "aborted" : null;
    }
  }

  #move(event: Event): void {
    const previous = this.#state;
    this.#state = next(previous, event);
    if (event !== "fail") this.#error = null;
    this.#tell(null);
    if (this.#state !== "queued" && !isActive(this.#state)) {
      this.ports.queue.leave(this);
      // While it is being discarded, another tab would take up what is about to vanish.
      if (this.#state !== "aborting") this.#alone.leave();
    }
    this.dispatchEvent(new StateChangeEvent(this.#state, previous, this.#error));
  }

  #halt(): void {
    this.#stop.abort(new AbortedError());
  }

  #tell(name: NoticeName | null, facts: Facts = {}): void {
    if (name === null && this.#notice === null) return;
    this.#notice = name && { name, facts };
    this.dispatchEvent(new NoticeEvent(this.#notice));
  }

  #tellProgress(always = false): void {
    const now = this.ports.api.world.clock.now();
    if (!always && now - this.#toldProgressAt < TELL_EVERY) return;
    this.#toldProgressAt = now;
    this.dispatchEvent(new UploadProgressEvent(this.progress));
  }

  #record(bytesDone: number): void {
    const remote = this.#transfer?.remote;
    if (!remote || this.#small || !this.sized) return;
    const entry = entryOf({ ...remote, bytes_done: bytesDone }, this.options.handle);
    void this.ports.api.world.journal.record(entry);
  }

  #patience(signal: AbortSignal): Patience {
    const { clock, connection } = this.ports.api.world;
    return { clock, connection, signal, tell: (notice, facts) => this.#tell(notice, facts) };
  }
}
