// Which parts of an upload are done. Loaded with the first upload.

import { combine } from "../hashing/crc64.ts";
import { type DonePart, numbersOf, type Plan, sizeOf } from "./parts.ts";

/** Parts that one call to the backend may report. */
const MAX_REPORTED = 1000;

/** Which parts are waiting, being sent, done, and reported to the backend. A part is in one of the first three. */
export class Ledger {
  #waiting: number[];
  #done = new Map<number, DonePart>();
  #unreported = new Set<DonePart>();

  constructor(readonly plan: Plan) {
    this.#waiting = numbersOf(plan);
  }

  /** Parts that nobody has started, in order. */
  get waiting(): readonly number[] {
    return this.#waiting;
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

  /** The CRC64 of the whole file; undefined unless all parts are done and that of each is known. */
  get crc64(): string | undefined {
    const pieces = this.done.flatMap(({ crc64, size }) => (crc64 ? [{ crc64, size }] : []));
    return this.complete && pieces.length === this.doneCount ? combine(pieces) : undefined;
  }

  /** Starts from the parts that OSS holds. A part of another size than planned counts as missing. */
  load(held: readonly DonePart[]): void {
    this.replaceDone(held.filter((part) => this.fits(part)));
    this.#waiting = numbersOf(this.plan).filter((number) => !this.#done.has(number));
  }

  protected fits({ number, size }: DonePart): boolean {
    return number >= 1 && number <= this.plan.partCount && size === sizeOf(this.plan, number);
  }

  protected replaceDone(parts: readonly DonePart[]): void {
    this.#done = new Map(parts.map((part) => [part.number, part]));
    this.#unreported.clear();
  }

  /** The next part to send. The caller must `finish` it or `putBack` it. */
  take(): number | undefined {
    return this.#waiting.shift();
  }

  /** As `take`, for a source that may not have the part yet. */
  next(_signal: AbortSignal): Promise<number | undefined> {
    return Promise.resolve(this.take());
  }

  putBack(number: number): void {
    const at = this.#waiting.findIndex((other) => other > number);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, number);
  }

  finish(part: DonePart): void {
    this.#done.set(part.number, part);
    this.#unreported.add(part);
  }

  /** Adds our own CRC64 to finished parts whose header was hidden; they are reported once more. */
  addChecksums(crc64s: ReadonlyMap<number, string>): void {
    for (const [number, crc64] of crc64s) {
      const part = this.#done.get(number);
      if (!part || part.crc64) continue;
      const known = { ...part, crc64 };
      this.#done.set(number, known);
      this.#unreported.delete(part);
      this.#unreported.add(known);
    }
  }

  /** OSS lacks these parts. Returns how many of them were recorded as done. */
  reopen(numbers: readonly number[]): number {
    const before = this.#done.size;
    for (const number of numbers) {
      const part = this.#done.get(number);
      if (!part) continue;
      this.#done.delete(number);
      this.#unreported.delete(part);
      this.putBack(number);
    }
    return before - this.#done.size;
  }

  /** Finished parts that the backend does not know; at most as many as one call may carry. */
  unreported(): DonePart[] {
    return [...this.#unreported].slice(0, MAX_REPORTED);
  }

  /** To be called once the backend has acknowledged them, so that a lost response loses none. */
  markReported(parts: readonly DonePart[]): void {
    for (const part of parts) this.#unreported.delete(part);
  }
}
