// What waits for what: files for a place (UploadQueue), requests of the page for a connection (Semaphore).
// First come, first served.

import type { Upload } from "./upload.ts";

/** Browsers open six connections to one host over HTTP/1.1. */
export const MAX_PARALLEL = 6;

export interface QueueEntry {
  readonly upload: Upload;
  /** The share of a place that the entry takes, above 0 and up to 1. */
  readonly share: number;
  /** Called once, when there is room. */
  start(): void;
}

/** Shares are fractions, and sums of fractions are not exact. */
const ROUNDING_ERROR = 1e-6;

/** Limits the files that are uploaded at once. A file that pauses, fails or ends frees its place. */
export class UploadQueue {
  #waiting = new Set<QueueEntry>();
  #active = new Set<QueueEntry>();
  #taken = 0;

  constructor(readonly places: number) {}

  enter(entry: QueueEntry): void {
    this.#waiting.add(entry);
    this.#admit();
  }

  leave(entry: QueueEntry): void {
    this.#waiting.delete(entry);
    if (this.#active.delete(entry)) this.#taken -= entry.share;
    this.#admit();
  }

  /** The uploads that wait, in the order in which they will start. */
  get waiting(): Upload[] {
    return Array.from(this.#waiting, ({ upload }) => upload);
  }

  /** Whether the upload is one of those that wait; it has the position then, from 0, and at most the last one. */
  move(upload: Upload, position: number): boolean {
    const others = [...this.#waiting];
    const from = others.findIndex((entry) => entry.upload === upload);
    if (from >= 0) others.splice(Math.max(0, position), 0, ...others.splice(from, 1));
    this.#waiting = new Set(others);
    this.#admit();
    return from >= 0;
  }

  #admit(): void {
    for (;;) {
      const [entry] = this.#waiting; // A start may change the order.
      if (!entry || this.#taken + entry.share > this.places + ROUNDING_ERROR) return;
      this.#waiting.delete(entry);
      this.#active.add(entry);
      this.#taken += entry.share;
      entry.start();
    }
  }
}

/** Limits the requests to OSS of all uploads of a page: more requests than connections look stalled. */
export class Semaphore {
  #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(readonly count: number) {}

  /** Resolves with the function that releases the place. Rejects with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken < this.count) this.#taken += 1;
    else await this.#wait(signal);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken -= 1;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const proceed = () => {
        signal.removeEventListener("abort", cancel);
        resolve();
      };
      const cancel = () => {
        this.#waiting = this.#waiting.filter((other) => other !== proceed);
        reject(signal.reason);
      };
      this.#waiting.push(proceed);
      signal.addEventListener("abort", cancel, { once: true });
    });
  }
}
