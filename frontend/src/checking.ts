// What the bytes of each part are on this side: hashed beside the upload, each part once.
// Its one rule: a part's hash is computed when it is first asked for, and a file that cannot be read is told as such.

import { fileChanged } from "./errors.ts";
import type { DonePart } from "./ledger.ts";
import { type Plan, rangeOf } from "./parts.ts";
import type { Hasher } from "./ports.ts";
import type { Source } from "./source.ts";

/** Held parts that are hashed at once; the lanes come first. */
const AT_ONCE = 2;

export class Checking {
  #known = new Map<number, Promise<string>>();
  #wrong: Promise<number[]> = Promise.resolve([]);

  constructor(
    readonly hasher: Hasher,
    readonly source: Source,
    readonly plan: Plan,
  ) {}

  /** CRC64 of a part of the file. */
  of(number: number): Promise<string> {
    let known = this.#known.get(number);
    if (!known) {
      known = this.#hash("crc64", number);
      this.#known.set(number, known);
      // A failure is met by whoever waits; the next to ask tries anew.
      known.catch(() => this.#known.delete(number));
    }
    return known;
  }

  md5(number: number): Promise<string> {
    return this.#hash("md5", number);
  }

  /** Begins to compare parts that the storage held before with the file. */
  compare(held: readonly DonePart[]): void {
    const known = held.filter(({ crc64 }) => crc64);
    const before = this.#wrong.catch(() => []);
    this.#wrong = before.then(() => this.#compare(known));
    this.#wrong.catch(() => {}); // told by `wrong`
  }

  /** The numbers of those that are not this file's. */
  wrong(): Promise<number[]> {
    return this.#wrong;
  }

  async #compare(held: readonly DonePart[]): Promise<number[]> {
    const wrong: number[] = [];
    const left = [...held];
    const work = async () => {
      for (let part = left.shift(); part; part = left.shift()) {
        if ((await this.of(part.number)) !== part.crc64) wrong.push(part.number);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return wrong;
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
