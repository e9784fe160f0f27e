// The line to the storage as all lanes of an upload see it together.
// Its one rule: when nothing gets through, one lane at a time goes and tries; the others wait for it instead of
// knocking as well.

import { aborting } from "./aborting.ts";
import { CorsError } from "./errors.ts";
import type { Clock, Connection } from "./ports.ts";
import { backoff, seconds, type Tell } from "./retry.ts";

/** So many silences in a row, in all lanes together, and the line counts as down. */
const DOWN = 4;
/** So many silences, without one answer ever, and CORS is suspected. */
const SUSPECT = 2;

export interface LinePorts {
  readonly clock: Clock;
  readonly connection: Connection;
  readonly origin: string;
  readonly tell: Tell;
}

export class Line {
  #silences = 0;
  #answered = false;
  /** When the storage was found reachable although no part got an answer; null while nothing is suspected. */
  #suspectedAt: number | null = null;
  #inquiry: Promise<boolean> | null = null;
  #scout: Promise<void> | null = null;

  constructor(readonly ports: LinePorts) {}

  get isDown(): boolean {
    return this.#silences >= DOWN;
  }

  /** Returns when it makes sense to start a request, with what is to be called once its outcome is told. */
  async pass(signal: AbortSignal): Promise<() => void> {
    const { connection, tell } = this.ports;
    for (;;) {
      signal.throwIfAborted();
      if (!connection.online) {
        tell("offline");
        await connection.whenOnline(signal);
        tell(null);
      } else if (this.isDown && this.#scout) {
        await aborting(this.#scout, signal);
      } else {
        return this.isDown ? this.#goAhead(signal) : () => {};
      }
    }
  }

  /** Any answer, even a refusal, shows that requests get through and that CORS lets us read. */
  answered(): void {
    if (this.isDown) this.ports.tell(null);
    this.#answered = true;
    this.#silences = 0;
    this.#suspectedAt = null;
  }

  /** A request stopped moving and was taken back. */
  stalled(): void {
    this.#silences += 1;
  }

  /** A request begun at `startedAt` got no answer. Throws when CORS is the reason. */
  async silent(url: string, startedAt: number, signal: AbortSignal): Promise<void> {
    this.#silences += 1;
    await this.#askForCors(new URL(url).origin, startedAt, signal);
  }

  /** Makes the caller the one lane that tries. */
  async #goAhead(signal: AbortSignal): Promise<() => void> {
    const { clock, tell } = this.ports;
    const back = this.#sendScout();
    const delay = backoff(this.#silences, () => clock.random());
    tell("storage_down", { wait: seconds(delay) });
    try {
      await clock.sleep(delay, signal);
    } catch (error) {
      back();
      throw error;
    }
    tell("storage_probe");
    return back;
  }

  #sendScout(): () => void {
    let resolve = () => {};
    const scout = new Promise<void>((done) => {
      resolve = done;
    });
    this.#scout = scout;
    return () => {
      if (this.#scout === scout) this.#scout = null;
      resolve();
    };
  }

  /**
   * A refusal by CORS and a dead line look alike to a page: status 0. But a plain request that need not be read tells
   * them apart. A server that has just come back would too, so one more part must fail after the storage was reached.
   */
  async #askForCors(storage: string, startedAt: number, signal: AbortSignal): Promise<void> {
    const { clock, connection, origin } = this.ports;
    if (this.#answered || this.#silences < SUSPECT || !connection.online) return;
    this.#inquiry ??= connection.reaches(storage, signal).finally(() => {
      this.#inquiry = null;
    });
    const reachable = await this.#inquiry;
    signal.throwIfAborted();
    if (!reachable || this.#answered) {
      this.#suspectedAt = null;
    } else if (this.#suspectedAt !== null && startedAt > this.#suspectedAt) {
      throw new CorsError(origin);
    } else {
      this.#suspectedAt ??= clock.now();
    }
  }
}
