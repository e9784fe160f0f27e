// When to try again, and how long to wait before.
// Its one rule: pure but for `persist`, which owns the only retry loop around backend calls.

import { NetworkError, UploadError } from "./errors.ts";
import type { Clock, Connection } from "./ports.ts";
import type { Facts, NoticeName } from "./sentences.ts";

const FIRST_CEILING = 500;
const LAST_CEILING = 30_000;

/** Full jitter: anything up to a ceiling that doubles from 0.5 s to 30 s, so that lanes do not come back in step. */
export function backoff(attempt: number, random: () => number): number {
  const ceiling = Math.min(LAST_CEILING, FIRST_CEILING * 2 ** Math.max(0, attempt - 1));
  return Math.round(ceiling * random());
}

/** Seconds of a Retry-After header. Its date form is not read: it would need a clock that can be trusted. */
export function retryAfter(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value.trim()) ? Number(value) : null;
}

/** How long to wait: what the other side asked for, but never less than our own jitter. */
export function delayBefore(attempt: number, seconds: number | null, random: () => number): number {
  return Math.max((seconds ?? 0) * 1000, backoff(attempt, random));
}

/** What is going on while nothing seems to, for a person to read; null when all is well again. */
export type Tell = (notice: NoticeName | null, facts?: Facts) => void;

export interface Patience {
  readonly clock: Clock;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

/** About four minutes in all: longer than a backend takes to restart. */
const TRIES = 14;

export async function persist<T>(attempt: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, connection, signal, tell } = patience;
  for (let tries = 1; ; tries++) {
    try {
      const result = await attempt();
      if (tries > 1) tell(null);
      return result;
    } catch (error) {
      if (!(error instanceof UploadError) || !error.retryable || tries >= TRIES) throw error;
      signal.throwIfAborted(); // Nobody waits any more, and nobody is to be told.
      if (error instanceof NetworkError && !connection.online) {
        tell("offline");
        await connection.whenOnline(signal);
        tries = 0;
      }
      const delay = delayBefore(Math.max(1, tries), error.retryAfter, () => clock.random());
      tell("server_down", { wait: seconds(delay) });
      await clock.sleep(delay, signal);
    }
  }
}

/** As people count down: never nought. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
