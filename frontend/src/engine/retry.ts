// Retries: whether, and after which delay.
// `makeRetry` has the only retry loop around calls to the backend; the rest of the module is pure.

import { NetworkError, UploadError } from "./errors.ts";
import type { Environment } from "./ports.ts";
import type { Facts, NoticeName } from "./sentences.ts";

/** Milliseconds. */
const FIRST_CEILING = 500;
const LAST_CEILING = 30_000;

/**
 * Milliseconds to wait before the next attempt: exponential backoff with full jitter. The delay is any value up to a
 * ceiling that doubles from 0.5 s to `maxDelay` (30 s), so that parallel requests do not return at the same moment.
 */
export function backoff(attempt: number, random: () => number, maxDelay = LAST_CEILING): number {
  const ceiling = Math.min(maxDelay, FIRST_CEILING * 2 ** Math.max(0, attempt - 1));
  return Math.round(ceiling * random());
}

/** Seconds of a Retry-After header. The date form is ignored: it would need a device clock that is right. */
export function retryAfter(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value.trim()) ? Number(value) : null;
}

/** Milliseconds to wait: at least the seconds that the server asked for, and at least our own backoff. */
export function delayBefore(
  attempt: number,
  retryAfterSeconds: number | null,
  random: () => number,
  maxDelay?: number,
): number {
  return Math.max((retryAfterSeconds ?? 0) * 1000, backoff(attempt, random, maxDelay));
}

/** Shows a notice while the upload waits; null takes it back. */
export type Notify = (notice: NoticeName | null, facts?: Facts) => void;

/**
 * Repeats `attempt` while it fails with a retryable UploadError. Waiting for the network uses up no attempts. Rejects
 * with the last error, or with the signal's reason.
 */
export type Retry = <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** About four minutes in all: longer than a backend takes to restart. */
const MAX_ATTEMPTS = 14;

export function makeRetry(
  { clock, connection }: RetryPorts,
  notify: Notify,
  limits: RetryOptions = {},
): Retry {
  return (attempt, signal) => retry(attempt, signal, { ...limits, clock, connection }, notify);
}

type RetryPorts = Pick<Environment, "clock" | "connection">;

/** How often, and how soon, a request is repeated. */
export interface RetryOptions {
  /** Attempts of one call to the backend, and of one part, before its error is final; 14 and 8 by default. */
  readonly attempts?: number;
  /** Milliseconds between two attempts at most, unless the server asks for more; 30,000 by default. */
  readonly maxDelay?: number;
}

async function retry<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  { clock, connection, attempts: maxAttempts = MAX_ATTEMPTS, maxDelay }: RetryPorts & RetryOptions,
  notify: Notify,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      const result = await attempt();
      if (attempts > 1) notify(null);
      return result;
    } catch (error) {
      if (!isRetryable(error) || attempts >= maxAttempts) throw error;
      signal.throwIfAborted(); // An aborted upload shows no notice.
      if (error instanceof NetworkError && !connection.online) {
        notify("offline");
        await connection.whenOnline(signal);
        attempts = 0;
      }
      const delay = delayBefore(Math.max(1, attempts), error.retryAfter, () => clock.random(), maxDelay);
      notify("server_down", { wait: seconds(delay) });
      await clock.sleep(delay, signal);
    }
  }
}

function isRetryable(error: unknown): error is UploadError {
  return error instanceof UploadError && error.retryable;
}

/** Whole seconds for people to read: rounded up, at least 1. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
