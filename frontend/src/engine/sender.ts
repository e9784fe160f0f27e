// Sends one part to OSS and repeats it while a repetition can help.
// A failed part does not affect other parts; `send` rejects only with errors that no retry cures.

import type { Bandwidth } from "./bandwidth.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import { NetworkError, StorageError } from "./errors.ts";
import type { Explanations } from "./explanations.ts";
import type { BackendOptions, OutgoingRequest } from "./http.ts";
import { donePart, type Outcome, outcomeOf, storageError } from "./oss-response.ts";
import { type DonePart, type Plan, rangeOf } from "./parts.ts";
import type { Clock, SendResponse, SignedRequest, Transport } from "./ports.ts";
import type { ProgressMeter } from "./progress.ts";
import { StallError, withWatchdog } from "./promises.ts";
import type { Semaphore } from "./queue.ts";
import { delayBefore, type Retry, type RetryOptions } from "./retry.ts";
import type { FreshPart, Signer } from "./signer.ts";
import type { Range, Source } from "./source.ts";
import type { Waiting } from "./waiting.ts";

/** Failures of one part, while other parts get through, before its error is final. */
const MAX_FAILURES = 8;
/** Refusals of fresh URLs in a row before the error is final: the URL is not the cause then. */
const MAX_REFUSALS = 5;
/** Milliseconds without progress after which a request counts as stalled. */
const STALL_TIMEOUT = 30_000;

export interface SenderPorts {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly breaker: Pick<
    CircuitBreaker,
    "isOpen" | "acquire" | "recordResponse" | "recordBusy" | "recordStall" | "recordNoResponse"
  >;
  readonly explanations: Explanations;
  readonly signer: Pick<Signer, "take" | "isFresh" | "refuse">;
  readonly meter: Pick<ProgressMeter, "advance" | "finish" | "drop">;
  readonly source: Source;
  readonly plan: Plan;
  /** Shared by all uploads of the page. */
  readonly requests: Semaphore;
  readonly waiting: Waiting;
  readonly bandwidth: Bandwidth;
  readonly retry: Retry;
  readonly limits: RetryOptions;
  readonly options: BackendOptions;
  onprogress(): void;
  onstall(): void;
  /** OSS has taken a part. */
  onarrival(response: SendResponse): void;
}

/** The attempts to send one part. */
interface Attempts {
  readonly number: number;
  readonly range: Range;
  readonly cut: AbortSignal;
  signed: FreshPart | null;
  failures: number;
  refusals: number;
  tries: number;
  /** Bytes that the last request sent. */
  sent: number;
}

/** A part that OSS has taken. */
export interface Arrival {
  /** The part that OSS has taken. */
  readonly part: DonePart;
  /** x-oss-request-id; null where CORS hides it. */
  readonly requestId: string | null;
  /** Requests that it took. */
  readonly tries: number;
}

export class Sender {
  constructor(readonly ports: SenderPorts) {}

  /** A sender with other ports. */
  with(ports: SenderPorts): Sender {
    return new Sender(ports);
  }

  /** `cut` ends a running request; `signal` ends all else, so that a pause may wait for a request and starts none. */
  async send(number: number, signal: AbortSignal, cut: AbortSignal): Promise<Arrival> {
    const { meter, plan, clock } = this.ports;
    const range = rangeOf(plan, number);
    const none = { signed: null, failures: 0, refusals: 0, tries: 0, sent: 0 };
    const attempts: Attempts = { number, range, cut, ...none };
    const { size } = this.ports.source.slice(range); // The last part of a stream is shorter than its range.
    try {
      for (;;) {
        const response = await this.#paced(attempts, size, signal);
        if (response && outcomeOf(response) === "done") {
          meter.finish(number, size, clock.now());
          this.ports.onarrival(response);
          const requestId = response.headers.get("x-oss-request-id");
          return { part: donePart(number, size, response), requestId, tries: attempts.tries };
        }
        meter.drop(number);
        await this.#waitToRetry(attempts, response, signal);
      }
    } finally {
      meter.drop(number);
    }
  }

  /** One request, when the limit of the bandwidth allows it. Null when it stalled. */
  async #paced(attempts: Attempts, size: number, signal: AbortSignal): Promise<SendResponse | null> {
    const { bandwidth, retry } = this.ports;
    await retry(() => bandwidth.acquire(size, signal), signal);
    attempts.sent = 0;
    let isAnswered = false;
    try {
      const response = await this.#attempt(attempts, signal);
      isAnswered = Boolean(response?.status);
      return response;
    } finally {
      if (!isAnswered) bandwidth.giveBack(size - attempts.sent);
    }
  }

  /** One request, once there is a free connection. Null when it stalled. */
  async #attempt(attempts: Attempts, signal: AbortSignal): Promise<SendResponse | null> {
    const release = await this.ports.requests.acquire(signal);
    try {
      const recorded = await this.ports.breaker.acquire(signal);
      try {
        return await this.#request(attempts, signal);
      } finally {
        recorded();
      }
    } finally {
      release();
    }
  }

  async #request(attempts: Attempts, signal: AbortSignal): Promise<SendResponse | null> {
    const { breaker, signer, source, clock } = this.ports;
    const body = source.slice(attempts.range);
    if (!attempts.signed || !signer.isFresh(attempts.signed)) {
      attempts.signed = await signer.take(attempts.number, body.size, signal);
    }
    const startedAt = clock.now();
    attempts.tries += 1;
    const response = await this.#transport(attempts, attempts.signed, body);
    if (!response) breaker.recordStall();
    else if (outcomeOf(response) === "busy") breaker.recordBusy(storageError(response));
    else if (response.status !== 0) breaker.recordResponse();
    else {
      await source.assertReadable(attempts.range);
      await breaker.recordNoResponse(attempts.signed, startedAt, signal);
    }
    return response;
  }

  async #transport(attempts: Attempts, signed: FreshPart, body: Blob): Promise<SendResponse | null> {
    const { clock, transport, meter, options } = this.ports;
    const timeout = options.timeouts?.storage ?? STALL_TIMEOUT;
    try {
      return await withWatchdog(clock, timeout, attempts.cut, async (signal, reset) => {
        const onprogress = (loaded: number) => {
          if (loaded > attempts.sent) reset();
          attempts.sent = Math.max(attempts.sent, Math.min(loaded, body.size));
          meter.advance(signed.number, Math.min(loaded, body.size), body.size, clock.now());
          this.ports.onprogress();
        };
        const request = await this.announced(signed);
        return transport.send({ signed: request, body, signal, onprogress });
      });
    } catch (error) {
      if (!(error instanceof StallError)) throw error;
      this.ports.onstall();
      return null;
    }
  }

  /** The request as the page has changed it. */
  async announced(signed: FreshPart): Promise<SignedRequest> {
    const { onBeforeRequest } = this.ports.options;
    if (!onBeforeRequest) return signed;
    const { method, url, headers } = signed;
    const request: OutgoingRequest = { target: "storage", method, url, headers: { ...headers } };
    await onBeforeRequest(request);
    return { ...signed, ...request, method };
  }

  /** Waits before the next attempt; throws when there shall be none. */
  async #waitToRetry(attempts: Attempts, response: SendResponse | null, signal: AbortSignal): Promise<void> {
    const { clock, breaker, explanations, waiting, limits } = this.ports;
    const outcome = response ? outcomeOf(response) : "no_response";
    const error =
      response && outcome !== "no_response"
        ? storageError(response)
        : new NetworkError("storage_unreachable");
    if (!this.#mayRetry(attempts, outcome)) {
      throw error instanceof StorageError ? await explanations.explain(error) : error;
    }
    const isWaited = outcome === "no_response" || outcome === "busy";
    if (isWaited && breaker.isOpen) return; // The circuit breaker waits, for all parts together.
    const count = attempts.failures + attempts.refusals;
    const delay = delayBefore(count, error.retryAfter, () => clock.random(), limits.maxDelay);
    if (outcome === "no_response") await waiting.wait(delay, signal, "part_lost");
    else if (outcome === "sign_again") await clock.sleep(delay, signal);
    else await waiting.wait(delay, signal, "storage_busy", { code: error.code });
    waiting.end();
  }

  #mayRetry(attempts: Attempts, outcome: Outcome): boolean {
    const { signer, limits, breaker } = this.ports;
    const { attempts: maxFailures = MAX_FAILURES } = limits;
    switch (outcome) {
      case "sign_again":
        if (attempts.signed) signer.refuse(attempts.signed);
        attempts.signed = null;
        return ++attempts.refusals < MAX_REFUSALS;
      case "retry":
        return ++attempts.failures < maxFailures;
      case "busy":
      case "no_response": {
        // While OSS is busy, or nothing gets through at all, the upload waits for as long as it takes, or the page allows.
        const passes = outcome === "busy" || breaker.isOpen;
        return ++attempts.failures < maxFailures || (passes && limits.attempts === undefined);
      }
      default:
        return false;
    }
  }
}
