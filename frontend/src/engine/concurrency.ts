// How much runs at once: files (UploadQueue), requests of the page (Semaphore), parts of one file
// (ConcurrencyController, runConcurrently).
// First come, first served everywhere.

import { anySignal } from "./promises.ts";

/** Browsers open six connections to one host over HTTP/1.1. */
export const MAX_PARALLEL = 6;

export interface QueueEntry {
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

  #admit(): void {
    for (const entry of this.#waiting) {
      if (this.#taken + entry.share > this.places + ROUNDING_ERROR) return;
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

/** Milliseconds, and parts for each worker, before a level can be judged. */
const MIN_MEASURED_TIME = 4000;
const MIN_MEASURED_PARTS = 2;
/** One more worker must raise the rate by this factor; less is chance. */
const MIN_GAIN = 1.08;
/** Below this share of the best rate seen, the level is lowered. */
const MAX_LOSS = 0.7;
/** Milliseconds until a level that did not help may be tried again. */
const RETRY_LEVEL_AFTER = 60_000;

/**
 * Finds how many parts of one file to send at once. It raises the level by one, keeps what made the upload faster, and
 * lowers it at once when a request stalls. It judges by bytes that have arrived.
 */
export class ConcurrencyController {
  #bytes = 0;
  #parts = 0;
  #since: number | null = null;
  /** The rate of the level before, and whether the present level is a trial. */
  #previousRate = 0;
  #onTrial = false;
  #notBefore = 0;
  #bestRate = 0;

  constructor(
    public level: number,
    readonly max: number,
  ) {}

  recordArrival(bytes: number, now: number): void {
    this.#since ??= now;
    this.#bytes += bytes;
    this.#parts += 1;
    const elapsed = now - this.#since;
    if (elapsed < MIN_MEASURED_TIME || this.#parts < MIN_MEASURED_PARTS * this.level) return;
    this.#judge((this.#bytes / elapsed) * 1000, now);
  }

  /** A request stalled: fewer may get through where many do not. */
  recordStall(now: number): void {
    this.#setLevel(this.level - 1, now);
    this.#onTrial = false;
    this.#notBefore = now + RETRY_LEVEL_AFTER;
  }

  /** Drops the running measurement. Time without sending says nothing about the network. */
  restart(): void {
    this.#startMeasuring(null);
    this.#onTrial = false;
  }

  #judge(rate: number, now: number): void {
    if (this.#onTrial && rate < this.#previousRate * MIN_GAIN) {
      this.#onTrial = false;
      this.#notBefore = now + RETRY_LEVEL_AFTER;
      this.#setLevel(this.level - 1, now);
    } else if (!this.#onTrial && rate < this.#bestRate * MAX_LOSS && this.level > 2) {
      this.#bestRate = rate;
      this.#notBefore = now + RETRY_LEVEL_AFTER;
      this.#setLevel(this.level - 1, now);
    } else if (this.level < this.max && now >= this.#notBefore) {
      this.#onTrial = true;
      this.#previousRate = rate;
      this.#setLevel(this.level + 1, now);
    } else {
      this.#onTrial = false;
      this.#startMeasuring(now);
    }
    this.#bestRate = Math.max(this.#bestRate, rate);
  }

  #setLevel(level: number, now: number): void {
    this.level = Math.max(1, Math.min(this.max, level));
    this.#startMeasuring(now);
  }

  #startMeasuring(now: number | null): void {
    this.#since = now;
    this.#bytes = this.#parts = 0;
  }
}

/**
 * Calls `work` for each item that `take` gives, up to `level()` at once, until `take` gives undefined. The first failure
 * aborts the others. Nothing runs any more when the promise settles.
 */
export async function runConcurrently<T>(
  level: () => number,
  take: (signal: AbortSignal) => T | undefined | Promise<T | undefined>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const either = anySignal(signal, failure.signal);
  const workers = new Set<Promise<void>>();
  let empty = false;
  const runWorker = async () => {
    // When the level falls, surplus workers end after their item.
    while (!empty && workers.size <= level()) {
      const item = await take(either);
      if (item === undefined) {
        empty = true;
        return;
      }
      await work(item, either);
      either.throwIfAborted();
      startWorkers();
    }
  };
  const startWorkers = () => {
    while (!empty && !either.aborted && workers.size < level()) {
      const worker: Promise<void> = runWorker()
        .catch((error: unknown) => failure.abort(error))
        .finally(() => workers.delete(worker));
      workers.add(worker);
    }
  };
  startWorkers();
  while (workers.size) await Promise.all(workers);
  either.throwIfAborted();
}
