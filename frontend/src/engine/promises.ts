// Promises that can end early: settled from outside, by a signal, or by a watchdog.

import type { Clock } from "./ports.ts";

/** A signal that never aborts. */
export const NEVER = new AbortController().signal;

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** A promise that is settled from outside. Its rejection counts as handled. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Settles as the promise does, or rejects with the signal's reason if that comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort(); // The promise is still listened to below, so that its rejection counts as handled.
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Aborts with the first of these. `AbortSignal.any` is missing before Chrome 116, Firefox 124 and Safari 17.4. */
export function anySignal(...signals: AbortSignal[]): AbortSignal {
  if (AbortSignal.any) return AbortSignal.any(signals);
  const either = new AbortController();
  for (const signal of signals) {
    const abort = () => either.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { signal: either.signal });
  }
  return either.signal;
}

/** The reason with which `withWatchdog` aborts. */
export class StallError extends Error {
  override name = "StallError";
}

/**
 * Runs `work` with a signal that aborts with StallError when `reset` was not called for `timeoutMs` milliseconds. It
 * measures the time since the last progress, not the whole duration: slow requests pass, stalled ones do not.
 */
export async function withWatchdog<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal, reset: () => void) => Promise<T>,
): Promise<T> {
  const stall = new AbortController();
  const ended = new AbortController();
  let lastProgress = clock.now();
  const watch = async () => {
    for (let left = timeoutMs; left > 0; left = timeoutMs - (clock.now() - lastProgress)) {
      await clock.sleep(left, ended.signal);
    }
    stall.abort(new StallError(`No progress for ${timeoutMs / 1000} s.`));
  };
  watch().catch(() => {}); // `ended` aborts it, below.
  try {
    return await work(anySignal(signal, stall.signal), () => {
      lastProgress = clock.now();
    });
  } finally {
    ended.abort();
  }
}
