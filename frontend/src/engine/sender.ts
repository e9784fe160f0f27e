// One part on its way to the storage, through every trouble that trying again can cure.
// Its one rule: a part that fails costs that part alone; only what no retry can mend leaves `send` as an error.

import { NetworkError } from "./errors.ts";
import type { DonePart } from "./ledger.ts";
import type { Line } from "./line.ts";
import { type Plan, type Range, rangeOf } from "./parts.ts";
import type { Clock, SendAnswer, Transport } from "./ports.ts";
import type { Meter } from "./progress.ts";
import { delayBefore, seconds, type Tell } from "./retry.ts";
import type { FreshPart, Signer } from "./signer.ts";
import type { Slots } from "./slots.ts";
import type { Source } from "./source.ts";
import { donePart, judge, storageError, type Verdict } from "./storage.ts";
import { Silence, watched } from "./watchdog.ts";

/** Failures of one part, while other parts get through, before it is given up. */
const TRIES = 8;
/** Refusals of fresh URLs in a row: the URL is not what is wrong then. */
const REFUSALS = 5;
/** Milliseconds without a byte moving before a request counts as stalled. */
const QUIET = 30_000;

export interface SenderPorts {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly line: Line;
  readonly signer: Signer;
  readonly meter: Meter;
  readonly source: Source;
  readonly plan: Plan;
  readonly tell: Tell;
  onprogress(): void;
  /** A request stood still and was taken back. */
  onstall(): void;
  /** What all uploads of the page have together: more requests than connections would stand still, and look stalled. */
  readonly slots: Slots;
}

/** What one part has been through so far. */
interface Trials {
  readonly number: number;
  readonly range: Range;
  signed: FreshPart | null;
  failures: number;
  refusals: number;
}

export class Sender {
  constructor(readonly ports: SenderPorts) {}

  async send(number: number, signal: AbortSignal): Promise<DonePart> {
    const { meter, plan, clock } = this.ports;
    const range = rangeOf(plan, number);
    const trials: Trials = { number, range, signed: null, failures: 0, refusals: 0 };
    const { size } = this.ports.source.slice(range); // The last of a stream is shorter than its range.
    try {
      for (;;) {
        const answer = await this.#attempt(trials, signal);
        if (answer && judge(answer) === "done") {
          meter.finish(number, size, clock.now());
          return donePart(number, size, answer);
        }
        meter.drop(number);
        await this.#wait(trials, answer, signal);
      }
    } finally {
      meter.drop(number);
    }
  }

  /** One request; null when it stalled. */
  async #attempt(trials: Trials, signal: AbortSignal): Promise<SendAnswer | null> {
    const { slots } = this.ports;
    const free = await slots.enter(signal);
    try {
      return await this.#passed(trials, signal);
    } finally {
      free();
    }
  }

  async #passed(trials: Trials, signal: AbortSignal): Promise<SendAnswer | null> {
    const { line, signer, source, clock } = this.ports;
    const leave = await line.pass(signal);
    try {
      if (!trials.signed || !signer.isFresh(trials.signed)) {
        trials.signed = await signer.take(trials.number, signal);
      }
      const body = source.slice(trials.range);
      const startedAt = clock.now();
      const answer = await this.#send(trials.signed, body, signal);
      if (!answer) line.stalled();
      else if (answer.status !== 0) line.answered();
      else {
        await source.assertReadable(trials.range);
        await line.silent(trials.signed.url, startedAt, signal);
      }
      return answer;
    } finally {
      leave();
    }
  }

  async #send(signed: FreshPart, body: Blob, signal: AbortSignal): Promise<SendAnswer | null> {
    const { clock, transport, meter } = this.ports;
    let sent = 0;
    try {
      return await watched(clock, QUIET, signal, (signal, alive) => {
        const onprogress = (loaded: number) => {
          if (loaded > sent) alive();
          sent = Math.max(sent, loaded);
          meter.advance(signed.number, Math.min(loaded, body.size), body.size, clock.now());
          this.ports.onprogress();
        };
        return transport.send({ signed, body, signal, onprogress });
      });
    } catch (error) {
      if (error instanceof Silence) {
        this.ports.onstall();
        return null;
      }
      throw error;
    }
  }

  /** Waits as long as is decent before the next try; throws when there shall be none. */
  async #wait(trials: Trials, answer: SendAnswer | null, signal: AbortSignal): Promise<void> {
    const { clock, line, tell } = this.ports;
    const verdict = answer ? judge(answer) : "silent";
    const error =
      answer && verdict !== "silent" ? storageError(answer) : new NetworkError("storage_unreachable");
    if (!this.#mayTryAgain(trials, verdict)) throw error;
    if (verdict === "silent" && line.isDown) return; // the line waits, for all lanes together
    const attempts = Math.max(1, trials.failures + trials.refusals);
    const delay = delayBefore(attempts, error.retryAfter, () => clock.random());
    if (verdict === "again") tell("storage_busy", { code: error.code, wait: seconds(delay) });
    if (verdict === "silent") tell("part_lost", { wait: seconds(delay) });
    await clock.sleep(delay, signal);
    tell(null);
  }

  #mayTryAgain(trials: Trials, verdict: Verdict): boolean {
    switch (verdict) {
      case "sign":
        if (trials.signed) this.ports.signer.refuse(trials.signed);
        trials.signed = null;
        return ++trials.refusals < REFUSALS;
      case "again":
        return ++trials.failures < TRIES;
      case "silent":
        // While nothing gets through at all, the line decides how long to go on, and it never gives up.
        return this.ports.line.isDown || ++trials.failures < TRIES;
      default:
        return false;
    }
  }
}
