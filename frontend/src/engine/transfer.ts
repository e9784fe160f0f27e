// Sends the parts of one upload, reports them to the backend and completes it.
// OSS's list of parts is the truth. What is recorded here is reported along with other calls, and may be lost.

import { combine } from "../hashing/crc64.ts";
import type { AddressRouter } from "./addresses.ts";
import type { Api, CallbackReport, CompleteRequest, RemoteUpload, SignedBatch } from "./api.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { checkpointOf } from "./checkpoint.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { ConcurrencyController, runConcurrently, takePart } from "./concurrency.ts";
import { asUploadError, isGone } from "./errors.ts";
import type { UploadCheckpoint } from "./events.ts";
import { Explanations } from "./explanations.ts";
import type { HttpResponse } from "./http.ts";
import { failOf, type Integrity } from "./integrity.ts";
import { Ledger } from "./ledger.ts";
import { missingParts } from "./missing-parts.ts";
import { callbackReport } from "./oss-response.ts";
import { PartChecks } from "./part-checks.ts";
import { allParts, type DonePart, rangeOf, type Source } from "./parts.ts";
import { type Progress, ProgressMeter } from "./progress.ts";
import { anySignal } from "./promises.ts";
import { MAX_PARALLEL, type Semaphore } from "./queue.ts";
import type { Retry, RetryOptions } from "./retry.ts";
import { loadRouter } from "./route.ts";
import { type Arrival, Sender } from "./sender.ts";
import { Presigner, Signer, type Signing } from "./signer.ts";
import type { Waiting } from "./waiting.ts";

/** Milliseconds until the first checkpoint that no other call carries, and the longest gap; each gap doubles. */
const FIRST_CHECKPOINT = 15_000;
const MAX_CHECKPOINT_GAP = 120_000;
/** With STS no other call carries checkpoints, and they serve only the list of uploads. */
const FIRST_CHECKPOINT_STS = 60_000;
/** How often damaged parts are sent again. */
const MAX_ROUNDS = 8;
/** Seconds until the next complete call, where the backend names none. */
const DEFAULT_RETRY_AFTER = 2;

export interface TransferSettings {
  readonly api: Api;
  /** Parts in flight at the start, 1 to 6. */
  readonly parallel: number;
  readonly signing: Signing;
  readonly integrity: Integrity;
  readonly requests: Semaphore;
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
  /** The backend knows of so many finished bytes. */
  oncheckpoint(bytesDone: number): void;
}

export class Transfer {
  readonly ledger: Ledger;
  readonly meter: ProgressMeter;
  readonly #signer: Signer;
  readonly #presigner: Presigner;
  readonly #sender: Sender;
  readonly #checks: PartChecks;
  readonly #concurrency: ConcurrencyController;
  #router: AddressRouter | null = null;
  #reportedAt: number;
  #callback: { callback?: CallbackReport } = {};

  constructor(
    readonly remote: RemoteUpload,
    readonly ports: TransferPorts,
  ) {
    const { api, source, parallel } = ports;
    const { clock } = api.environment;
    const plan = source.plan(remote);
    this.#reportedAt = clock.now();
    this.#concurrency = new ConcurrencyController(parallel, MAX_PARALLEL);
    source.begin?.(remote, ports);
    this.ledger = source.ledger?.(plan) ?? new Ledger(plan);
    this.meter = new ProgressMeter(plan.size);
    this.#checks = new PartChecks({ ...ports, environment: api.environment, ledger: this.ledger });
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
      unreported: () => this.ledger.unreported(),
      onreported: (parts) => this.#markReported(parts),
    });
  }

  #makeSender(): Sender {
    const { api, waiting, limits } = this.ports;
    const { clock, connection, transport } = api.environment;
    const explanations = new Explanations(api, this.remote.id);
    return new Sender({
      ...this.ports,
      clock,
      transport,
      explanations,
      breaker: new CircuitBreaker({ connection, explanations, waiting, limits }),
      signer: this.#signer,
      meter: this.meter,
      plan: this.ledger.plan,
      onstall: () => this.#concurrency.recordStall(clock.now()),
      options: api.options,
      onarrival: (response) => {
        this.#callback = callbackReport(response);
      },
    });
  }

  /** Adds the URLs that came with the created upload. */
  accept(batch: SignedBatch): void {
    this.#presigner.remember(batch);
    this.#signer.accept(batch);
  }

  /** Loads the list of parts that OSS holds. */
  async inspect(signal: AbortSignal): Promise<void> {
    this.ledger.load(await this.#heldParts(signal));
    this.meter.reset(this.ledger.doneBytes);
    if (this.ports.source.ending?.().keep) return;
    this.#checks.compareHeld(this.ledger.done);
  }

  async #heldParts(signal: AbortSignal): Promise<readonly DonePart[]> {
    const { id, method, state } = this.remote;
    if (method !== "multipart") return state === "completing" ? allParts(this.ledger.plan) : [];
    const { api } = this.ports;
    try {
      return await api.heldParts(id, signal);
    } catch (error) {
      // An upload that is being completed has all its parts; otherwise the complete call names the missing ones.
      if (!isGone(asUploadError(error))) throw error;
      if ((await api.get(id, signal)).state === "completing") return allParts(this.ledger.plan);
      throw error;
    }
  }

  /** Sends every part that is not done, and damaged parts again. */
  async send(signal: AbortSignal): Promise<void> {
    this.#router ??= await loadRouter(this, this.#sender, this.#concurrency);
    signal.throwIfAborted();
    const ended = new AbortController();
    const either = anySignal(signal, ended.signal);
    this.meter.restart();
    this.#concurrency.restart();
    this.#checks.start(either);
    this.#checkpoints(either).catch(() => {}); // `ended` aborts it, and the router.
    this.#router?.watch(either).catch(() => {});
    try {
      await this.#sendWaiting(signal);
      await this.#resendDamaged(signal);
      this.meter.total = this.ports.source.bytesTaken;
    } finally {
      ended.abort();
    }
  }

  #sendWaiting(signal: AbortSignal): Promise<void> {
    return runConcurrently(
      () => this.#router?.maxLevel ?? this.#concurrency.level,
      (signal) => takePart(this.ledger, signal),
      (number, signal) => this.#sendPart(number, signal),
      signal,
    );
  }

  async #sendPart(number: number, signal: AbortSignal): Promise<void> {
    try {
      const sender = this.#router ?? this.#sender;
      const arrival = await this.#checks.around(number, () => sender.send(number, signal));
      const { part } = arrival;
      this.ledger.finish(part);
      this.#concurrency.recordArrival(part.size, this.ports.api.environment.clock.now());
      this.ports.onpart(arrival);
    } catch (error) {
      this.ledger.putBack(number);
      throw error;
    }
    this.ports.onprogress();
  }

  async #resendDamaged(signal: AbortSignal): Promise<void> {
    const { waiting, integrity, retry } = this.ports;
    const { notify } = waiting;
    if (integrity === "none") return;
    const inspect = () => retry(() => this.inspect(signal), signal);
    for (let round = 1; ; round++) {
      notify("checking");
      const { damaged, crc64s } = await this.#checks.verify(signal, inspect);
      notify(null);
      signal.throwIfAborted();
      if (integrity === "crc64") this.ledger.addChecksums(crc64s);
      if (damaged.length === 0) return;
      if (round === MAX_ROUNDS) await failOf(damaged);
      notify("damaged", { count: damaged.length });
      this.#checks.forget(damaged);
      this.ledger.reopen(damaged);
      this.meter.reset(this.ledger.doneBytes);
      await this.#sendWaiting(signal);
    }
  }

  /** Resolves with the completed upload, or, unless `last`, with the numbers of the parts that OSS lacks. */
  async complete(signal: AbortSignal, last: boolean): Promise<RemoteUpload | number[]> {
    const { waiting, retry } = this.ports;
    for (;;) {
      const done = this.ledger.unreported();
      try {
        const request = { done, ...this.#crc64(), ...this.ports.source.ending?.(), ...this.#callback };
        const response = await retry(() => this.#callComplete(request, signal), signal);
        this.ledger.markReported(done);
        if (response.status !== 202) return response.value;
        const wait = (response.retryAfter ?? DEFAULT_RETRY_AFTER) * 1000;
        const { stage } = response.value;
        await waiting.wait(wait, signal, stage === "checking" ? "inspecting" : stage || "assembling");
      } catch (error) {
        const missing = missingParts(error);
        if (last || missing.length === 0 || this.ledger.reopen(missing) === 0) throw error;
        this.meter.reset(this.ledger.doneBytes);
        return missing;
      }
    }
  }

  #callComplete(request: CompleteRequest, signal: AbortSignal): Promise<HttpResponse<RemoteUpload>> {
    const { api, isSmall } = this.ports;
    const { id } = this.remote;
    return isSmall ? api.completeInBatch(id, request) : api.complete(id, request, signal);
  }

  get progress(): Progress {
    return { ...this.meter.read(), ...this.ports.source.growth?.() };
  }

  /** The CRC64 of the whole file, if that of each part is known. */
  #crc64(): { crc64?: string } {
    if (this.ports.source.ending?.().keep) return {}; // The backend decides what is kept.
    const { done, complete } = this.ledger;
    const pieces = done.flatMap(({ crc64, size }) => (crc64 ? [{ crc64, size }] : []));
    if (this.ports.integrity !== "crc64" || !complete || pieces.length !== done.length) return {};
    return { crc64: combine(pieces) };
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

  /** On a slow connection few sign calls carry checkpoints, so calls of their own keep the record fresh. */
  async #checkpoints(signal: AbortSignal): Promise<void> {
    const { clock } = this.ports.api.environment;
    let gap = this.ports.signing === "sts" ? FIRST_CHECKPOINT_STS : FIRST_CHECKPOINT;
    for (;;) {
      await clock.sleep(Math.max(1000, this.#reportedAt + gap - clock.now()), signal);
      if (clock.now() - this.#reportedAt < gap || this.ledger.unreported().length === 0) continue;
      await this.checkpoint(signal).catch(() => {}); // The next call carries it.
      gap = Math.min(MAX_CHECKPOINT_GAP, gap * 2);
    }
  }

  #markReported(parts: readonly DonePart[]): void {
    this.ledger.markReported(parts);
    this.#reportedAt = this.ports.api.environment.clock.now();
    this.ports.oncheckpoint(this.ledger.doneBytes);
  }
}
