// How many lanes are worth it.
// Its one rule: it climbs one lane at a time and keeps what made the whole faster; a stall costs a lane at once. It
// judges by bytes that have arrived, over long enough to mean something.

/** Milliseconds, and parts for each lane, before a width can be judged. */
const LEAST_TIME = 4000;
const LEAST_PARTS = 2;
/** What a lane more must bring: less is chance. */
const WORTH = 1.08;
/** What a width may lose before it is left. */
const LOSS = 0.7;
/** Milliseconds until a width that was not worth it may be tried again. */
const PATIENCE = 60_000;

export class Width {
  #bytes = 0;
  #parts = 0;
  #since: number | null = null;
  /** The rate of the width before, and whether this one is on trial. */
  #before = 0;
  #trial = false;
  #notBefore = 0;
  #best = 0;

  constructor(
    public count: number,
    readonly most: number,
  ) {}

  /** A part has arrived. */
  arrived(bytes: number, now: number): void {
    this.#since ??= now;
    this.#bytes += bytes;
    this.#parts += 1;
    const passed = now - this.#since;
    if (passed < LEAST_TIME || this.#parts < LEAST_PARTS * this.count) return;
    this.#judge((this.#bytes / passed) * 1000, now);
  }

  /** A part stood still and was taken back: fewer may get through where many do not. */
  stalled(now: number): void {
    this.#set(this.count - 1, now);
    this.#trial = false;
    this.#notBefore = now + PATIENCE;
  }

  /** Time that passes without sending says nothing about the line. */
  rest(): void {
    this.#begin(null);
    this.#trial = false;
  }

  #judge(rate: number, now: number): void {
    if (this.#trial && rate < this.#before * WORTH) {
      this.#trial = false;
      this.#notBefore = now + PATIENCE;
      this.#set(this.count - 1, now);
    } else if (!this.#trial && rate < this.#best * LOSS && this.count > 2) {
      this.#best = rate;
      this.#notBefore = now + PATIENCE;
      this.#set(this.count - 1, now);
    } else if (this.count < this.most && now >= this.#notBefore) {
      this.#trial = true;
      this.#before = rate;
      this.#set(this.count + 1, now);
    } else {
      this.#trial = false;
      this.#begin(now);
    }
    this.#best = Math.max(this.#best, rate);
  }

  #set(count: number, now: number): void {
    this.count = Math.max(1, Math.min(this.most, count));
    this.#begin(now);
  }

  #begin(now: number | null): void {
    this.#since = now;
    this.#bytes = this.#parts = 0;
  }
}
