// Proves that all parts are of one version of the file, where the browser does not notice that a file has changed.
//
// OSS's CRC64 shows that it has the bytes that were read, not that they were in the file at the same moment: the file may
// have changed between two parts. So each part is read twice. The first reads end at the moment T; each second read
// begins after T and gives the same checksum. A part whose bytes are the same before and after T had them at T, so at T
// the file consisted of these parts (the "double collect" of Afek et al., "Atomic Snapshots of Shared Memory", 1993).
// Two changes that cancel each other out, and 64 bits that agree by chance, are beyond this.
//
// The first reads run ahead of the upload, part by part. A part that is sent after T is read for its request, which is
// its second read: OSS's CRC64 says what was read. Only parts that were sent before T are read again. So a slow
// connection costs one read of the file ahead and nothing at the end; a fast one costs at most another read of the file.

import type { IntegrityChecker } from "./integrity.ts";
import { abortable } from "./promises.ts";

/** Parts that are read again at once. Parts being sent come first. */
const AT_ONCE = 2;

export class VersionProof {
  /** Parts with a second read that agrees with the first. */
  readonly #proved = new Set<number>();
  #isFixed = false;
  #work: Promise<void> | null = null;

  constructor(
    readonly checker: IntegrityChecker,
    /** Parts that nobody has started to send. */
    readonly waiting: () => readonly number[],
  ) {}

  /** Whether each part has been read once: its second read may begin. */
  get isFixed(): boolean {
    return this.#isFixed;
  }

  /** The part was read for its request after T, and arrived as it was hashed. */
  prove(number: number): void {
    this.#proved.add(number);
  }

  /** Reads the file ahead of the upload, and then again what was sent before. `finish` rejects with its error, too. */
  start(signal: AbortSignal): Promise<void> {
    this.#work = this.#run(signal);
    return this.#work;
  }

  /** Reads again what has not been read twice. Rejects with FileError when the file has changed. */
  async finish(signal: AbortSignal): Promise<void> {
    await this.#work;
    await this.#readAgain(this.#numbers, signal);
  }

  get #numbers(): number[] {
    return Array.from({ length: this.checker.plan.partCount }, (_, index) => index + 1);
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (const number of this.#numbers) {
      await abortable(this.checker.crc64(number), signal);
    }
    this.#isFixed = true;
    // What is still waiting will be read when it is sent.
    const waiting = new Set(this.waiting());
    const started = this.#numbers.filter((number) => !waiting.has(number));
    await this.#readAgain(started, signal);
  }

  async #readAgain(numbers: readonly number[], signal: AbortSignal): Promise<void> {
    const left = numbers.filter((number) => !this.#proved.has(number));
    const work = async () => {
      for (let number = left.shift(); number !== undefined; number = left.shift()) {
        await abortable(this.#compare(number), signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #compare(number: number): Promise<void> {
    await this.checker.assertSame(number);
    this.#proved.add(number);
  }
}
