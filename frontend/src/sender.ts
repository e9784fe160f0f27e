// One part on its way to the storage, through every trouble that trying again can cure.
// Its one rule: a part that fails costs that part alone; only what no retry can mend leaves `send` as an error.

import { NetworkError, StorageError, type UploadError } from "./errors.ts";
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
  /** Where many small files share the line; null where the lanes are few enough. */
  readonly slots: Slots | null;
  /** The CRC64 of the part's bytes on this side; null where nobody asked for it. */
  crc64(number: number): Promise<string> | null;
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
    this.ports.crc64(number)?.catch(() => {}); // Beside the upload; met again when the part has arrived.
    try {
      for (;;) {
        const answer = await this.#attempt(trials, signal);
        if (answer && judge(answer) === "done") {
          const part = await this.#verified(donePart(number, size, answer));
          if (part) {
            meter.finish(number, part.size, clock.now());
            return part;
          }
          await this.#damaged(trials, answer, signal);
        } else {
          meter.drop(number);
          await this.#wait(trials, answer, signal);
        }
      }
    } finally {
      meter.drop(number);
    }
  }

  /** The part with the CRC64 that both sides agree on (ours alone, where CORS hides theirs); null if they differ. */
  async #verified(part: DonePart): Promise<DonePart | null> {
    const ours = await this.ports.crc64(part.number);
    if (!ours) return part;
    return part.crc64 && part.crc64 !== ours ? null : { ...part, crc64: ours };
  }

  async #damaged(trials: Trials, answer: SendAnswer, signal: AbortSignal): Promise<void> {
    const { clock, meter, source, tell } = this.ports;
    meter.drop(trials.number);
    await source.assertReadable(trials.range);
    if (++trials.failures >= TRIES) throw damaged(answer);
    const delay = delayBefore(trials.failures, null, () => clock.random());
    tell(`A part arrived damaged; sending it again in ${seconds(delay)}.`);
    await clock.sleep(delay, signal);
    tell("");
  }

  /** One request; null when it stalled. */
  async #attempt(trials: Trials, signal: AbortSignal): Promise<SendAnswer | null> {
    const { slots } = this.ports;
    const free = await slots?.enter(signal);
    try {
      return await this.#passed(trials, signal);
    } finally {
      free?.();
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
      if (error instanceof Silence) return null;
      throw error;
    }
  }

  /** Waits as long as is decent before the next try; throws when there shall be none. */
  async #wait(trials: Trials, answer: SendAnswer | null, signal: AbortSignal): Promise<void> {
    const { clock, line, tell } = this.ports;
    const verdict = answer ? judge(answer) : "silent";
    const error = answer && verdict !== "silent" ? storageError(answer) : unreachable();
    if (!this.#mayTryAgain(trials, verdict)) throw error;
    if (verdict === "silent" && line.isDown) return; // the line waits, for all lanes together
    const attempts = Math.max(1, trials.failures + trials.refusals);
    const delay = delayBefore(attempts, error.retryAfter, () => clock.random());
    if (verdict === "again") tell(`The storage is busy (${error.code}); trying again in ${seconds(delay)}.`);
    if (verdict === "silent") tell(`A part did not get through; trying again in ${seconds(delay)}.`);
    await clock.sleep(delay, signal);
    tell("");
  }

  #mayTryAgain(trials: Trials, verdict: Verdict): boolean {
    switch (verdict) {
      case "sign":
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

function damaged(answer: SendAnswer): UploadError {
  return new StorageError({
    code: "damaged",
    title: "A part arrived damaged, again and again.",
    detail: "What the storage holds is not what was sent.",
    status: answer.status,
    requestId: answer.headers.get("x-oss-request-id"),
    retryAfter: null,
    hint: "Something between you and the storage changes the bytes, or the file changes while it is read. Try another line.",
  });
}

function unreachable(): UploadError {
  return new NetworkError("The storage cannot be reached.");
}
