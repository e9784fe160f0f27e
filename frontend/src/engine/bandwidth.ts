// The limit to the bandwidth of all uploads of a page. The code that keeps to it is loaded with the first request under it.

import { ConfigurationError, codeUnreachable } from "./errors.ts";
import { importLate } from "./late.ts";
import type { Pacer } from "./pacer.ts";
import type { Clock } from "./ports.ts";
import { Semaphore } from "./queue.ts";

/** A part should take a quarter of a second, and a byte has eight bits. */
const BITS_PER_BYTE_OF_PART = 32;
/** OSS takes parts from 100 KB on ("Multipart upload", "Limits", in the OSS user guide). */
const MIN_PART_SIZE = 100 * 1024;
/** Bytes of the smallest parts that the backend chooses itself. A high limit makes no part larger. */
const USUAL_PART_SIZE = 8 * 1024 * 1024;

/** What the requests of a page share to keep to a limit in bits a second. */
export class Bandwidth {
  #limit: number | null = null;
  #pacer: Pacer | null = null;

  constructor(
    /** The time by which the limit is kept. */
    readonly clock: Clock,
  ) {}

  /** Bits a second; null: no limit. */
  get limit(): number | null {
    return this.#limit;
  }

  /** Throws ConfigurationError unless it is a positive number or null. */
  set limit(limit: number | null) {
    if (limit !== null && !(limit > 0 && limit < Number.POSITIVE_INFINITY)) {
      throw new ConfigurationError(`bandwidth: ${limit}`);
    }
    this.#limit = limit;
    this.#pacer?.change(limit);
  }

  /** Bytes that a part of a new upload should have: at most `wish`, and so few that it is sent soon. */
  partSize(wish: number | undefined): number | undefined {
    if (this.#limit === null) return wish;
    const soon = Math.max(MIN_PART_SIZE, Math.ceil(this.#limit / BITS_PER_BYTE_OF_PART));
    return soon < USUAL_PART_SIZE ? Math.min(wish ?? soon, soon) : wish;
  }

  /**
   * Resolves when a request with a body of so many bytes may start. Rejects with the signal's reason, or with NetworkError
   * when the code cannot be loaded.
   */
  async acquire(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#limit === null) return;
    const Pacer = await importLate(() => import("./pacer.ts"), "Pacer").catch(codeUnreachable);
    this.#pacer ??= new Pacer(this.clock, this.#limit, new Semaphore(1));
    return this.#pacer.acquire(bytes, signal);
  }

  /** Of a request that ended early: bytes that it did not send. */
  giveBack(bytes: number): void {
    this.#pacer?.giveBack(bytes);
  }
}
