// What is known of each part of one upload: to be sent, under way, done, and told to the backend or not yet.
// Its one rule: pure bookkeeping; a part is in exactly one of `todo`, under way and `done`.

import { type Plan, sizeOf } from "./parts.ts";

export interface DonePart {
  readonly number: number;
  readonly size: number;
  /** Absent when the bucket's CORS rules hide it; the backend reads it from the storage then. */
  readonly etag?: string;
  readonly crc64?: string;
}

export class Ledger {
  #todo: number[];
  #done = new Map<number, DonePart>();
  #untold = new Set<DonePart>();

  constructor(readonly plan: Plan) {
    this.#todo = Array.from({ length: plan.partCount }, (_, index) => index + 1);
  }

  /** Parts nobody has started, in order. */
  get todo(): readonly number[] {
    return this.#todo;
  }

  get doneCount(): number {
    return this.#done.size;
  }

  get doneBytes(): number {
    let bytes = 0;
    for (const part of this.#done.values()) bytes += part.size;
    return bytes;
  }

  /** The finished parts, in order. */
  get done(): readonly DonePart[] {
    return [...this.#done.values()].sort((a, b) => a.number - b.number);
  }

  get complete(): boolean {
    return this.#done.size === this.plan.partCount;
  }

  /** Starts from what the storage really holds; a part of another size than planned counts as missing. */
  adopt(held: readonly DonePart[]): void {
    const sound = held.filter(
      ({ number, size }) =>
        number >= 1 && number <= this.plan.partCount && size === sizeOf(this.plan, number),
    );
    this.replace(sound);
    this.#todo = Array.from({ length: this.plan.partCount }, (_, index) => index + 1).filter(
      (number) => !this.#done.has(number),
    );
  }

  /** Takes these for all that is done. */
  protected replace(parts: readonly DonePart[]): void {
    this.#done = new Map(parts.map((part) => [part.number, part]));
    this.#untold.clear();
  }

  /** The next part to send; it is the caller's until `finish` or `putBack`. */
  take(): number | undefined {
    return this.#todo.shift();
  }

  /** The same, for a source that may not have it yet. */
  next(_signal: AbortSignal): Promise<number | undefined> {
    return Promise.resolve(this.take());
  }

  putBack(number: number): void {
    const at = this.#todo.findIndex((other) => other > number);
    this.#todo.splice(at < 0 ? this.#todo.length : at, 0, number);
  }

  finish(part: DonePart): void {
    this.#done.set(part.number, part);
    this.#untold.add(part);
  }

  /** CRC64s of finished parts of which the storage's were hidden; the backend hears of them. */
  learn(crc64s: ReadonlyMap<number, string>): void {
    for (const [number, crc64] of crc64s) {
      const part = this.#done.get(number);
      if (!part || part.crc64) continue;
      const known = { ...part, crc64 };
      this.#done.set(number, known);
      this.#untold.delete(part);
      this.#untold.add(known);
    }
  }

  /** The storage lacks these after all. Returns how many of them were thought done. */
  reopen(numbers: readonly number[]): number {
    const before = this.#done.size;
    for (const number of numbers) {
      const part = this.#done.get(number);
      if (!part) continue;
      this.#done.delete(number);
      this.#untold.delete(part);
      this.putBack(number);
    }
    return before - this.#done.size;
  }

  /** Finished parts the backend has not heard of; at most what one call may carry. */
  untold(): DonePart[] {
    return [...this.#untold].slice(0, 1000);
  }

  /** Called once the backend has acknowledged them, so that a lost answer loses none. */
  told(parts: readonly DonePart[]): void {
    for (const part of parts) this.#untold.delete(part);
  }
}
