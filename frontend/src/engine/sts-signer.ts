// Signs parts in the browser with temporary credentials, which it requests once and renews before they expire.
// Where the site issues none, or the browser cannot sign, `sign` gives null and the backend signs instead.

import type { Api, SignedBatch } from "./api.ts";
import { ApiError } from "./errors.ts";
import { presignParts, type TemporaryCredentials } from "./signature-v4.ts";

/** Seconds that a URL is valid at most. */
const MAX_URL_LIFE = 900;
/** Seconds of validity below which the credentials are renewed. */
const RENEW_BELOW = 300;

/** A signed batch of the backend, and when it came, in `clock.now()`. */
export interface ServerResponse {
  readonly batch: SignedBatch;
  readonly at: number;
}

/** The server's time, and when it was so, in `clock.now()`. */
interface ServerTime {
  readonly time: number;
  readonly at: number;
}

interface Issued {
  readonly credentials: TemporaryCredentials;
  readonly at: number;
  /** Seconds. */
  readonly life: number;
}

export class StsSigner {
  #issued: Issued | null = null;
  #renewal: Promise<void> | null = null;
  #server: ServerTime | null = null;
  #url = "";
  #unavailable = false;

  constructor(
    readonly api: Api,
    readonly id: string,
  ) {}

  /** `response`: the newest signed batch of the backend, from which URL and time are taken. */
  async sign(
    numbers: readonly number[],
    response: ServerResponse | null,
    signal: AbortSignal,
  ): Promise<SignedBatch | null> {
    if (response) this.#learn(response);
    if (this.#unavailable || !crypto.subtle || !this.#server || !this.#url) return null;
    if (this.#secondsLeft() < RENEW_BELOW) await this.#renewOnce(this.#server, signal);
    if (!this.#issued) return null;
    const signedAt = this.#serverTime(this.#server);
    const expires = Math.floor(Math.min(MAX_URL_LIFE, this.#secondsLeft()));
    const { credentials } = this.#issued;
    const urls = await presignParts({ credentials, url: this.#url, time: signedAt, expires }, numbers);
    const expires_at = new Date(signedAt + expires * 1000).toISOString();
    const parts = [...urls].map(([number, url]) => {
      return { number, method: "PUT" as const, url, headers: {}, expires_at };
    });
    // Signing takes time, and the life of a URL is counted from here.
    return { parts, server_time: new Date(this.#serverTime(this.#server)).toISOString() };
  }

  #learn({ batch, at }: ServerResponse): void {
    this.#server = { time: Date.parse(batch.server_time), at };
    this.#url ||= batch.parts.find(({ method }) => method === "PUT")?.url.split("?")[0] ?? "";
  }

  /** The server's time now, by a clock that nobody sets. */
  #serverTime({ time, at }: ServerTime): number {
    return time + (this.api.environment.clock.now() - at);
  }

  #secondsLeft(): number {
    if (!this.#issued) return 0;
    return this.#issued.life - (this.api.environment.clock.now() - this.#issued.at) / 1000;
  }

  /** Callers that come while a renewal is under way share it. */
  #renewOnce(server: ServerTime, signal: AbortSignal): Promise<void> {
    this.#renewal ??= this.#renew(server, signal).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(server: ServerTime, signal: AbortSignal): Promise<void> {
    try {
      const path = `uploads/${this.id}/credentials/`;
      const credentials = await this.api.value<TemporaryCredentials>("POST", path, signal, {});
      const at = this.api.environment.clock.now();
      const life = (Date.parse(credentials.expires_at) - this.#serverTime(server)) / 1000;
      this.#issued = { credentials, at, life };
    } catch (error) {
      if (!(error instanceof ApiError) || error.retryable || error.status === 404) throw error;
      this.#unavailable = true;
      this.#issued = null;
    }
  }
}
