// Keeps to a limit of the bandwidth. Loaded with the first request under a limit.
// A browser cannot slow a request down. Requests start so late that their bytes keep to the limit on average, and parts
// are so small that each of them is over soon.

import type { Clock } from "./ports.ts";
import type { Semaphore } from "./queue.ts";

/** Milliseconds by which a request may start late without a loss, as timers are not exact. Longer pauses give no credit. */
const MAX_DELAY = 250;
/** Milliseconds until a change of the limit is noticed. */
const MAX_SLEEP = 250;
/** Milliseconds by which a timer may be late without a loss: a hidden tab has one timer a minute. */
const MAX_LATENESS = 60_000;

export class Pacer {
  /** In `clock.now()`: when the requests so far would have been sent at the limit. */
  #freeAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds by which the last timer was late, until they are made up for. */
  #lateness = 0;

  constructor(
    readonly clock: Clock,
    /** Bits a second; null: no limit any more. */
    private limit: number | null,
    /** Of one place: one request at a time waits for its start, so that they start in order. */
    readonly turn: Semaphore,
  ) {}

  /** Those who wait now wait under the new limit. */
  change(limit: number | null): void {
    const now = this.clock.now();
    const ahead = Math.max(0, this.#freeAt - now);
    this.#freeAt = limit && this.limit ? now + (ahead * this.limit) / limit : now;
    this.#lateness = 0;
    this.limit = limit;
  }

  /** Resolves when a request with a body of so many bytes may start. Rejects with the signal's reason. */
  async acquire(bytes: number, signal: AbortSignal): Promise<void> {
    const release = await this.turn.acquire(signal);
    try {
      await this.#wait(signal);
      if (this.limit === null) return;
      const now = this.clock.now();
      const start = this.#freeAt < now - MAX_DELAY - this.#lateness ? now : this.#freeAt;
      this.#freeAt = start + (bytes * 8 * 1000) / this.limit;
      if (this.#freeAt >= now) this.#lateness = 0;
    } finally {
      release();
    }
  }

  /** Bytes that were not sent: the next request may start earlier. */
  giveBack(bytes: number): void {
    const now = this.clock.now();
    if (this.limit === null || this.#freeAt <= now) return;
    this.#freeAt = Math.max(now, this.#freeAt - (bytes * 8 * 1000) / this.limit);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.clock.now();
      const wait = this.#freeAt - now;
      if (this.limit === null || wait <= 0) return;
      const pause = Math.min(wait, MAX_SLEEP);
      await this.clock.sleep(pause, signal);
      this.#lateness = Math.min(MAX_LATENESS, this.clock.now() - now - pause);
    }
  }
}
