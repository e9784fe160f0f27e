// What the bytes of each part are on this side: hashed beside the upload, each part once.
// Its one rule: nobody waits for a hash but the end; a file that cannot be read is told as such.

import { fileChanged } from "./errors.ts";
import type { DonePart } from "./ledger.ts";
import { type Plan, rangeOf } from "./parts.ts";
import type { Hasher } from "./ports.ts";
import type { Source } from "./source.ts";

/** Held parts that are hashed at once; those under way come first. */
const AT_ONCE = 2;

export interface Verdicts {
  /** Parts at the storage that are not this file's. */
  readonly wrong: number[];
  /** CRC64 of the parts that were compared, as this side has them. */
  readonly crc64s: ReadonlyMap<number, string>;
}

export class Checking {
  #hashes = new Map<number, Promise<string>>();
  #compared = new Map<number, Promise<boolean>>();
  #held: Promise<void> = Promise.resolve();

  constructor(
    readonly hasher: Hasher,
    readonly source: Source,
    readonly plan: Plan,
  ) {}

  /** A part is on its way: its hash is computed meanwhile. */
  begin(number: number): void {
    this.#of(number);
  }

  /** It has arrived; is it what was sent? Where CORS hides the storage's CRC64, the backend will tell. */
  arrived({ number, crc64 }: DonePart): void {
    const compared = this.#of(number).then((ours) => !crc64 || ours === crc64);
    this.#compared.set(number, compared);
    compared.catch(() => {}); // told by `settle`
  }

  /** Begins to compare parts that the storage held before with the file. */
  compare(held: readonly DonePart[]): void {
    const left = held.filter(({ crc64, number }) => crc64 && !this.#compared.has(number));
    const work = async () => {
      for (let part = left.shift(); part; part = left.shift()) {
        this.arrived(part);
        await this.#compared.get(part.number);
      }
    };
    this.#held = Promise.all([this.#held, ...Array.from({ length: AT_ONCE }, work)]).then(() => {});
    this.#held.catch(() => {}); // told by `settle`
  }

  /** When all has been compared. Those that are wrong are forgotten: they will be sent again. */
  async settle(): Promise<Verdicts> {
    await this.#held;
    const wrong: number[] = [];
    const crc64s = new Map<number, string>();
    for (const [number, compared] of this.#compared) {
      crc64s.set(number, await this.#of(number));
      if (await compared) continue;
      wrong.push(number);
      this.#compared.delete(number);
      this.#hashes.delete(number); // Should the file have been read wrongly, it is read anew.
    }
    return { wrong, crc64s };
  }

  md5(number: number): Promise<string> {
    return this.#hash("md5", number);
  }

  #of(number: number): Promise<string> {
    let known = this.#hashes.get(number);
    if (!known) {
      known = this.#hash("crc64", number);
      this.#hashes.set(number, known);
      known.catch(() => this.#hashes.delete(number)); // The next to ask tries anew.
    }
    return known;
  }

  async #hash(algorithm: "crc64" | "md5", number: number): Promise<string> {
    const blob = this.source.slice(rangeOf(this.plan, number));
    try {
      return await this.hasher.hash(algorithm, blob);
    } catch (error) {
      throw fileChanged(this.source.name, error);
    }
  }
}
