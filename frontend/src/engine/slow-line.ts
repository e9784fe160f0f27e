// A line on which a cut would cost too much gets an upload with smaller parts. Where parts are kept already, fewer are
// sent at once. Loaded when it is needed.

import { suitablePartSize } from "./line.ts";
import { MAX_AT_RISK, type Pace, type Sending } from "./pace.ts";

/** Milliseconds in which an upload may begin again: as much of the line's work is lost. */
const MAX_RESTART = 6000;
/** Milliseconds between two looks: the speed is an average over so long. */
const INTERVAL = 6000;
/** Milliseconds for which fewer parts at once are not tried again. */
const RETRY_AFTER = 60_000;
/** A line that loses so much speed with fewer parts at once is limited for each connection. */
const MIN_SPEED = 0.75;

export class SlowLine {
  #notBefore = 0;
  /** The speed at the last look, which may have been falling. */
  #last = Number.POSITIVE_INFINITY;
  /** The speed before parts were put back. */
  #before = 0;

  constructor(readonly pace: Pace) {}

  /** `speed` in bytes a second, `elapsed` in milliseconds since parts are sent. */
  review(speed: number, elapsed: number): void {
    const now = this.pace.ports.clock.now();
    if (now < this.#notBefore) return;
    const isSlower = speed < this.#before * MIN_SPEED;
    this.#before = 0;
    if (isSlower) {
      this.pace.lanes = Number.POSITIVE_INFINITY;
      this.#notBefore = now + RETRY_AFTER;
    } else this.#limit(speed, elapsed);
  }

  #limit(speed: number, elapsed: number): void {
    const { pace } = this;
    const { clock, ...settings } = pace.ports;
    const parts = [...pace.sending];
    const most = Math.max(...parts.map(({ size }) => size));
    pace.lanes = Math.max(1, Math.floor((speed * MAX_AT_RISK) / most));
    if (parts.reduce((sum, { size }) => sum + size, 0) <= speed * MAX_AT_RISK) return;
    const suitable = suitablePartSize(settings, Number.POSITIVE_INFINITY) ?? most;
    if (elapsed <= MAX_RESTART && suitable < most && pace.mayRestart()) pace.restart();
    else if (parts.length > pace.lanes) {
      this.#notBefore = clock.now() + INTERVAL;
      if (speed >= this.#last * MIN_SPEED) {
        this.#before = speed;
        this.#putBack(parts, parts.length - pace.lanes);
      }
      this.#last = speed;
    }
  }

  /** Puts back the parts of which the least was sent, unless it was half: these are finished. */
  #putBack(parts: Sending[], count: number): void {
    const { meter } = this.pace.ports;
    const share = ({ number, size }: Sending) => meter.sentOf(number) / size;
    const least = parts.sort((a, b) => share(a) - share(b)).slice(0, count);
    for (const part of least) if (share(part) < 1 / 2) this.pace.putBack(part);
  }
}
