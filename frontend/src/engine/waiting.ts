// The waits of one upload before something is tried again: each is announced with its end, and can be ended early.
// A wait has no limit of its own. Callers know how often they try (retry.ts, sender.ts).

import type { Clock } from "./ports.ts";
import { anySignal } from "./promises.ts";
import type { Facts, NoticeName } from "./sentences.ts";

/** Shows a notice while the upload waits; null takes it back. `until`: when the wait ends, in `clock.now()`. */
export type Notify = (notice: NoticeName | null, facts?: Facts, until?: number) => void;

export class Waiting {
  readonly #waits = new Set<AbortController>();

  constructor(
    readonly clock: Clock,
    readonly notify: Notify,
  ) {}

  /** Waits so many milliseconds, or until `tryNow`. Rejects with the signal's reason. The notice stays. */
  async wait(delay: number, signal: AbortSignal, notice: NoticeName, facts: Facts = {}): Promise<void> {
    this.notify(notice, { ...facts, wait: seconds(delay) }, this.clock.now() + delay);
    const early = new AbortController();
    this.#waits.add(early);
    try {
      await this.clock.sleep(delay, anySignal(signal, early.signal));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#waits.delete(early);
    }
  }

  /** Takes the notice of a wait back, unless something else waits. */
  end(): void {
    if (this.#waits.size === 0) this.notify(null);
  }

  /** Ends all waits. */
  tryNow(): void {
    for (const early of this.#waits) early.abort();
  }
}

/** Whole seconds for people to read: rounded up, at least 1. */
export function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
