// A source of unknown size: a generated file. live-stream.ts has those that cannot wait, such as recordings.
// It reads only as far as parts are being sent, and keeps no part that has arrived.

import { reasonOf, textFields, UploadError } from "./errors.ts";
import {
  type DonePart,
  Ledger,
  type Plan,
  type Range,
  rangeOf,
  Source,
  type SourcePorts,
  streamPlan,
} from "./parts.ts";
import type { Clock } from "./ports.ts";
import type { StreamRoom } from "./progress.ts";

/** What `uploadStream` takes from a stream. Text is encoded as UTF-8. */
export type StreamChunk = Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | string;

/** The text of the error stream_broken. */
export const BROKEN = [
  "The recording was interrupted.",
  "{detail}",
  "Reload the page to keep what was uploaded, or start again.",
] as const;
/** Why a stream cannot be resumed after an abort that the backend refused. */
const CANCELLED = "The stream ended when the upload was aborted.";
/** Parts ahead for which URLs may be signed. */
const LOOK_AHEAD = 16;

export class StreamSource extends Source {
  protected readonly reader: ReadableStreamDefaultReader<StreamChunk>;
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
  #bytesRead = 0;
  #firstSize = 0;
  #firstAt = 0;
  #lastAt = 0;
  #clock: Clock | null = null;
  /** Bytes that it may have. */
  #limit: number | null = null;

  constructor(stream: ReadableStream<StreamChunk>, name: string, type: string) {
    super(new Blob([], { type }), name);
    this.reader = stream.getReader();
  }

  override begin({ clock, remote }: SourcePorts): void {
    this.#clock = clock;
    this.#limit = remote.size_limit ?? null;
  }

  override get isStream(): boolean {
    return true;
  }

  override plan({ part_size }: { part_size: number }): Plan {
    return streamPlan(part_size);
  }

  override ledger(plan: Plan): Ledger {
    return new StreamLedger(plan, this);
  }

  /** Bytes cut into parts so far; the size, once the stream has ended. */
  override get bytesTaken(): number {
    return this.#bytesTaken;
  }

  override get ending(): { size: number } {
    return { size: this.#bytesTaken };
  }

  override get room(): StreamRoom | null {
    if (this.#limit === null) return null;
    const bytesLeft = Math.max(0, this.#limit - this.#bytesRead);
    const rate = (this.#bytesRead - this.#firstSize) / (this.#lastAt - this.#firstAt || 1);
    return { bytesLeft, secondsLeft: rate > 0 ? bytesLeft / rate / 1000 : null };
  }

  protected get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Counts bytes that the stream has given. */
  protected count(bytes: number): void {
    this.#lastAt = this.#clock?.now() ?? 0;
    if (this.#bytesRead === 0) [this.#firstSize, this.#firstAt] = [bytes, this.#lastAt];
    this.#bytesRead += bytes;
  }

  /** The first byte that may have to be sent again. */
  protected get unreleasedFrom(): number {
    return Math.min(this.#bytesTaken, ...this.#held.keys());
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
    const blob = await this.pull().catch((error: unknown) => {
      throw streamBroken(error);
    });
    if (this.#isCancelled) throw streamBroken(CANCELLED); // A cancelled stream reads as one that has ended.
    if (blob) {
      this.#buffered.push(blob);
      this.#bufferedSize += blob.size;
    } else this.#exhausted = true;
  }

  /** The next bytes; null at the end of the stream. Rejects as the stream does. */
  protected async pull(): Promise<Blob | null> {
    const { done, value } = await this.reader.read();
    if (done) return null;
    const blob = new Blob([value]);
    this.count(blob.size);
    return blob;
  }

  override release({ start }: Range): void {
    this.#held.delete(start);
  }

  override async cancel(reason: unknown): Promise<void> {
    this.#isCancelled ||= !this.ended;
    this.#held.clear();
    this.#buffered = [];
    await this.reader.cancel(reason).catch(() => {});
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
    return [...this.#again, ...Array.from({ length: LOOK_AHEAD }, (_, index) => this.#next + index)];
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

function streamBroken(cause: unknown): UploadError {
  return new UploadError({
    code: "stream_broken",
    ...textFields("stream_broken", BROKEN, { detail: reasonOf(cause) }),
  });
}
