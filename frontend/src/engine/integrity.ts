// Compares the checksum of each part with the one that OSS returned.
// Parts are hashed beside the upload, each once; only `verify` waits for the hashes. A part that is hashed once more must
// have the same checksum: the file has changed otherwise. That all parts are of one moment: see version-proof.ts.

import { codeUnreachable, fileChanged } from "./errors.ts";
import { importLate } from "./late.ts";
import { type DonePart, type Plan, rangeOf } from "./parts.ts";
import type { Hasher } from "./ports.ts";
import type { Source } from "./source.ts";

/** How parts are checked: by CRC64 after arrival, by MD5 bound into each URL, or not. */
export type Integrity = "crc64" | "md5" | "none";

/** Parts held by OSS that are hashed at once; parts being sent come first. */
const HELD_AT_ONCE = 2;

export interface Verification {
  /** Parts at OSS whose bytes are not this file's. */
  readonly damaged: number[];
  /** Our CRC64 of each part that was compared, as an unsigned decimal. */
  readonly crc64s: ReadonlyMap<number, string>;
}

export class IntegrityChecker {
  #hashes = new Map<number, Promise<string>>();
  #comparisons = new Map<number, Promise<boolean>>();
  #held: Promise<void> = Promise.resolve();

  constructor(
    readonly hasher: Hasher,
    readonly source: Source,
    readonly plan: Plan,
  ) {}

  /** Our CRC64 of a part, as an unsigned decimal. It is computed once. */
  crc64(number: number): Promise<string> {
    let known = this.#hashes.get(number);
    if (!known) {
      const isWhole = this.plan.partCount === 1 && !this.source.isStream;
      known = isWhole ? this.source.crc64(this.hasher) : this.#hash("crc64", number);
      this.#hashes.set(number, known);
      known.catch(() => this.#hashes.delete(number)); // The next caller hashes again.
    }
    return known;
  }

  /**
   * Hashes the part once more. Rejects with FileError when the result is another one: the file has changed. The bytes of a
   * stream do not, and may be gone.
   */
  async assertSame(number: number): Promise<void> {
    if (this.source.isStream) return;
    if ((await this.#hash("crc64", number)) !== (await this.crc64(number)))
      throw fileChanged(this.source.name);
  }

  /** Starts to hash a part that is being sent. */
  start(number: number): void {
    this.crc64(number).catch(() => {}); // `verify` reports it.
  }

  /** Compares a part that OSS took, and frees its bytes. Where CORS hides OSS's CRC64, the backend compares. */
  compare({ number, crc64 }: DonePart): Promise<boolean> {
    const same = this.crc64(number).then((ours) => !crc64 || ours === crc64);
    this.#comparisons.set(number, same);
    const release = (isSame: boolean) => isSame && this.source.release(rangeOf(this.plan, number));
    same.then(release).catch(() => {}); // `verify` reports it.
    return same;
  }

  /**
   * Starts to compare parts that OSS lists with the file. Those that were compared when they were sent are compared
   * again: CORS may have hidden OSS's CRC64 then. They are not hashed again.
   */
  compareHeld(held: readonly DonePart[]): void {
    const left = held.filter(({ crc64 }) => crc64);
    const work = async () => {
      for (let part = left.shift(); part; part = left.shift()) {
        await this.compare(part);
      }
    };
    this.#held = Promise.all([this.#held, ...Array.from({ length: HELD_AT_ONCE }, work)]).then(() => {});
    this.#held.catch(() => {}); // `verify` reports it.
  }

  /**
   * Resolves when all parts have been compared. It changes nothing: a pause may discard its result. Rejects with FileError
   * where a part differs because the file has changed.
   */
  async verify(): Promise<Verification> {
    await this.#held;
    const damaged: number[] = [];
    const crc64s = new Map<number, string>();
    for (const [number, same] of this.#comparisons) {
      crc64s.set(number, await this.crc64(number));
      if (await same) continue;
      await this.assertSame(number);
      damaged.push(number);
    }
    return { damaged, crc64s };
  }

  /** Forgets damaged parts, which will be sent and compared again. */
  forget(damaged: readonly number[]): void {
    for (const number of damaged) this.#comparisons.delete(number);
  }

  md5(number: number): Promise<string> {
    return this.#hash("md5", number);
  }

  #hash(algorithm: "crc64" | "md5", number: number): Promise<string> {
    return this.source.hash(this.hasher, algorithm, rangeOf(this.plan, number));
  }
}

/** Rejects with the error of parts that were damaged again and again. */
export async function failOf(damaged: readonly number[]): Promise<never> {
  throw (await importLate(() => import("./damage.ts"), "damagedParts").catch(codeUnreachable))(damaged);
}
