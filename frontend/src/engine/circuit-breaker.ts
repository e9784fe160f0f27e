// A circuit breaker for the requests of one upload to OSS.
// While it is open, one request at a time probes OSS and the others wait for its outcome.

import { CorsError } from "./errors.ts";
import type { Clock, Connection } from "./ports.ts";
import { abortable, deferred } from "./promises.ts";
import { backoff, type Notify, seconds } from "./retry.ts";

/** Failures in a row, of all requests together, that open the circuit. */
const OPEN_AFTER = 4;
/** Failures in a row, without any response ever, after which CORS is suspected. */
const SUSPECT_CORS_AFTER = 2;

export interface CircuitBreakerPorts {
  readonly clock: Clock;
  readonly connection: Connection;
  /** The page's origin, for CorsError. */
  readonly origin: string;
  readonly notify: Notify;
}

export class CircuitBreaker {
  #failures = 0;
  #responded = false;
  /** When OSS was found reachable although no request got a response; null while CORS is not suspected. */
  #suspectedAt: number | null = null;
  #reachability: Promise<boolean> | null = null;
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
    this.#suspectedAt = null;
  }

  /** Records a request that was aborted because it stalled. */
  recordStall(): void {
    this.#failures += 1;
  }

  /** Records a request, started at `startedAt`, without a readable response. Throws CorsError when CORS is the cause. */
  async recordNoResponse(url: string, startedAt: number, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    await this.#detectCors(new URL(url).origin, startedAt, signal);
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
    notify("storage_down", { wait: seconds(delay) });
    try {
      await clock.sleep(delay, signal);
    } catch (error) {
      end();
      throw error;
    }
    notify("storage_probe");
    return end;
  }

  /**
   * A page sees status 0 both for a CORS refusal and for a lost connection. A no-cors request to the same origin tells
   * them apart. It also succeeds when OSS has just come back, so one more part must fail after OSS was reached.
   */
  async #detectCors(ossOrigin: string, startedAt: number, signal: AbortSignal): Promise<void> {
    const { clock, connection, origin } = this.ports;
    if (this.#responded || this.#failures < SUSPECT_CORS_AFTER || !connection.online) return;
    this.#reachability ??= connection.reaches(ossOrigin, signal).finally(() => {
      this.#reachability = null;
    });
    const reachable = await this.#reachability;
    signal.throwIfAborted();
    if (!reachable || this.#responded) {
      this.#suspectedAt = null;
    } else if (this.#suspectedAt !== null && startedAt > this.#suspectedAt) {
      throw new CorsError(origin);
    } else {
      this.#suspectedAt ??= clock.now();
    }
  }
}
