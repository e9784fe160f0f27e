// How far an upload is, how fast it goes and how long it will take.
// Its one rule: counts bytes that were truly handed to the network; never above the total, and falling only when a
// part starts over.

export interface Progress {
  readonly loaded: number;
  readonly total: number;
  /** 0 … 1; an empty file is whole from the start. */
  readonly ratio: number;
  /** Bytes a second, averaged over the last seconds; null before anything can be said. */
  readonly speed: number | null;
  /** Seconds left; null before anything can be said. */
  readonly eta: number | null;
}

/** How far back the average looks, in milliseconds. */
const MEMORY = 6_000;
/** Samples nearer than this measure the browser's timers rather than the line. */
const SPACING = 200;

export class Meter {
  #finished: number;
  #flying = new Map<number, number>();
  #sent = 0;
  #rate = 0;
  #weight = 0;
  #sampledAt: number | null = null;
  #sampledSent = 0;

  constructor(
    /** Infinity of a stream, until its end. */
    public total: number,
    finished = 0,
  ) {
    this.#finished = finished;
  }

  get loaded(): number {
    let loaded = this.#finished;
    for (const bytes of this.#flying.values()) loaded += bytes;
    return Math.min(this.total, loaded);
  }

  /** A part's bytes so far; `size` caps what the browser reports, which may count more than the body. */
  advance(number: number, loaded: number, size: number, now: number): void {
    const before = this.#flying.get(number) ?? 0;
    const after = Math.min(loaded, size);
    this.#flying.set(number, after);
    this.#sent += Math.max(0, after - before);
    this.#sample(now);
  }

  finish(number: number, size: number, now: number): void {
    this.advance(number, size, size, now);
    this.#flying.delete(number);
    this.#finished += size;
  }

  /** The part will have to start over. */
  drop(number: number): void {
    this.#flying.delete(number);
  }

  /** Finished bytes as the storage has them. */
  reset(finished: number): void {
    this.#finished = finished;
    this.#flying.clear();
  }

  /** Time that passes without sending, such as a pause, is not slowness. */
  rest(): void {
    this.#sampledAt = null;
    this.#rate = 0;
    this.#weight = 0;
  }

  get speed(): number | null {
    return this.#weight > 0 ? this.#rate / this.#weight : null;
  }

  read(): Progress {
    const { loaded, speed } = this;
    if (this.total === Number.POSITIVE_INFINITY) return { loaded, total: loaded, ratio: 0, speed, eta: null };
    const { total } = this;
    const eta = speed ? (total - loaded) / speed : null;
    return { loaded, total, ratio: total === 0 ? 1 : loaded / total, speed, eta };
  }

  /** An exponential average over time; dividing by its weight so far frees it from its start at nought. */
  #sample(now: number): void {
    if (this.#sampledAt === null) {
      this.#sampledAt = now;
      this.#sampledSent = this.#sent;
      return;
    }
    const passed = now - this.#sampledAt;
    if (passed < SPACING) return;
    const keep = Math.exp(-passed / MEMORY);
    const measured = ((this.#sent - this.#sampledSent) / passed) * 1000;
    this.#rate = this.#rate * keep + measured * (1 - keep);
    this.#weight = this.#weight * keep + (1 - keep);
    this.#sampledAt = now;
    this.#sampledSent = this.#sent;
  }
}
