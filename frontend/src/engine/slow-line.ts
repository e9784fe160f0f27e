// Measures the line. Where a cut would cost too much of its work, the upload begins again with smaller parts; where parts
// are kept already, fewer are sent at once.

import { ConcurrencyController } from "./concurrency.ts";
import { Paused } from "./line.ts";
import type { Pace, Sending } from "./pace.ts";
import type { Clock } from "./ports.ts";
import { MAX_PARALLEL } from "./queue.ts";
import type { Transfer } from "./transfer.ts";

/** Seconds of the line's work that a cut may cost. */
const MAX_AT_RISK = 15;
/** Seconds that parts should take: speeds vary, and a file may get more lanes. */
const AIM = 10;
/** Before the first answer the speed may be several times lower than what buffers make of it. */
const CAUTION = 4;
/** OSS takes parts from 100 KB on ("Multipart upload", "Limits", in the OSS user guide). */
const MIN_PART_SIZE = 128 * 1024;
/** Bytes. A line for which larger parts are right takes those that the backend chooses. */
const MAX_PART_SIZE = 32 * 1024 * 1024;
/** Milliseconds between two looks. The first of them only fills buffers. */
const TICK = 1000;
/** Milliseconds without progress after which looks are rarer, and those between two of them: an outage may take hours. */
const QUIET_AFTER = 10_000;
const QUIET_TICK = 5000;
/** Milliseconds after which the speed counts, and over which it is averaged. */
const MEASURE = 3000;
const AVERAGE_OVER = 6000;
/** The weight of the newest part in the average of those that OSS has answered. */
const NEWEST = 1 / 3;
/** Milliseconds in which an upload may begin again: as much of the line's work is lost. */
const MAX_RESTART = 6000;
/** Milliseconds for which fewer parts at once are not tried again. */
const RETRY_AFTER = 60_000;
/** A line that loses so much speed with fewer parts at once is limited for each connection. */
const MIN_SPEED = 0.75;
/** Seconds, and the milliseconds in which it must be done: a pause waits for parts that are nearly sent. */
const NEARLY = 3;
const GRACE = 5000;

interface Sample {
  readonly at: number;
  readonly sent: number;
}

export class SlowLine {
  #begin: Sample = { at: 0, sent: 0 };
  #samples: Sample[] = [];
  /** Bytes a second, by the parts that OSS has answered. */
  #answered = Number.POSITIVE_INFINITY;
  #notBefore = 0;
  /** The speed at the last look, which may have been falling. */
  #last = Number.POSITIVE_INFINITY;
  /** The speed before parts were put back. */
  #before = 0;

  /** When the first bytes of a part were sent, in milliseconds of the clock. */
  #since = new Map<Sending, number>();
  #progressAt = 0;

  readonly concurrency: ConcurrencyController;
  /** Parts of which a cut costs little enough; at least 1. */
  most = Number.POSITIVE_INFINITY;

  readonly #clock: Clock;

  constructor(
    readonly transfer: Transfer,
    readonly pace: Pace,
  ) {
    this.#clock = transfer.ports.api.environment.clock;
    this.concurrency = new ConcurrencyController(transfer.ports.parallel, MAX_PARALLEL);
  }

  /** Called whenever sending begins, also after a pause. */
  start(ended: AbortSignal): void {
    this.concurrency.restart();
    this.#begin = { at: this.#clock.now(), sent: this.transfer.meter.sent };
    this.#samples = [];
    this.#progressAt = this.#begin.at;
    this.#watch(ended).catch(() => {}); // `ended` ends it.
  }

  /** Parts that may be sent at once. */
  get level(): number {
    return Math.min(this.concurrency.level, this.most);
  }

  /** Milliseconds until the next look at what moves: `tick`, unless nothing has moved for a while. */
  untilNextLook(tick: number): number {
    return this.#clock.now() - this.#progressAt > QUIET_AFTER ? QUIET_TICK : tick;
  }

  recordStall(): void {
    this.concurrency.recordStall(this.#clock.now());
  }

  async #watch(ended: AbortSignal): Promise<never> {
    for (;;) {
      await this.#clock.sleep(this.untilNextLook(TICK), ended);
      const speed = this.#measure();
      const elapsed = this.#clock.now() - this.#begin.at;
      if (elapsed < MEASURE || speed === Number.POSITIVE_INFINITY) continue;
      this.#review(speed, elapsed);
    }
  }

  /** Ends the request for a part; after a pause only when it takes long. */
  end(part: Sending, reason: unknown): void {
    const waits = reason instanceof Paused && this.#isNearlySent(part);
    const waited = waits ? this.#clock.sleep(GRACE, part.cut.signal) : Promise.resolve();
    waited.then(() => part.cut.abort(reason)).catch(() => {});
  }

  #isNearlySent({ number, size }: Sending): boolean {
    const { meter } = this.transfer;
    const left = size - meter.sentOf(number);
    return left * this.pace.sending.size <= NEARLY * (meter.speed ?? 0);
  }

  recordProgress(): void {
    const { meter } = this.transfer;
    const now = this.#clock.now();
    this.#progressAt = now;
    const sent = [...this.pace.sending].filter(({ number }) => meter.sentOf(number));
    this.#since = new Map(sent.map((part) => [part, this.#since.get(part) ?? now]));
  }

  recordArrival(part: Sending): void {
    const now = this.#clock.now();
    this.concurrency.recordArrival(part.size, now);
    this.#measureArrival(part, now);
  }

  /** What was sent may only have filled buffers, on the way or in a proxy. A part that was answered has arrived. */
  #measureArrival(part: Sending, now: number): void {
    const parts = [...this.pace.sending];
    const passed = now - (this.#since.get(part) ?? now);
    if (passed === 0 || parts.some(({ size }) => size > part.size)) return; // The last part may be too short to tell.
    const speed = (part.size / passed) * 1000 * parts.length;
    this.#answered = this.#answered < Number.POSITIVE_INFINITY ? average(this.#answered, speed) : speed;
  }

  /** Bytes a second: the lower of what was sent and what was answered. Infinity while nothing is known. */
  #measure(): number {
    const { meter } = this.transfer;
    const now = this.#clock.now();
    const sample = { at: now, sent: meter.sent };
    const moves = sample.sent !== this.#samples.at(-1)?.sent;
    this.#samples = moves ? this.#samples.filter(({ at }) => now - at <= AVERAGE_OVER) : [];
    this.#samples.push(sample);
    const [first = sample] = this.#samples;
    // Where nothing moves, full buffers may be the reason, or a connection that is gone for a while.
    const isYoung = now - this.#begin.at <= MAX_RESTART;
    const sent = this.#waiting(now) ?? rateOf(moves || !isYoung ? first : this.#begin, sample);
    return Math.min(this.#answered, sent || Number.POSITIVE_INFINITY);
  }

  /** The most that the speed can be while all that is in flight only waits for answers; null while more can be sent. */
  #waiting(now: number): number | null {
    const { meter } = this.transfer;
    const parts = [...this.pace.sending];
    if (parts.some(({ number, size }) => meter.sentOf(number) < size)) return null;
    const age = now - Math.min(...parts.map((part) => this.#since.get(part) ?? now));
    return age > 0 ? (bytesOf(parts) / age) * 1000 : Number.POSITIVE_INFINITY;
  }

  #review(speed: number, elapsed: number): void {
    const { line } = this.transfer.ports;
    line.speed = speed;
    const now = this.#clock.now();
    if (now < this.#notBefore) return;
    const isSlower = speed < this.#before * MIN_SPEED;
    this.#before = 0;
    if (isSlower) {
      this.most = Number.POSITIVE_INFINITY;
      this.#notBefore = now + RETRY_AFTER;
    } else this.#limit(speed, elapsed);
  }

  #limit(speed: number, elapsed: number): void {
    const { ports, ledger } = this.transfer;
    const { line, parallel } = ports;
    const parts = [...this.#since.keys()];
    const most = Math.max(0, ...parts.map(({ size }) => size));
    const caution = this.#answered < Number.POSITIVE_INFINITY ? 1 : CAUTION;
    const suitable = Math.max(MIN_PART_SIZE, Math.round((speed * AIM) / parallel / caution));
    const isAtRisk = bytesOf(parts) > speed * MAX_AT_RISK;
    if (isAtRisk || line.partSize) line.partSize = suitable < MAX_PART_SIZE ? suitable : null;
    if (most) this.most = Math.max(1, Math.floor((speed * MAX_AT_RISK) / most));
    if (!isAtRisk) return;
    const isFresh = this.pace.mayRestart && ledger.doneCount === 0;
    if (isFresh && elapsed <= MAX_RESTART && this.most < 2 && suitable < most) this.pace.restart();
    else if (parts.length > this.most) {
      this.#notBefore = this.#clock.now() + AVERAGE_OVER;
      const isFalling = speed < this.#last * MIN_SPEED;
      if (!isFalling && this.#putBack(parts, parts.length - this.most)) this.#before = speed;
      this.#last = speed;
    }
  }

  /** Puts back the parts of which the least was sent, unless it was half: these are finished. Says whether there are any. */
  #putBack(parts: Sending[], count: number): boolean {
    const { meter } = this.transfer;
    const share = ({ number, size }: Sending) => meter.sentOf(number) / size;
    const least = parts.sort((a, b) => share(a) - share(b)).slice(0, count);
    const few = least.filter((part) => share(part) < 1 / 2);
    for (const part of few) this.pace.putBack(part);
    return few.length > 0;
  }
}

function bytesOf(parts: readonly Sending[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** Bytes a second; 0 for one and the same sample. */
function rateOf(first: Sample, last: Sample): number {
  return ((last.sent - first.sent) / Math.max(1, last.at - first.at)) * 1000;
}

function average(before: number, newest: number): number {
  return before + (newest - before) * NEWEST;
}
