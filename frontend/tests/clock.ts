// A clock that the test advances, so that hours take milliseconds and nothing depends on the machine.

import type { Clock } from "../src/engine/ports.ts";

interface Timer {
  readonly at: number;
  fire(): void;
}

/** Milliseconds of the machine's own time without a timer, after which nothing is expected any more. */
const PATIENCE = 60_000;

export class FakeClock implements Clock {
  #now = 0;
  #timers = new Set<Timer>();
  /** What `random` gives; 0.5 unless a test wants another. */
  chance = 0.5;
  /** Every sleep that was asked for, in order. */
  readonly slept: number[] = [];

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.slept.push(milliseconds);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => {
        this.#timers.delete(timer);
        reject(signal.reason);
      };
      const fire = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const timer = { at: this.#now + milliseconds, fire };
      this.#timers.add(timer);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Advances to the next timer, at most to `end`. False when there was none. */
  step(end = Number.POSITIVE_INFINITY): boolean {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.at < first.at) first = timer;
    if (!first || first.at > end) return false;
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.fire();
    return true;
  }

  /** Advances until the promise is settled, and settles as it does. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const settled = promise.then(
      () => undefined,
      () => undefined,
    );
    void settled.then(() => {
      over = true;
    });
    await this.until(() => over);
    return promise;
  }

  /** Advances until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    let advanced = performance.now();
    for (let steps = 0; ; ) {
      await breathe();
      if (condition()) return;
      if (this.step()) {
        steps++;
        advanced = performance.now();
      }
      // Hashing and reading files are done by other threads, which a busy machine keeps waiting.
      const isStuck = performance.now() - advanced > PATIENCE;
      if (isStuck || steps > 100_000) throw new Error(`No timer is left at ${this.#now} ms.`);
    }
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    do await breathe();
    while (this.step(end));
    this.#now = end;
  }
}

/** Runs everything that needs no timer. */
export async function breathe(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await tick();
}

/** One turn of the event loop; a timer of 0 would take a millisecond, and there are many turns. */
function tick(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
