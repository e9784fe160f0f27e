// One seeded scheduler that owns time, the order of events and every random choice of a run.
// An event runs when everything before it has settled, so a run depends on its plan alone.

declare function setImmediate(callback: () => void): void;

interface ScheduledEvent {
  readonly at: number;
  /** Decides between events of the same moment. */
  readonly order: number;
  run(): void;
}

export class Scheduler {
  /** Milliseconds of real time since the start of the run. */
  now = 0;
  /** Milliseconds for which the device was asleep: they pass for the servers, not for the page's clock. */
  slept = 0;
  steps = 0;
  #events = new Set<ScheduledEvent>();
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  get isIdle(): boolean {
    return this.#events.size === 0;
  }

  /** 0 up to 1, exclusive (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  /** Runs an event after a delay. Returns a function that cancels it. */
  after(milliseconds: number, run: () => void): () => void {
    const event = { at: this.now + milliseconds, order: this.random(), run };
    this.#events.add(event);
    return () => this.#events.delete(event);
  }

  /** Runs the next event and everything that follows from it without waiting. False when there is none. */
  async step(): Promise<boolean> {
    let next: ScheduledEvent | undefined;
    for (const event of this.#events) {
      if (!next || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    if (!next) return false;
    this.#events.delete(next);
    this.now = Math.max(this.now, next.at);
    this.steps += 1;
    next.run();
    await settle();
    return true;
  }
}

/** Resolves when no promise is left that could settle without an event. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
