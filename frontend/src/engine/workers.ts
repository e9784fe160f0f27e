// Sending several parts at once.

import type { Ledger } from "./ledger.ts";
import { abortable, anySignal } from "./promises.ts";

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
