// The parts in flight, and how many there may be. Beyond what the page wishes for, slow-line.ts decides that.

import type { SlowLine } from "./slow-line.ts";

export interface Sending {
  readonly number: number;
  readonly size: number;
  readonly cut: AbortController;
}

export class Pace {
  readonly sending = new Set<Sending>();
  /** Aborts when the upload shall begin again, with smaller parts. */
  restart = new AbortController();
  /** There once the upload is supervised. */
  slowLine: SlowLine | null = null;

  constructor(
    /** Parts that may be sent at once. */
    public level: number,
  ) {}

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
      if (this.slowLine) this.slowLine.end(part, signal.reason);
      else cut.abort(signal.reason);
    };
    this.sending.add(part);
    signal.addEventListener("abort", end);
    try {
      const sent = await send(cut.signal);
      this.slowLine?.recordArrival(part);
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

  /** Cuts off what a pause still waits for. */
  cut(): void {
    for (const { cut } of this.sending) cut.abort();
  }
}
