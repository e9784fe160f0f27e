// The parts in flight: how long a cut would take to make good, and what a pause still waits for.

import { type LineSettings, Paused } from "./line.ts";
import type { Clock } from "./ports.ts";
import type { ProgressMeter } from "./progress.ts";
import type { SlowLine } from "./slow-line.ts";

/** Seconds of the line's work that a cut may cost. */
export const MAX_AT_RISK = 15;
/** Milliseconds: the first bytes only fill buffers; then the speed is measured. */
const SETTLE = 1000;
const MEASURE = 3000;
/** Seconds, and the milliseconds in which it must be done: a pause waits for parts that are nearly sent. */
const NEARLY = 3;
const GRACE = 5000;

export interface PacePorts extends LineSettings {
  readonly clock: Clock;
  readonly meter: ProgressMeter;
}

export interface Sending {
  readonly number: number;
  readonly size: number;
  readonly cut: AbortController;
}

/** The upload shall begin again, with smaller parts. */
export class SmallerParts extends Error {}

export class Pace {
  /** Parts that may be sent at once. */
  lanes = Number.POSITIVE_INFINITY;
  readonly sending = new Set<Sending>();
  mayRestart = () => false;
  #restart = new AbortController();
  #since = 0;
  #isSettled = false;
  #slowLine: SlowLine | null = null;

  constructor(readonly ports: PacePorts) {}

  /** The signal aborts with SmallerParts, where `mayRestart` says so. */
  start(mayRestart: () => boolean): AbortSignal {
    this.mayRestart = mayRestart;
    this.#restart = new AbortController();
    this.#since = this.ports.clock.now();
    this.#isSettled = false;
    return this.#restart.signal;
  }

  restart(): void {
    for (const { number } of this.sending) this.ports.meter.drop(number);
    this.#restart.abort(new SmallerParts());
  }

  /** The bytes of the part count no longer at once: events of progress may come before the request has ended. */
  putBack(part: Sending): void {
    this.ports.meter.drop(part.number);
    part.cut.abort(part);
  }

  /** Null when the part was put back. */
  async send<T>(
    number: number,
    size: number,
    signal: AbortSignal,
    send: (cut: AbortSignal) => Promise<T>,
  ): Promise<T | null> {
    const cut = new AbortController();
    const part = { number, size, cut };
    const end = () => {
      const waits = signal.reason instanceof Paused && this.#isNearlySent(part);
      const waited = waits ? this.ports.clock.sleep(GRACE, cut.signal) : Promise.resolve();
      waited.then(() => cut.abort(signal.reason)).catch(() => {});
    };
    this.sending.add(part);
    signal.addEventListener("abort", end);
    try {
      return await send(cut.signal);
    } catch (error) {
      if (cut.signal.reason === part) return null;
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
      this.sending.delete(part);
      cut.abort();
    }
  }

  #isNearlySent({ number, size }: Sending): boolean {
    const { meter } = this.ports;
    const left = size - meter.sentOf(number);
    return left * this.sending.size <= NEARLY * (meter.speed ?? 0);
  }

  /** Cuts off what a pause still waits for. */
  cut(): void {
    for (const { cut } of this.sending) cut.abort();
  }

  /** Called whenever bytes were sent. */
  review(): void {
    const { clock, line, meter } = this.ports;
    const elapsed = clock.now() - this.#since;
    if (!this.#isSettled && elapsed >= SETTLE) {
      this.#isSettled = true;
      meter.restart();
    }
    const { speed } = meter;
    if (speed === null || elapsed < MEASURE) return;
    line.speed = speed;
    this.#slowLine?.review(speed, elapsed);
    let atRisk = 0;
    for (const { size } of this.sending) atRisk += size;
    if (this.#slowLine || atRisk <= speed * MAX_AT_RISK) return;
    // Most lines never need it.
    import("./slow-line.ts").then(
      ({ SlowLine }) => {
        this.#slowLine ??= new SlowLine(this);
      },
      () => {},
    );
  }
}
