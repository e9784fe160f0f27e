// A circuit breaker for the requests of one upload to OSS.
// While it is open, one request at a time probes OSS and the others wait for its outcome.

import type { Explanations } from "./explanations.ts";
import type { Clock, Connection, SignedRequest } from "./ports.ts";
import { abortable, deferred } from "./promises.ts";
import { backoff, type Notify, seconds } from "./retry.ts";

/** Failures in a row, of all requests together, that open the circuit. */
const OPEN_AFTER = 4;
/** Failures in a row after which the cause is looked for. */
const EXAMINE_AFTER = 2;

export interface CircuitBreakerPorts {
  readonly clock: Clock;
  readonly connection: Connection;
  readonly explanations: Explanations;
  readonly notify: Notify;
}

export class CircuitBreaker {
  #failures = 0;
  #responded = false;
  /** Why OSS cannot be reached, as the backend says. */
  #reason = "";
  #probe: Promise<void> | null = null;

  constructor(readonly ports: CircuitBreakerPorts) {}

  get isOpen(): boolean {
    return this.#failures >= OPEN_AFTER;
  }

  /** Waits until a request may start. Resolves with a function to call after the outcome was recorded. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    const { connection, notify } = this.ports;
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

  /** Records a response of any status: requests get through, and CORS lets the page read them. */
  recordResponse(): void {
    if (this.isOpen) this.ports.notify(null);
    this.#responded = true;
    this.#failures = 0;
  }

  /** Records a request that was aborted because it stalled. */
  recordStall(): void {
    this.#failures += 1;
  }

  /** Records a request, started at `startedAt`, without a readable response. Throws when its cause does not pass. */
  async recordNoResponse(request: SignedRequest, startedAt: number, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    const { connection, explanations } = this.ports;
    if (this.#failures < EXAMINE_AFTER || !connection.online) return;
    this.#reason = await explanations.examine(
      { request, startedAt, responded: () => this.#responded },
      signal,
    );
  }

  /** Makes the caller's request the probe, after a delay. */
  async #startProbe(signal: AbortSignal): Promise<() => void> {
    const { clock, notify } = this.ports;
    const probe = deferred<void>();
    this.#probe = probe.promise;
    const end = () => {
      if (this.#probe === probe.promise) this.#probe = null;
      probe.resolve();
    };
    const delay = backoff(this.#failures, () => clock.random());
    notify(this.#reason ? "storage_told" : "storage_down", { text: this.#reason, wait: seconds(delay) });
    try {
      await clock.sleep(delay, signal);
    } catch (error) {
      end();
      throw error;
    }
    notify("storage_probe");
    return end;
  }
}
