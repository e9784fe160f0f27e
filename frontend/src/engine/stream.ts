// A source of unknown size: a recording, a generated file.
// It reads only as far as parts are being sent, and keeps no part that has arrived.

import { reasonOf, textFields, UploadError } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import { type DonePart, type Plan, type Range, rangeOf, Source, streamPlan } from "./parts.ts";

/** What `uploadStream` takes from a stream. Text is encoded as UTF-8. */
export type StreamChunk = Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | string;

/** The text of the error stream_broken. */
export const BROKEN = [
  "The recording was interrupted.",
  "{detail}",
  "Start a new recording. The parts uploaded so far will be deleted.",
] as const;
/** Why a stream cannot be resumed after an abort that the backend refused. */
const CANCELLED = "The stream ended when the upload was aborted.";
/** Parts ahead for which URLs may be signed. */
const LOOK_AHEAD = 16;

export class StreamSource extends Source {
  readonly #reader: ReadableStreamDefaultReader<StreamChunk>;
  /** Parts that have been read and have not arrived, by their first byte. */
  #held = new Map<number, Blob>();
  #buffered: Blob[] = [];
  #bufferedSize = 0;
  #exhausted = false;
  /** Whether it was cancelled before its end: what is left of it is not the whole. */
  #isCancelled = false;
  #turn: Promise<unknown> = Promise.resolve();
  #bytesTaken = 0;

  constructor(stream: ReadableStream<StreamChunk>, name: string, type: string) {
    super(new Blob([], { type }), name);
    this.#reader = stream.getReader();
  }

  override get isStream(): boolean {
    return true;
  }

  override plan({ part_size }: { part_size: number }): Plan {
    return streamPlan(part_size);
  }

  override ledger = (plan: Plan, Base: typeof Ledger): Ledger => new (streamLedgerOf(Base))(plan, this);

  /** Bytes cut into parts so far; the size, once the stream has ended. */
  override get bytesTaken(): number {
    return this.#bytesTaken;
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
    const { done, value } = await this.#reader.read().catch((error: unknown) => {
      throw streamBroken(error);
    });
    if (this.#isCancelled) throw streamBroken(CANCELLED); // A cancelled stream reads as one that has ended.
    if (done) {
      this.#exhausted = true;
      return;
    }
    const blob = new Blob([value]);
    this.#buffered.push(blob);
    this.#bufferedSize += blob.size;
  }

  override release({ start }: Range): void {
    this.#held.delete(start);
  }

  override async cancel(reason: unknown): Promise<void> {
    this.#isCancelled ||= !this.ended;
    this.#held.clear();
    this.#buffered = [];
    await this.#reader.cancel(reason).catch(() => {});
  }
}

/** The class of a stream's ledger. Its base is an argument, because only the code that sends parts has it. */
function streamLedgerOf(Base: typeof Ledger) {
  /** The parts of a stream: those that were started, and the next. */
  return class StreamLedger extends Base {
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
  };
}

function streamBroken(cause: unknown): UploadError {
  return new UploadError({
    code: "stream_broken",
    ...textFields("stream_broken", BROKEN, { detail: reasonOf(cause) }),
  });
}
