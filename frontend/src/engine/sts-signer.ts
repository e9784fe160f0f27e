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

export class StsSigner {
  #credentials: TemporaryCredentials | null = null;
  #renewal: Promise<void> | null = null;
  /** Milliseconds that the server's time is ahead of `clock.now()`, which nobody sets. */
  #ahead = 0;
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
    if (this.#unavailable || !crypto.subtle || !this.#url) return null;
    if (this.#secondsLeft() < RENEW_BELOW) await this.#renewOnce(signal);
    const credentials = this.#credentials;
    if (!credentials) return null;
    const time = this.#serverTime();
    const expires = Math.floor(Math.min(MAX_URL_LIFE, this.#secondsLeft()));
    const urls = await presignParts({ credentials, url: this.#url, time, expires }, numbers);
    const expires_at = new Date(time + expires * 1000).toISOString();
    const parts = [...urls].map(([number, url]) => {
      return { number, method: "PUT" as const, url, headers: {}, expires_at };
    });
    // Signing takes time, and the life of a URL is counted from here.
    return { parts, server_time: new Date(this.#serverTime()).toISOString() };
  }

  #learn({ batch, at }: ServerResponse): void {
    this.#ahead = Date.parse(batch.server_time) - at;
    this.#url ||= batch.parts.find(({ method }) => method === "PUT")?.url.split("?")[0] ?? "";
  }

  /** The server's time now, in milliseconds since 1970. */
  #serverTime(): number {
    return this.api.environment.clock.now() + this.#ahead;
  }

  #secondsLeft(): number {
    const credentials = this.#credentials;
    return credentials ? (Date.parse(credentials.expires_at) - this.#serverTime()) / 1000 : 0;
  }

  /** Callers that come while a renewal is under way share it. */
  #renewOnce(signal: AbortSignal): Promise<void> {
    this.#renewal ??= this.#renew(signal).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    try {
      this.#credentials = await this.api.value("POST", `uploads/${this.id}/credentials/`, signal, {});
    } catch (error) {
      if (!(error instanceof ApiError) || error.retryable || error.status === 404) throw error;
      this.#unavailable = true;
      this.#credentials = null;
    }
  }
}
