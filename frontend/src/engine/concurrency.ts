// How many parts of one file are sent at once (ConcurrencyController), and sending them so (runConcurrently).

import type { Ledger } from "./ledger.ts";
import { abortable, anySignal } from "./promises.ts";

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

/** A stream may take long to give its next part. An abort does not wait for it; a part that comes later is put back. */
export async function takePart(ledger: Ledger, signal: AbortSignal): Promise<number | undefined> {
  const taken = ledger.next(signal);
  try {
    return await abortable(taken, signal);
  } finally {
    if (signal.aborted) {
      taken.then((number) => number !== undefined && ledger.putBack(number)).catch(() => {});
      signal.throwIfAborted();
    }
  }
}
