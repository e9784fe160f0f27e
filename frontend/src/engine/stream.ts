// A source whose end nobody knows yet: a recording, a generated file.
// Its one rule: it reads no further than the lanes are free, and holds no part that has arrived; parts grow with their
// number, so that ten thousand of them are enough for hundreds of gigabytes.

import { reasonOf, said, UploadError } from "./errors.ts";
import { type DonePart, Ledger } from "./ledger.ts";
import { type Plan, type Range, rangeOf, streamPlan } from "./parts.ts";
import { Source } from "./source.ts";

export type Bytes = Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | string;

export class StreamSource extends Source {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  /** Parts that have been read and not yet arrived, by their first byte. */
  #held = new Map<number, Blob>();
  #rest: Blob[] = [];
  #restSize = 0;
  #over = false;
  #turn: Promise<unknown> = Promise.resolve();
  #taken = 0;

  constructor(stream: ReadableStream<Bytes>, name: string, type: string) {
    super(new Blob([], { type }), name);
    this.#reader = stream.getReader();
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

  /** Bytes read into parts so far; the size, once the stream has ended. */
  override get taken(): number {
    return this.#taken;
  }

  /** Whether all of the stream has been cut into parts. */
  get ended(): boolean {
    return this.#over && this.#restSize === 0;
  }

  override slice({ start, end }: Range): Blob {
    const held = this.#held.get(start);
    if (!held) throw new RangeError(`The part at ${start} has been let go.`);
    return held.slice(0, end - start);
  }

  override async assertReadable(): Promise<void> {}

  /**
   * Cuts the next part off, one after the other; undefined when there is none, or when nobody wants it any more. An
   * empty stream is one empty part. `next`: its number, asked for when it is its turn.
   */
  cut(plan: Plan, next: () => number, signal: AbortSignal): Promise<number | undefined> {
    const cut = this.#turn
      .catch(() => {})
      .then(async () => {
        if (signal.aborted) return undefined;
        const number = next();
        return (await this.#fill(rangeOf(plan, number), number === 1)) ? number : undefined;
      });
    this.#turn = cut;
    return cut;
  }

  async #fill({ start, end }: Range, first: boolean): Promise<boolean> {
    const wanted = end - start;
    while (!this.#over && this.#restSize < wanted) await this.#read();
    if (this.#restSize === 0 && !first) return false;
    const all = new Blob(this.#rest);
    const part = all.slice(0, wanted);
    this.#rest = all.size > part.size ? [all.slice(part.size)] : [];
    this.#restSize = all.size - part.size;
    this.#held.set(start, part);
    this.#taken += part.size;
    return true;
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read().catch((error: unknown) => {
      throw brokenStream(error);
    });
    if (done) {
      this.#over = true;
      return;
    }
    const blob = new Blob([value]);
    this.#rest.push(blob);
    this.#restSize += blob.size;
  }

  sizeOf(start: number): number {
    return this.#held.get(start)?.size ?? 0;
  }

  /** The part has arrived; its bytes are not needed any more. */
  release(start: number): void {
    this.#held.delete(start);
  }

  override async cancel(reason: unknown): Promise<void> {
    this.#held.clear();
    this.#rest = [];
    await this.#reader.cancel(reason).catch(() => {});
  }
}

/** The parts of a stream: those begun, and the next. */
export class StreamLedger extends Ledger {
  #next = 1;
  #again: number[] = [];

  constructor(
    override readonly plan: Plan,
    readonly source: StreamSource,
  ) {
    super({ ...plan, size: 0, partCount: 0 });
  }

  /** Those that wait to be sent again, and the few that will come next. */
  override get todo(): readonly number[] {
    return [...this.#again, ...Array.from({ length: 16 }, (_, index) => this.#next + index)];
  }

  override get complete(): boolean {
    return this.source.ended && this.doneCount === this.#next - 1;
  }

  /** What was begun and is not held is sent again; its bytes are still here. */
  override adopt(held: readonly DonePart[]): void {
    const begun = held.filter(({ number }) => number < this.#next);
    this.replace(begun);
    const done = new Set(begun.map(({ number }) => number));
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

  override finish(part: DonePart): void {
    super.finish(part);
    this.source.release(rangeOf(this.plan, part.number).start);
  }
}

function brokenStream(cause: unknown): UploadError {
  return new UploadError({ code: "stream_broken", ...said("stream_broken", { detail: reasonOf(cause) }) });
}
