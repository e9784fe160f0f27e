// Sends the parts of one upload, reports them to the backend and completes it.
// OSS's list of parts is the truth. What is recorded here is reported along with other calls, and may be lost.

import type { Api, CallbackReport, RemoteUpload, SignedBatch } from "./api.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { checkpointOf } from "./checkpoint.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { UploadCheckpoint } from "./events.ts";
import { Explanations } from "./explanations.ts";
import { heldParts } from "./held-parts.ts";
import type { HttpResponse } from "./http.ts";
import { failOf, type Integrity } from "./integrity.ts";
import { Ledger } from "./ledger.ts";
import type { Line } from "./line.ts";
import { missingParts } from "./missing-parts.ts";
import { callbackReport } from "./oss-response.ts";
import type { Pace } from "./pace.ts";
import { PartChecks } from "./part-checks.ts";
import { allParts, type DonePart, planOf, rangeOf } from "./parts.ts";
import { type Progress, ProgressMeter } from "./progress.ts";
import { anySignal } from "./promises.ts";
import type { Semaphore } from "./queue.ts";
import type { Retry, RetryOptions } from "./retry.ts";
import { loadRouter, type Router } from "./route.ts";
import { type Arrival, Sender } from "./sender.ts";
import { Presigner, Signer, type Signing } from "./signer.ts";
import type { Source } from "./source.ts";
import type { Waiting } from "./waiting.ts";
import { runConcurrently, takePart } from "./workers.ts";

export { Ledger } from "./ledger.ts";
export { Opening } from "./opening.ts";
export { rangeOf, sizeOf, streamPlan } from "./parts.ts";

const MAX_ROUNDS = 8; // How often damaged parts are sent again.
const DEFAULT_RETRY_AFTER = 2; // Seconds until the next complete call.

export interface TransferSettings {
  readonly api: Api;
  /** Parts in flight at the start, 1 to 6. */
  readonly parallel: number;
  readonly signing: Signing;
  readonly integrity: Integrity;
  readonly requests: Semaphore;
  readonly line: Line;
  readonly bandwidth: Bandwidth;
  readonly limits: RetryOptions;
}

export interface TransferPorts extends TransferSettings {
  readonly source: Source;
  /** Whether the upload is completed in a batch call. */
  readonly isSmall: boolean;
  readonly waiting: Waiting;
  readonly retry: Retry;
  onprogress(): void;
  /** Loads a chunk of our code. */
  load<T>(load: () => Promise<T>, signal: AbortSignal): Promise<T>;
  onpart(arrival: Arrival): void;
  /** OSS, or the backend too, knows of so many finished bytes. */
  oncheckpoint(bytesDone: number): void;
}

export class Transfer {
  readonly ledger: Ledger;
  readonly meter: ProgressMeter;
  readonly #signer: Signer;
  readonly #presigner: Presigner;
  readonly #sender: Sender;
  readonly #checks: PartChecks;
  readonly pace: Pace | null; // Null for a small file.
  #router: Router | null = null;
  /** When the backend was told of parts, in milliseconds of the clock. */
  reportedAt: number;
  #callback: { callback?: CallbackReport } = {};
  /** Whether OSS puts the parts together, as far as is known: the file does not matter any more. */
  isAtEnd = false;

  constructor(
    readonly remote: RemoteUpload,
    readonly ports: TransferPorts,
    makePace?: (transfer: Transfer) => Pace,
  ) {
    const { api, source, parallel } = ports;
    const { clock } = api.environment;
    source.begin?.(remote, ports);
    this.ledger =
      source.ledger?.(remote) ?? new Ledger(planOf(source.size, remote.part_size, remote.part_count ?? 0));
    const { plan } = this.ledger;
    this.reportedAt = clock.now();
    this.meter = new ProgressMeter(plan.size);
    this.#checks = new PartChecks({ ...ports, environment: api.environment, ledger: this.ledger });
    this.pace = makePace?.(this) ?? null;
    this.#presigner = this.#makePresigner();
    this.#signer = new Signer({
      clock,
      parallel,
      upcoming: () => this.#upcoming(),
      rate: () => (this.meter.speed === null ? null : this.meter.speed / plan.partSize),
      sign: (numbers, signal, size) => this.#presigner.sign(numbers, signal, size),
      onrefusal: () => this.#presigner.reset(),
    });
    this.#sender = this.#makeSender();
  }

  /** Parts for which URLs may be signed ahead. An MD5 needs the bytes, which a stream may not have given yet. */
  #upcoming(): readonly number[] {
    const { integrity, source } = this.ports;
    const { waiting, plan } = this.ledger;
    if (integrity !== "md5" || !source.isStream) return waiting;
    return waiting.filter((number) => source.holds(rangeOf(plan, number)));
  }

  #makePresigner(): Presigner {
    return new Presigner({
      ...this.ports,
      remote: this.remote,
      md5: this.ports.integrity === "md5" ? (number) => this.#checks.md5(number) : null,
      crc64: this.#isChecksumFirst ? () => this.#checks.crc64(1) : null,
      unreported: () => this.ledger.unreported(),
      onreported: (parts) => this.#markReported(parts),
    });
  }

  #makeSender(): Sender {
    const { api, waiting, limits, onprogress } = this.ports;
    const { clock, connection, transport } = api.environment;
    const explanations = new Explanations(api, this.remote);
    return new Sender({
      ...this.ports,
      clock,
      transport,
      explanations,
      breaker: new CircuitBreaker({ connection, explanations, waiting, limits }),
      signer: this.#signer,
      meter: this.meter,
      plan: this.ledger.plan,
      onprogress: () => {
        this.pace?.slowLine.recordProgress();
        onprogress();
      },
      onstall: () => this.pace?.slowLine.recordStall(),
      options: api.options,
      onarrival: (response) => {
        this.#callback = callbackReport(response);
      },
    });
  }

  /** Whether the backend must know the file's checksum before it is sent: it finds the object if this page is gone. */
  get #isChecksumFirst(): boolean {
    return this.ports.integrity === "crc64" && this.remote.method !== "multipart";
  }

  /** Adds the URLs that came with the created upload. `crc64`: what the backend was told of the file. */
  accept(batch: SignedBatch, crc64: string | undefined): void {
    if (this.#isChecksumFirst && !crc64) return;
    this.#presigner.remember(batch);
    this.#signer.accept(batch);
  }

  /** Loads the list of parts that OSS holds. */
  async inspect(signal: AbortSignal): Promise<void> {
    this.load(await heldParts(this.ports.api, this.remote, signal));
  }

  /** `held`: the parts that OSS holds; null once they are being put together. */
  load(held: readonly DonePart[] | null): void {
    this.ledger.load(held ?? allParts(this.ledger.plan));
    this.meter.reset(this.ledger.doneBytes);
    this.isAtEnd = held === null && this.ledger.complete;
    if (this.isAtEnd || this.ports.source.ending?.().keep) return;
    this.#checks.compareHeld(this.ledger.done);
  }

  /** Sends all parts that are not done. Resolves with false where the upload shall begin again, as a new upload. */
  async send(outer: AbortSignal, mayRestart: boolean): Promise<boolean> {
    this.#router ??= await loadRouter(this, this.#sender);
    outer.throwIfAborted();
    const ended = new AbortController();
    const signal = this.pace?.start(outer, ended.signal, mayRestart) ?? outer;
    const either = anySignal(signal, ended.signal);
    this.meter.restart();
    this.#checks.start(either);
    this.#router?.watch(either).catch(() => {}); // `either` ends it.
    try {
      await this.#sendWaiting(signal);
      const isWhole = await this.#resendDamaged(signal, mayRestart);
      this.meter.total = this.ports.source.bytesTaken;
      return isWhole;
    } catch (error) {
      if (!this.pace?.isRestart(error)) throw error;
      return false;
    } finally {
      ended.abort();
    }
  }

  async #sendWaiting(signal: AbortSignal): Promise<void> {
    do {
      await runConcurrently(
        () => this.#router?.level ?? this.pace?.slowLine.level ?? this.ports.parallel,
        (signal) => takePart(this.ledger, signal),
        (number, signal) => this.#sendPart(number, signal),
        signal,
      );
    } while (!this.ledger.complete); // The last parts may have been put back.
  }

  async #sendPart(number: number, signal: AbortSignal): Promise<void> {
    try {
      const arrival = await this.#checks.around(number, () => this.#send(number, signal));
      if (!arrival) return this.ledger.putBack(number);
      const { part } = arrival;
      this.ledger.finish(part);
      this.ports.oncheckpoint(this.meter.read().kept);
      this.ports.onpart(arrival);
    } catch (error) {
      this.ledger.putBack(number);
      throw error;
    }
    this.ports.onprogress();
  }

  /** Null when the part was put back. */
  #send(number: number, signal: AbortSignal): Promise<Arrival | null> {
    if (this.#router) return this.#router.send(number, signal);
    const send = (cut: AbortSignal) => this.#sender.send(number, signal, cut);
    return this.pace?.send(number, signal, send) ?? send(signal);
  }

  /** Resolves with false for a damaged file in one request: OSS does not overwrite an object. */
  async #resendDamaged(signal: AbortSignal, mayRestart: boolean): Promise<boolean> {
    const { waiting, integrity, retry } = this.ports;
    const { notify } = waiting;
    if (integrity === "none") return true;
    const isParted = this.remote.method === "multipart";
    const inspect = () => retry(() => this.inspect(signal), signal);
    for (let round = 1; ; round++) {
      notify("checking");
      const { damaged, crc64s } = await this.#checks.verify(signal, inspect);
      notify(null);
      signal.throwIfAborted();
      if (integrity === "crc64") this.ledger.addChecksums(crc64s);
      if (damaged.length === 0) return true;
      if (round === MAX_ROUNDS || !(isParted || mayRestart)) await failOf(damaged);
      notify("damaged", { count: damaged.length });
      if (!isParted) return false;
      this.#checks.forget(damaged);
      this.ledger.reopen(damaged);
      this.meter.reset(this.ledger.doneBytes);
      await this.#sendWaiting(signal);
    }
  }

  /** Resolves with the completed upload, or, unless `last`, with the numbers of the parts that OSS lacks. */
  async complete(signal: AbortSignal, last: boolean): Promise<RemoteUpload | number[]> {
    const { api, isSmall, waiting, retry } = this.ports;
    const { id } = this.remote;
    for (;;) {
      const done = this.ledger.unreported();
      try {
        const request = { done, ...this.#crc64(), ...this.ports.source.ending?.(), ...this.#callback };
        const call = () => (isSmall ? api.completeInBatch(id, request) : api.complete(id, request, signal));
        const response = await retry<HttpResponse<RemoteUpload>>(call, signal);
        this.ledger.markReported(done);
        if (response.status !== 202) return response.value;
        const wait = (response.retryAfter ?? DEFAULT_RETRY_AFTER) * 1000;
        const { stage } = response.value;
        await waiting.wait(wait, signal, stage === "checking" ? "inspecting" : stage || "assembling");
      } catch (error) {
        const missing = missingParts(error);
        if (last || missing.length === 0 || this.ledger.reopen(missing) === 0) throw error;
        await this.#reopen(signal);
        return missing;
      }
    }
  }

  async #reopen(signal: AbortSignal): Promise<void> {
    this.meter.reset(this.ledger.doneBytes);
    const isUnknown = this.isAtEnd && this.remote.method === "multipart"; // Others may have sent the rest of its parts.
    this.isAtEnd = false;
    if (isUnknown) await this.ports.retry(() => this.inspect(signal), signal);
  }

  get progress(): Progress {
    return { ...this.meter.read(), ...this.ports.source.growth?.() };
  }

  #crc64(): { crc64?: string | undefined } {
    const { integrity, source } = this.ports;
    const isKept = source.ending?.().keep; // The backend decides what is kept.
    return integrity === "crc64" && !isKept ? { crc64: this.ledger.crc64 } : {};
  }

  /** What another page needs to resume the upload; null for a stream. */
  snapshot = (): UploadCheckpoint | null => checkpointOf(this.remote, this.ledger);

  /** Sends a checkpoint, if the backend lacks anything. */
  async checkpoint(signal: AbortSignal): Promise<void> {
    const parts = this.ledger.unreported();
    if (parts.length === 0) return;
    await this.ports.api.checkpoint(this.remote.id, parts, signal);
    this.#markReported(parts);
  }

  #markReported(parts: readonly DonePart[]): void {
    this.ledger.markReported(parts);
    this.reportedAt = this.ports.api.environment.clock.now();
    this.ports.oncheckpoint(this.ledger.doneBytes);
  }
}
