// A circuit breaker for the requests of one upload to OSS.
// While it is open, one request at a time probes OSS and the others wait for its outcome.

import type { StorageError } from "./errors.ts";
import type { Explanations } from "./explanations.ts";
import type { Connection, SignedRequest } from "./ports.ts";
import { abortable, deferred } from "./promises.ts";
import { delayBefore, type RetryOptions } from "./retry.ts";
import type { Waiting } from "./waiting.ts";

/** Failures in a row, of all requests together, that open the circuit. */
const OPEN_AFTER = 4;
/** Failures in a row after which the cause is looked for. */
const EXAMINE_AFTER = 2;

export interface CircuitBreakerPorts {
  readonly connection: Connection;
  readonly explanations: Explanations;
  readonly waiting: Waiting;
  readonly limits: RetryOptions;
}

export class CircuitBreaker {
  #failures = 0;
  #responded = false;
  /** Why OSS cannot be reached, as the backend says. */
  #reason = "";
  /** The last answer, if it was that OSS is busy. */
  #busy: StorageError | null = null;
  #probe: Promise<void> | null = null;

  constructor(readonly ports: CircuitBreakerPorts) {}

  get isOpen(): boolean {
    return this.#failures >= OPEN_AFTER;
  }

  /** Waits until a request may start. Resolves with a function to call after the outcome was recorded. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    const { connection, waiting } = this.ports;
    const { notify } = waiting;
    for (;;) {
      signal.throwIfAborted();
      if (!connection.online) {
        notify("offline");
        await connection.whenOnline(signal);
        notify(null);
      } else if (this.isOpen && this.#probe) {
        await abortable(this.#probe, signal);
      } else {
        return this.isOpen ? this.#startProbe(signal) : () => {};
      }
    }
  }

  /** Records a response: requests get through, and CORS lets the page read them. */
  recordResponse(): void {
    if (this.isOpen) this.ports.waiting.notify(null);
    this.#responded = true;
    this.#failures = 0;
    this.#busy = null;
  }

  /** Records a response that says that OSS is busy. Requests of more parts would keep it busy. */
  recordBusy(error: StorageError): void {
    this.#responded = true;
    this.#failures += 1;
    this.#busy = error;
  }

  /** Records a request that was aborted because it stalled. */
  recordStall(): void {
    this.#failures += 1;
    this.#busy = null;
  }

  /** Records a request, started at `startedAt`, without a readable response. Throws when its cause does not pass. */
  async recordNoResponse(request: SignedRequest, startedAt: number, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    this.#busy = null;
    const { connection, explanations } = this.ports;
    if (this.#failures < EXAMINE_AFTER || !connection.online) return;
    this.#reason = await explanations.examine(
      { request, startedAt, responded: () => this.#responded },
      signal,
    );
  }

  /** Makes the caller's request the probe, after a delay. */
  async #startProbe(signal: AbortSignal): Promise<() => void> {
    const { waiting, limits } = this.ports;
    const probe = deferred<void>();
    this.#probe = probe.promise;
    const end = () => {
      if (this.#probe === probe.promise) this.#probe = null;
      probe.resolve();
    };
    const seconds = this.#busy?.retryAfter ?? null;
    const delay = delayBefore(this.#failures, seconds, () => waiting.clock.random(), limits.maxDelay);
    try {
      if (this.#busy) await waiting.wait(delay, signal, "storage_busy", { code: this.#busy.code });
      else if (this.#reason) await waiting.wait(delay, signal, "storage_told", { text: this.#reason });
      else await waiting.wait(delay, signal, "storage_down");
    } catch (error) {
      end();
      throw error;
    }
    waiting.notify("storage_probe");
    return end;
  }
}
