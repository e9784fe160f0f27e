// The parts in flight, and how many there may be. Loaded for files that are more than a moment's work.

import { sendCheckpoints } from "./checkpoints.ts";
import { anySignal } from "./promises.ts";
import { SlowLine } from "./slow-line.ts";
import { sizeOf, type Transfer } from "./transfer.ts"; // Parts come with it: no chunk more to load.

export interface Sending {
  readonly number: number;
  readonly size: number;
  readonly cut: AbortController;
}

/** The reason with which all requests are aborted when the upload shall begin again, with smaller parts. */
class SmallerParts extends Error {}

export class Pace {
  readonly sending = new Set<Sending>();
  readonly slowLine: SlowLine;
  mayRestart = false;
  #restart = new AbortController();

  constructor(readonly transfer: Transfer) {
    this.slowLine = new SlowLine(transfer, this);
  }

  /** Called whenever sending begins, also after a pause. The signal aborts as `signal` does, and for smaller parts. */
  start(signal: AbortSignal, ended: AbortSignal, mayRestart: boolean): AbortSignal {
    this.mayRestart = mayRestart && !this.transfer.ports.source.isStream;
    this.#restart = new AbortController();
    this.slowLine.start(ended);
    sendCheckpoints(this.transfer, ended).catch(() => {}); // `ended` ends it.
    return anySignal(signal, this.#restart.signal);
  }

  restart(): void {
    for (const { number } of this.sending) this.transfer.meter.drop(number);
    this.#restart.abort(new SmallerParts());
  }

  isRestart(error: unknown): boolean {
    return error instanceof SmallerParts;
  }

  /** Null when the part was put back. */
  async send<T>(
    number: number,
    signal: AbortSignal,
    send: (cut: AbortSignal) => Promise<T>,
  ): Promise<T | null> {
    const cut = new AbortController();
    const part = { number, size: sizeOf(this.transfer.ledger.plan, number), cut };
    const end = () => this.slowLine.end(part, signal.reason);
    this.sending.add(part);
    signal.addEventListener("abort", end);
    try {
      const sent = await send(cut.signal);
      this.slowLine.recordArrival(part);
      return sent;
    } catch (error) {
      if (cut.signal.reason === part) return null;
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
      this.sending.delete(part);
      cut.abort();
    }
  }

  /** The bytes of the part count no longer at once: events of progress may come before the request has ended. */
  putBack(part: Sending): void {
    this.transfer.meter.drop(part.number);
    part.cut.abort(part);
  }

  /** Cuts off what a pause still waits for. */
  cut(): void {
    for (const { cut } of this.sending) cut.abort();
  }
}

export function makePace(transfer: Transfer): Pace {
  return new Pace(transfer);
}
