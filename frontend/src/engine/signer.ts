// A window of signed URLs, a little ahead of the lanes.
// Its one rule: one request for URLs at a time, for what the lanes will start within about the next minute, so that
// no URL grows old in a queue and none is asked for in vain.

import type { SignedBatch, SignedPart } from "./api.ts";
import type { Clock } from "./ports.ts";

/** A signed part with its life on our own clock. */
export interface FreshPart extends SignedPart {
  /** On `clock.now()`: after this a part must not be started on the URL. */
  readonly startBefore: number;
  /** Counts the answers in which URLs came. */
  readonly batch: number;
}

export interface SignerPorts {
  readonly clock: Clock;
  readonly lanes: number;
  /** Parts nobody has started, in the order in which they will be. */
  upcoming(): readonly number[];
  /** Parts a second at the present speed; null when not yet known. */
  rate(): number | null;
  sign(numbers: readonly number[], signal: AbortSignal): Promise<SignedBatch>;
  /** What the storage was sent is no longer good to it, whatever our clock says. */
  onrefusal(): void;
}

/** How many URLs the answer to create carries. */
export const FIRST_BATCH = 16;
const LARGEST_BATCH = 100;
/** Seconds of work that a batch should cover. */
const HORIZON = 75;

export class Signer {
  #ready = new Map<number, FreshPart>();
  #flight: Promise<void> | null = null;
  #batches = 0;
  /** The first batch that came after the last refusal. */
  #trusted = 0;

  constructor(readonly ports: SignerPorts) {}

  /** A URL for this part that is fit to be started on now. */
  async take(number: number, signal: AbortSignal): Promise<FreshPart> {
    for (;;) {
      signal.throwIfAborted();
      const part = this.#ready.get(number);
      this.#ready.delete(number);
      if (part && this.isFresh(part)) {
        this.#lookAhead(signal);
        return part;
      }
      // A batch of others, perhaps of a run that was stopped, may fail for reasons of its own.
      if (this.#flight) await this.#flight.catch(() => {});
      else await this.#request(number, signal);
    }
  }

  isFresh(part: FreshPart): boolean {
    return this.ports.clock.now() < part.startBefore;
  }

  /**
   * The storage refused this URL: those that were signed before now will fare no better. Our clock stands still while
   * the device sleeps, and cannot tell.
   */
  refuse(part: FreshPart): void {
    if (part.batch < this.#trusted) return;
    this.#trusted = this.#batches;
    this.#ready.clear();
    this.ports.onrefusal();
  }

  /**
   * Takes in an answer. The life of a URL is what lay between its end and the server's time when it answered, counted
   * from now: the device's own idea of the date does not come into it.
   */
  accept({ parts, server_time }: SignedBatch): void {
    const now = this.ports.clock.now();
    const batch = this.#batches++;
    for (const part of parts) {
      const life = Date.parse(part.expires_at) - Date.parse(server_time);
      this.#ready.set(part.number, { ...part, startBefore: now + life - Math.min(30_000, life / 5), batch });
    }
  }

  /** Asks ahead once few URLs are left. A failure here is not reported: whoever needs a URL will meet it. */
  #lookAhead(signal: AbortSignal): void {
    const ahead = this.#ahead();
    const signed = ahead.filter((number) => this.#has(number)).length;
    if (signed > this.ports.lanes || this.#flight || signed === ahead.length) return;
    this.#request(undefined, signal).catch(() => {});
  }

  #request(first: number | undefined, signal: AbortSignal): Promise<void> {
    const numbers = this.#batch(first);
    this.#flight = this.ports
      .sign(numbers, signal)
      .then((batch) => this.accept(batch))
      .finally(() => {
        this.#flight = null;
      });
    return this.#flight;
  }

  /** The part that is waited for, then those that the lanes will start next. */
  #batch(first: number | undefined): number[] {
    const { lanes, rate } = this.ports;
    const wanted = Math.ceil((rate() ?? 0) * HORIZON) || FIRST_BATCH;
    const size = Math.min(LARGEST_BATCH, Math.max(2 * lanes, wanted));
    const next = this.#ahead().filter((number) => !this.#has(number));
    return (first === undefined ? next : [first, ...next]).slice(0, size);
  }

  /** No more than can be in the window: there may be 10,000 parts. */
  #ahead(): number[] {
    return this.ports.upcoming().slice(0, 2 * LARGEST_BATCH);
  }

  #has(number: number): boolean {
    const part = this.#ready.get(number);
    return part !== undefined && this.isFresh(part);
  }
}
