// How many parts are sent to which address. The best one alone first; then all side by side, if that is a gain.
// It judges by bytes that were handed to the network in a few seconds, because a part may take minutes.

import type { Address } from "./address.ts";
import type { ConcurrencyController } from "./concurrency.ts";
import { MAX_PARALLEL } from "./queue.ts";

/** The first address is preferred unless another answers in less than this share of its time. */
const PREFERENCE = 0.8;
/** Milliseconds after a change before its effect is measured, and the time of the measurement. */
const SETTLE = 2000;
const WINDOW = 3000;
/** All addresses together must be faster by this factor than the best one was. Less is chance, or the line is full. */
const MIN_GAIN = 1.3;
/** The share of the fastest address's rate that another must have. */
const MIN_SHARE = 0.1;
/** Milliseconds until addresses that did not help are tried again; it doubles each time. */
const TRY_AGAIN_AFTER = 60_000;

type Phase = "choosing" | "alone" | "trial" | "together";

export class SideBySide {
  phase: Phase = "choosing";
  best: Address;
  readonly #startedAt: number;
  #since: number;
  #from: { readonly at: number; readonly bytes: readonly number[] } | null = null;
  #rateAlone = 0;
  #notBefore = 0;
  #gap = TRY_AGAIN_AFTER;

  constructor(
    readonly addresses: readonly Address[],
    /** How many parts the best one gets when it is used alone. */
    readonly concurrency: ConcurrencyController,
    now: number,
  ) {
    this.best = addresses[0] as Address;
    this.#startedAt = this.#since = now;
  }

  /** Drops the running measurement. Time without sending says nothing about the network. */
  restart(now: number): void {
    this.#enter(this.phase, now);
  }

  /** Sets the lanes of all addresses. */
  update(now: number): void {
    if (this.phase === "choosing") this.#choose(now);
    else if (this.best.isOut) this.#takeAnother(now);
    else if (this.phase === "together") this.#dropSlow(now);
    else this.#judge(now);
    for (const address of this.addresses) {
      if (this.phase === "trial") address.lanes = MAX_PARALLEL;
      else if (this.phase !== "together") address.lanes = address === this.best ? this.concurrency.level : 0;
    }
  }

  get #usable(): Address[] {
    return this.addresses.filter(({ isOut, answerTime }) => !isOut && answerTime !== null);
  }

  /** The one that answers first; the first of the list also if it is a little slower. */
  #choose(now: number): void {
    const [first] = this.addresses;
    const fastest = byAnswer(this.#usable)[0];
    if (!fastest || !first) {
      if (this.best.isOut) this.#takeAnother(now);
      return;
    }
    const waited = first.isOut ? Number.POSITIVE_INFINITY : (first.answerTime ?? now - this.#startedAt);
    const isFirst = (fastest.answerTime ?? 0) >= waited * PREFERENCE;
    if (isFirst && first.answerTime === null) return;
    this.best = isFirst ? first : fastest;
    this.#enter("alone", now);
  }

  /** Measures the best address alone, then all together. */
  #judge(now: number): void {
    if (this.phase === "alone" && (now < this.#notBefore || this.#usable.length < 2)) {
      this.#enter("alone", now);
      return;
    }
    const rates = this.#measured(now);
    if (!rates) return;
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    if (this.phase === "alone") {
      this.#rateAlone = total;
      this.#enter("trial", now);
    } else if (total >= this.#rateAlone * MIN_GAIN && this.#keepFast(rates) > 1) {
      this.#enter("together", now);
    } else {
      this.#endTrial(rates, now);
    }
  }

  /** What the best one was with all its connections is known now. */
  #endTrial(rates: readonly number[], now: number): void {
    if ((rates[this.best.index] ?? 0) > this.#rateAlone) this.concurrency.level = MAX_PARALLEL;
    this.concurrency.restart();
    this.#notBefore = now + this.#gap;
    this.#gap *= 2;
    this.#enter("alone", now);
  }

  #dropSlow(now: number): void {
    const rates = this.#measured(now);
    if (!rates) return;
    if (this.#keepFast(rates) < 2) this.#enter("alone", now);
  }

  /** Takes the lanes of those that are too slow. Returns how many are left. */
  #keepFast(rates: readonly number[]): number {
    const fastest = Math.max(...rates);
    for (const address of this.addresses) {
      if ((rates[address.index] ?? 0) < fastest * MIN_SHARE) address.lanes = 0;
    }
    const left = this.addresses.filter(({ lanes, isOut }) => lanes > 0 && !isOut);
    this.best = this.addresses[rates.indexOf(fastest)] ?? this.best;
    return left.length;
  }

  /** Bytes a millisecond of each address; null while it is too early. */
  #measured(now: number): number[] | null {
    if (now - this.#since < SETTLE) return null;
    this.#from ??= { at: now, bytes: this.addresses.map(({ bytes }) => bytes) };
    const from = this.#from;
    const elapsed = now - from.at;
    if (elapsed < WINDOW) return null;
    this.#from = null;
    return this.addresses.map(({ bytes, index }) => (bytes - (from.bytes[index] ?? 0)) / elapsed);
  }

  /** The best one has failed. */
  #takeAnother(now: number): void {
    const others = this.addresses.filter(({ isOut }) => !isOut);
    this.best = byAnswer(others)[0] ?? others[0] ?? this.best;
    this.#enter("alone", now);
  }

  #enter(phase: Phase, now: number): void {
    this.phase = phase;
    this.#since = now;
    this.#from = null;
  }
}

function byAnswer(addresses: readonly Address[]): Address[] {
  const time = ({ answerTime }: Address) => answerTime ?? Number.POSITIVE_INFINITY;
  return [...addresses].sort((a, b) => time(a) - time(b));
}
