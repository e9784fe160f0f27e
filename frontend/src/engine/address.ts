// One address of a bucket: whether it answers, how fast it is, and the requests that it has now.

import type { Api } from "./api.ts";
import { Semaphore } from "./queue.ts";

/** The share of an average that the newest value has. */
const NEWEST = 1 / 3;
/** A part is sent to a faster address if that is expected to take less than this share of the time that is left. */
const WORTH = 0.8;
/** Milliseconds after which a request that has sent nothing counts as slow. */
const SILENT = 1000;

/** A request that sends a part to an address. */
export interface Attempt {
  readonly address: Address;
  /** On the clock of the environment; null while it waits for its URL or for a connection. */
  startedAt: number | null;
  /** Bytes of the part that were handed to the network. */
  loaded: number;
  /** Called as soon as OSS has answered that it holds the part. */
  onstored?(): void;
}

/** The address of an attempt does not work, and another one may. */
export class AddressFailed extends Error {
  override name = "AddressFailed";
}

export class Address {
  /** How many parts may be sent to it at once. */
  lanes = 0;
  readonly attempts = new Set<Attempt>();
  /** Milliseconds from the begin of a request until OSS took bytes: name, connection and CORS preflight. */
  answerTime: number | null = null;
  /** Whether it is left out because it fails, and since when. */
  isOut = false;
  outSince = 0;
  /** Requests without an answer since the last one that had one. */
  failures = 0;
  /** Parts that have arrived, and bytes that were handed to the network. */
  arrivals = 0;
  bytes = 0;
  /** Bytes a millisecond of one request, averaged over parts that have arrived; null before the first. */
  #rate: number | null = null;

  constructor(
    /** Among the addresses of the upload. */
    readonly index: number,
    /** The object's URL. */
    readonly url: string,
    readonly requests: Semaphore,
  ) {}

  get hasRoom(): boolean {
    return !this.isOut && this.attempts.size < this.lanes;
  }

  begin(): Attempt {
    const attempt: Attempt = { address: this, startedAt: null, loaded: 0 };
    this.attempts.add(attempt);
    return attempt;
  }

  recordProgress(attempt: Attempt, loaded: number, now: number): void {
    if (loaded <= attempt.loaded) return;
    this.answerTime ??= now - (attempt.startedAt ?? now);
    this.bytes += loaded - attempt.loaded;
    attempt.loaded = loaded;
  }

  recordArrival(size: number, attempt: Attempt, now: number): void {
    this.arrivals += 1;
    const rate = size / Math.max(1, now - (attempt.startedAt ?? now));
    this.#rate = this.#rate === null ? rate : this.#rate + (rate - this.#rate) * NEWEST;
  }

  /** Bytes a millisecond of one request; before the first part has arrived, of the fastest one that is being sent. */
  rate(now: number): number | null {
    if (this.#rate !== null) return this.#rate;
    const rates = [...this.attempts].map(({ startedAt, loaded }) => loaded / (now - (startedAt ?? now)));
    const fastest = Math.max(0, ...rates.filter(Number.isFinite));
    return fastest || null;
  }

  /** `since`: on the clock of the environment; Infinity: it is not probed again. */
  leaveOut(since: number): void {
    this.isOut = true;
    this.outSince = since;
  }

  /** Gives it another chance. */
  readmit(): void {
    this.isOut = false;
    this.failures = 0;
  }

  /** The same part's presigned URL at this address: a V4 signature does not contain the host. */
  at(signedUrl: string): string {
    return this.url + signedUrl.slice(signedUrl.indexOf("?"));
  }
}

/** Whether a part of `size` bytes would arrive sooner at the other address, although that has to begin. */
export function isSlow(
  size: number,
  { startedAt, loaded, address }: Attempt,
  faster: Address,
  now: number,
): boolean {
  const rate = faster.rate(now);
  if (address.isOut) return true;
  if (rate === null) return false;
  const expected = size / rate;
  const elapsed = now - (startedAt ?? now);
  if (elapsed < SILENT) return false;
  const left = loaded === 0 ? Number.POSITIVE_INFINITY : ((size - loaded) * elapsed) / loaded;
  return expected < left * WORTH || elapsed * WORTH > 2 * expected;
}

const connections = new WeakMap<Semaphore, Map<string, Semaphore>>();

/** The connections of a page to an origin, which all its uploads share. `first`: those to the first address. */
export function connectionsTo(url: string, index: number, first: Semaphore): Semaphore {
  if (index === 0) return first;
  const byOrigin = connections.get(first) ?? new Map<string, Semaphore>();
  connections.set(first, byOrigin);
  const { origin } = new URL(url);
  const known = byOrigin.get(origin) ?? new Semaphore(first.count);
  byOrigin.set(origin, known);
  return known;
}

/** Lets the backend find and log why an address of an upload is left out. */
export function reportLeftOut(api: Api, id: string, index: number): void {
  const body = { headers: [], address: index };
  api.value("POST", `uploads/${id}/diagnose/`, new AbortController().signal, body).catch(() => {});
}
