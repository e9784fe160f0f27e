// Presigned URLs for parts: a window of them ahead of the parts being sent (Signer), and who signs them (Presigner).
// One request for URLs runs at a time, for the parts of about the next minute, so that few URLs expire unused.

import { type Api, FIRST_BATCH, type RemoteUpload, type SignedBatch, type SignedPart } from "./api.ts";
import { importLate } from "./late.ts";
import type { DonePart } from "./parts.ts";
import type { Clock } from "./ports.ts";
import type { Retry } from "./retry.ts";
import type { ServerResponse, StsSigner } from "./sts-signer.ts";

/** A signed part with its expiry on our own clock. */
export interface FreshPart extends SignedPart {
  /** In `clock.now()`: the URL must not be used for a request that starts later. */
  readonly startBefore: number;
  /** The number of the batch in which the URL came. */
  readonly batch: number;
}

export interface SignerPorts {
  readonly clock: Clock;
  readonly parallel: number;
  /** Parts that nobody has started, in the order in which they will be sent. */
  upcoming(): readonly number[];
  /** Parts a second at the present speed; null when it is unknown. */
  rate(): number | null;
  /** `size`: the bytes of the first part, where it is shorter than the backend assumes. */
  sign(numbers: readonly number[], signal: AbortSignal, size?: number): Promise<SignedBatch>;
  /** OSS refused a URL that was fresh on our clock. */
  onrefusal(): void;
}

const MAX_BATCH = 100;
/** Seconds of work that a batch should cover. */
const HORIZON = 75;
/** Milliseconds, and share of a URL's life, that must be left when a request starts. */
const MAX_MARGIN = 30_000;
const MARGIN_SHARE = 1 / 5;

export class Signer {
  #ready = new Map<number, FreshPart>();
  #pending: Promise<void> | null = null;
  #batches = 0;
  /** The first batch that came after the last refusal. */
  #firstTrusted = 0;

  constructor(readonly ports: SignerPorts) {}

  /** A URL for this part of `size` bytes on which a request may start now. */
  async take(number: number, size: number, signal: AbortSignal): Promise<FreshPart> {
    let exact: number | undefined; // The last part of a stream is shorter than the backend assumes.
    for (;;) {
      signal.throwIfAborted();
      const part = this.#ready.get(number);
      this.#ready.delete(number);
      if (part && this.isFresh(part)) {
        if ((exact ?? part.size ?? size) === size) {
          this.#lookAhead(signal);
          return part;
        }
        exact = size;
      }
      // The pending request is for other parts, or of an aborted run. Its failure is not this part's.
      if (this.#pending) await this.#pending.catch(() => {});
      else await this.#request(number, signal, exact);
    }
  }

  isFresh(part: FreshPart): boolean {
    return this.ports.clock.now() < part.startBefore;
  }

  /**
   * OSS refused this URL. All URLs that were signed earlier are dropped too: our clock stands still while the device
   * sleeps, so they may have expired.
   */
  refuse(part: FreshPart): void {
    if (part.batch < this.#firstTrusted) return;
    this.#firstTrusted = this.#batches;
    this.#ready.clear();
    this.ports.onrefusal();
  }

  /**
   * Adds signed URLs. A URL's life is its expiry minus the server's time in the same response, counted from now: the
   * device's date is not used.
   */
  accept({ parts, server_time }: SignedBatch): void {
    const now = this.ports.clock.now();
    const batch = this.#batches++;
    for (const part of parts) {
      const life = Date.parse(part.expires_at) - Date.parse(server_time);
      const margin = Math.min(MAX_MARGIN, life * MARGIN_SHARE);
      this.#ready.set(part.number, { ...part, startBefore: now + life - margin, batch });
    }
  }

  /** Asks for more once few URLs are left. Its failure is ignored: `take` asks again. */
  #lookAhead(signal: AbortSignal): void {
    const upcoming = this.#upcoming();
    const signed = upcoming.filter((number) => this.#has(number)).length;
    if (signed > this.ports.parallel || this.#pending || signed === upcoming.length) return;
    this.#request(undefined, signal).catch(() => {});
  }

  #request(first: number | undefined, signal: AbortSignal, size?: number): Promise<void> {
    this.#pending = this.ports
      .sign(this.#batch(first), signal, size)
      .then((batch) => this.accept(batch))
      .finally(() => {
        this.#pending = null;
      });
    return this.#pending;
  }

  /** The part that is waited for, then the parts that will be sent next. */
  #batch(first: number | undefined): number[] {
    const { parallel, rate } = this.ports;
    const wanted = Math.ceil((rate() ?? 0) * HORIZON) || FIRST_BATCH;
    const size = Math.min(MAX_BATCH, Math.max(2 * parallel, wanted));
    const next = this.#upcoming().filter((number) => !this.#has(number));
    return (first === undefined ? next : [first, ...next]).slice(0, size);
  }

  /** No more than the window can hold: there may be 10,000 parts. */
  #upcoming(): number[] {
    return this.ports.upcoming().slice(0, 2 * MAX_BATCH);
  }

  #has(number: number): boolean {
    const part = this.#ready.get(number);
    return part !== undefined && this.isFresh(part);
  }
}

interface PartToSign {
  number: number;
  size?: number;
  content_md5?: string;
}

/** How part URLs are signed: by the backend, or in the browser with temporary credentials of STS. */
export type Signing = "url" | "sts";

export interface PresignerPorts {
  readonly api: Api;
  readonly remote: RemoteUpload;
  readonly signing: Signing;
  /** The Content-MD5 to bind into a part's URL; null where none is wanted. */
  readonly md5: ((number: number) => Promise<string>) | null;
  /** The CRC64 of a file in one request, which the backend must know before it is sent; null where it need not. */
  readonly crc64: (() => Promise<string>) | null;
  readonly parallel: number;
  /** Finished parts to report in the same call. */
  unreported(): DonePart[];
  onreported(parts: readonly DonePart[]): void;
  readonly retry: Retry;
}

/** Signs batches of parts: with temporary credentials where it can, otherwise by a call to the backend. */
export class Presigner {
  #stsSigner: Promise<StsSigner | null> | null = null;
  /** The last batch that the backend signed: it shows the object's URL and the server's time. */
  #response: ServerResponse | null = null;
  /** OSS refused what was signed before, perhaps because the server's credentials are not valid any more. */
  #refused: true | undefined;

  constructor(readonly ports: PresignerPorts) {}

  /** `size`: the bytes of the first part, where it is shorter than the backend assumes. */
  async sign(numbers: readonly number[], signal: AbortSignal, size?: number): Promise<SignedBatch> {
    return (await this.#signHere(numbers, signal)) ?? this.#signAtBackend(numbers, signal, size);
  }

  /** Notes a batch that the backend signed. */
  remember(batch: SignedBatch): void {
    this.#response = { batch, at: this.ports.api.environment.clock.now() };
  }

  /** Drops credentials and server time: OSS refused what they made. The backend signs the next batch. */
  reset(): void {
    this.#response = this.#stsSigner = null;
    this.#refused = true;
  }

  async #signAtBackend(numbers: readonly number[], signal: AbortSignal, size?: number): Promise<SignedBatch> {
    const { api, remote, unreported, onreported, retry } = this.ports;
    const done = unreported();
    const parts = await this.#withMd5(numbers);
    Object.assign(parts[0] as PartToSign, { size }); // Undefined is left out of the request.
    const more = { refused: this.#refused, crc64: await this.ports.crc64?.() };
    const batch = await retry(() => api.sign(remote.id, parts, done, signal, more), signal);
    this.#refused = undefined;
    onreported(done);
    this.remember(batch);
    return batch;
  }

  /** Null where the backend has to sign. */
  async #signHere(numbers: readonly number[], signal: AbortSignal): Promise<SignedBatch | null> {
    const { api, remote, signing, md5, retry } = this.ports;
    if (signing !== "sts" || md5 || remote.method !== "multipart") return null;
    this.#stsSigner ??= importLate(() => import("./sts-signer.ts"), "StsSigner").then(
      (StsSigner) => new StsSigner(api, remote.id),
      () => null, // The chunk could not be loaded.
    );
    const signer = await this.#stsSigner;
    return signer && retry(() => signer.sign(numbers, this.#response, signal), signal);
  }

  /** MD5s are computed before the URLs are requested: for few parts at a time, so that sending does not wait. */
  async #withMd5(numbers: readonly number[]): Promise<PartToSign[]> {
    const { md5, parallel } = this.ports;
    if (!md5) return numbers.map((number) => ({ number }));
    const few = numbers.slice(0, 2 * parallel);
    return Promise.all(few.map(async (number) => ({ number, content_md5: await md5(number) })));
  }
}
