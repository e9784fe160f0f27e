// Retries: whether, and after which delay.
// `makeRetry` has the only retry loop around calls to the backend; the rest of the module is pure.

import { NetworkError, UploadError } from "./errors.ts";
import type { Connection, Environment } from "./ports.ts";
import { Waiting } from "./waiting.ts";

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

/** Seconds. Browsers end a timer of more than 24 days at once, so that there would be no pause at all. */
const MAX_RETRY_AFTER = 86_400;

/** Seconds of a Retry-After header, at most a day. The date form is ignored: it would need a device clock that is right. */
export function retryAfter(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value.trim()) ? Math.min(Number(value), MAX_RETRY_AFTER) : null;
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

/**
 * Repeats `attempt` while it fails with a retryable UploadError. Waiting for the network uses up no attempts. Rejects
 * with the last error, or with the signal's reason.
 */
export type Retry = <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** About four minutes in all. */
export const MAX_ATTEMPTS = 14;

/** The status of a server that is overloaded, restarting, or behind a proxy that does not reach it. */
export const BUSY: readonly number[] = [408, 429, 502, 503, 504];

/** How often, and how soon, a request is repeated. */
export interface RetryOptions {
  /**
   * Attempts of one call to the backend, and of one part, before its error is final. By default there is no limit while
   * the backend or OSS cannot be reached or is busy; other errors are final after 14 attempts, of a part after 8.
   */
  readonly attempts?: number;
  /** Milliseconds between two attempts at most, unless the server asks for more; 30,000 by default. */
  readonly maxDelay?: number;
}

export interface RetryPorts {
  readonly connection: Connection;
  readonly waiting: Waiting;
}

export function makeRetry(ports: RetryPorts, limits: RetryOptions = {}): Retry {
  return (attempt, signal) => retry(attempt, signal, ports, limits);
}

/** For calls that show no notice: they end. */
export function briefRetry({ clock, connection }: Pick<Environment, "clock" | "connection">): Retry {
  return makeRetry({ connection, waiting: new Waiting(clock, () => {}) }, { attempts: MAX_ATTEMPTS });
}

async function retry<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  { connection, waiting }: RetryPorts,
  limits: RetryOptions,
): Promise<T> {
  const { notify, clock } = waiting;
  for (let attempts = 1; ; attempts++) {
    try {
      const result = await attempt();
      if (attempts > 1) notify(null);
      return result;
    } catch (error) {
      if (!isRetryable(error) || attempts >= maxAttempts(error, limits)) throw error;
      signal.throwIfAborted(); // An aborted upload shows no notice.
      if (error instanceof NetworkError && !connection.online) {
        notify("offline");
        await connection.whenOnline(signal);
        attempts = 0;
      }
      const count = Math.max(1, attempts);
      const delay = delayBefore(count, error.retryAfter, () => clock.random(), limits.maxDelay);
      await waiting.wait(delay, signal, "server_down");
      notify("server_probe");
    }
  }
}

/** A server that is busy, or not there, comes back; when, nobody knows. Other errors may never pass. */
function maxAttempts({ status, sentence }: UploadError, limits: RetryOptions): number {
  const passes = BUSY.includes(status) || sentence === "server_unreachable";
  return limits.attempts ?? (passes ? Number.POSITIVE_INFINITY : MAX_ATTEMPTS);
}

function isRetryable(error: unknown): error is UploadError {
  return error instanceof UploadError && error.retryable;
}
