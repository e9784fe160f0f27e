// A source of unknown size: a generated file. live-stream.ts has those that cannot wait, such as recordings.
// It reads only as far as parts are being sent, and keeps no part that has arrived.

import type { RemoteUpload } from "./api.ts";
import type { UploadError } from "./errors.ts";
import { importLate } from "./late.ts";
import type { StreamOptions } from "./options.ts";
import type { DonePart, Plan } from "./parts.ts";
import type { Environment } from "./ports.ts";
import type { EndedEarly, StreamGrowth } from "./progress.ts";
import { type Range, Source, type SourcePorts } from "./source.ts";
import { streamBroken } from "./stream-broken.ts";
import { Ledger, rangeOf, streamPlan } from "./transfer.ts"; // It comes with it: no chunk more to load.

/** What `uploadStream` takes from a stream. Text is encoded as UTF-8. */
export type StreamChunk = Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | string;

/** Why a stream cannot be resumed after an abort that the backend refused. */
const CANCELLED = "The stream ended when the upload was aborted.";
/** Why a stream fails that another page has completed. */
const KEPT_ELSEWHERE = "Its beginning was kept elsewhere, while this page still had more of it.";
/** Parts ahead for which URLs may be signed. */
const LOOK_AHEAD = 16;

/** Where the bytes of a stream come from. */
export interface Feed {
  /** Called before `next`. `count` is told of bytes that the stream has given. */
  begin(remote: RemoteUpload, ports: SourcePorts, count: (bytes: number) => void): void;
  /** The next bytes; null at the end. Rejects when the stream is broken. */
  next(): Promise<Blob | null>;
  /** OSS has the bytes before `from`. */
  release(from: number): void;
  cancel(reason: unknown): Promise<void>;
  /** Frees what it has stored, once the upload has ended. */
  dispose(): Promise<void>;
  readonly endedEarly: EndedEarly | null;
}

/** Reads a stream only as far as parts are being sent. */
export class PatientFeed implements Feed {
  readonly #reader: ReadableStreamDefaultReader<StreamChunk>;
  readonly endedEarly = null;
  #count = (_bytes: number) => {};

  constructor(stream: ReadableStream<StreamChunk>) {
    this.#reader = stream.getReader();
  }

  begin(_remote: RemoteUpload, _ports: SourcePorts, count: (bytes: number) => void): void {
    this.#count = count;
  }

  async next(): Promise<Blob | null> {
    const { done, value } = await this.#reader.read();
    if (done) return null;
    const blob = new Blob([value]);
    this.#count(blob.size);
    return blob;
  }

  release(): void {}

  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }

  async dispose(): Promise<void> {}
}

/** Rejects while code cannot be loaded. */
export async function openStream(
  stream: ReadableStream<StreamChunk>,
  { filename = "", type = "", live }: StreamOptions,
  { streamStore }: Pick<Environment, "streamStore">,
): Promise<StreamSource> {
  if (!live) return new StreamSource(new PatientFeed(stream), filename, type);
  const LiveFeed = await importLate(() => import("./live-stream.ts"), "LiveFeed");
  return new StreamSource(new LiveFeed(stream, (await streamStore?.()) ?? null), filename, type);
}

export class StreamSource extends Source {
  /** Parts that have been read and have not arrived, by their first byte. */
  #held = new Map<number, Blob>();
  #buffered: Blob[] = [];
  #bufferedSize = 0;
  #exhausted = false;
  /** Whether it was cancelled before its end: what is left of it is not the whole. */
  #isCancelled = false;
  #turn: Promise<unknown> = Promise.resolve();
  #bytesTaken = 0;
  /** Bytes that the stream has given, and when: at first, and at last. */
  #given = { bytes: 0, firstBytes: 0, firstAt: 0, lastAt: 0 };
  #lock: Promise<(() => void) | null> | null = null;
  /** Bytes that it may have. */
  #limit: number | null = null;

  constructor(
    readonly feed: Feed,
    name: string,
    type: string,
  ) {
    super(new Blob([], { type }), name);
  }

  override begin(remote: RemoteUpload, ports: SourcePorts): void {
    const given = this.#given;
    const { locks, clock } = ports.api.environment;
    // No other page may keep a stream whose page lives, although it is paused or has failed: the page has more of it.
    this.#lock ??= locks.acquire(remote.id, false, new AbortController().signal);
    this.#limit = remote.size_limit ?? null;
    this.feed.begin(remote, ports, (bytes) => {
      given.lastAt = clock.now();
      if (given.bytes === 0) Object.assign(given, { firstBytes: bytes, firstAt: given.lastAt });
      given.bytes += bytes;
    });
  }

  override get isStream(): boolean {
    return true;
  }

  override ledger({ part_size }: { part_size: number }): Ledger {
    return new StreamLedger(streamPlan(part_size), this);
  }

  /** Bytes cut into parts so far; the size, once the stream has ended. */
  override get bytesTaken(): number {
    return this.#bytesTaken;
  }

  override get bytesKept(): number {
    return Math.min(this.#bytesTaken, ...this.#held.keys());
  }

  override ending(): { size: number } {
    return { size: this.#bytesTaken };
  }

  override shortfall({ size }: RemoteUpload): UploadError | null {
    return this.ended && size === this.#bytesTaken ? null : streamBroken(KEPT_ELSEWHERE);
  }

  /** Whether the limit leaves room for a part. The backend refuses to sign one beyond it. */
  mayBegin({ start }: Range): boolean {
    return this.#limit === null || start < this.#limit;
  }

  override growth(): StreamGrowth {
    const { endedEarly } = this.feed;
    return { ...this.#room(), ...(endedEarly && { endedEarly }) };
  }

  #room(): StreamGrowth {
    if (this.#limit === null || this.ended) return {};
    const { bytes, firstBytes, firstAt, lastAt } = this.#given;
    const bytesLeft = Math.max(0, this.#limit - bytes);
    const rate = (bytes - firstBytes) / (lastAt - firstAt || 1);
    return { room: { bytesLeft, secondsLeft: rate > 0 ? bytesLeft / rate / 1000 : null } };
  }

  /** Whether all of the stream has been cut into parts. */
  get ended(): boolean {
    return this.#exhausted && this.#bufferedSize === 0;
  }

  override slice({ start, end }: Range): Blob {
    const held = this.#held.get(start);
    if (!held) throw streamBroken(`The part at byte ${start} must be sent again, but is no longer held.`);
    return held.slice(0, end - start);
  }

  override holds({ start }: Range): boolean {
    return this.#held.has(start);
  }

  override async assertReadable(): Promise<void> {}

  /**
   * Cuts off the next part, one at a time, and gives its number; undefined at the end of the stream or when aborted. An
   * empty stream is one empty part. `next` is asked for the number when it is this call's turn.
   */
  cut(plan: Plan, next: () => number, signal: AbortSignal): Promise<number | undefined> {
    const cut = this.#turn
      .catch(() => {})
      .then(async () => {
        if (signal.aborted) return undefined;
        if (this.#isCancelled) throw streamBroken(CANCELLED);
        const number = next();
        return (await this.#fill(rangeOf(plan, number), number === 1)) ? number : undefined;
      });
    this.#turn = cut;
    return cut;
  }

  async #fill({ start, end }: Range, first: boolean): Promise<boolean> {
    const wanted = end - start;
    while (!this.#exhausted && this.#bufferedSize < wanted) await this.#read();
    if (this.#bufferedSize === 0 && !first) return false;
    const all = new Blob(this.#buffered);
    const part = all.slice(0, wanted);
    this.#buffered = all.size > part.size ? [all.slice(part.size)] : [];
    this.#bufferedSize = all.size - part.size;
    this.#held.set(start, part);
    this.#bytesTaken += part.size;
    return true;
  }

  async #read(): Promise<void> {
    const blob = await this.feed.next().catch((error: unknown) => {
      throw streamBroken(error);
    });
    if (this.#isCancelled) throw streamBroken(CANCELLED); // A cancelled stream reads as one that has ended.
    if (blob) {
      this.#buffered.push(blob);
      this.#bufferedSize += blob.size;
    } else this.#exhausted = true;
  }

  override release({ start }: Range): void {
    this.#held.delete(start);
    this.feed.release(this.bytesKept);
  }

  override async cancel(reason: unknown): Promise<void> {
    this.#isCancelled ||= !this.ended;
    this.#held.clear();
    this.#buffered = [];
    await this.feed.cancel(reason).catch(() => {});
  }

  override async dispose(): Promise<void> {
    (await this.#lock)?.();
    await this.feed.dispose();
  }
}

/** The parts of a stream: those that were started, and the next. */
export class StreamLedger extends Ledger {
  #next = 1;
  #again: number[] = [];

  constructor(
    override readonly plan: Plan,
    readonly source: StreamSource,
  ) {
    super({ ...plan, size: 0, partCount: 0 });
  }

  /** Parts to be sent again, and the few that come next. */
  override get waiting(): readonly number[] {
    const ahead = Array.from({ length: LOOK_AHEAD }, (_, index) => this.#next + index);
    return [...this.#again, ...ahead.filter((number) => this.source.mayBegin(rangeOf(this.plan, number)))];
  }

  override get complete(): boolean {
    return this.source.ended && this.doneCount === this.#next - 1;
  }

  /** A part that was started and is not held is sent again; its bytes are still here. */
  override load(held: readonly DonePart[]): void {
    const started = held.filter(({ number }) => number < this.#next);
    this.replaceDone(started);
    const done = new Set(started.map(({ number }) => number));
    this.#again = Array.from({ length: this.#next - 1 }, (_, index) => index + 1).filter(
      (number) => !done.has(number),
    );
  }

  override async next(signal: AbortSignal): Promise<number | undefined> {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const number = await this.source.cut(this.plan, () => this.#next, signal);
    if (number === undefined) return signal.aborted ? undefined : this.#again.shift();
    this.#next = number + 1;
    return number;
  }

  override putBack(number: number): void {
    this.#again.push(number);
    this.#again.sort((a, b) => a - b);
  }
}
