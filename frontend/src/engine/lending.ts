// Signed parts from borrowed credentials: asked for once, renewed once for all lanes before they end.
// Its one rule: where the site lends none, or the browser cannot sign, it says so and the backend signs instead.

import type { Api, SignedBatch } from "./api.ts";
import { ApiError } from "./errors.ts";
import { type LentCredentials, presignParts } from "./sts.ts";

/** Seconds that a URL lives at most. */
const LIFE = 900;
/** Renewed when less than this is left, in seconds. */
const LEAST = 300;

/** An answer of the backend, and when it came by our own clock. */
export interface Heard {
  readonly batch: SignedBatch;
  readonly at: number;
}

export class Lending {
  #lent: { credentials: LentCredentials; at: number; life: number } | null = null;
  #renewing: Promise<void> | null = null;
  #server: { time: number; at: number } | null = null;
  #url = "";
  refused = false;

  constructor(
    readonly api: Api,
    readonly id: string,
  ) {}

  /** Null where the backend has to sign. */
  async sign(
    numbers: readonly number[],
    heard: Heard | null,
    signal: AbortSignal,
  ): Promise<SignedBatch | null> {
    if (heard) this.#learn(heard);
    if (this.refused || !globalThis.crypto?.subtle || !this.#server || !this.#url) return null;
    if (this.#left() < LEAST) await this.#renewed(signal);
    if (!this.#lent) return null;
    const begun = this.#now(this.#server);
    const expires = Math.floor(Math.min(LIFE, this.#left()));
    const urls = await presignParts(this.#lent.credentials, this.#url, numbers, begun, expires);
    const expires_at = new Date(begun + expires * 1000).toISOString();
    const parts = [...urls].map(([number, url]) => ({
      number,
      method: "PUT" as const,
      url,
      headers: {},
      expires_at,
    }));
    // Signing took its time, and the life of a URL is counted from here.
    return { parts, server_time: new Date(this.#now(this.#server)).toISOString() };
  }

  #learn({ batch, at }: Heard): void {
    this.#server = { time: Date.parse(batch.server_time), at };
    this.#url ||= batch.parts.find(({ method }) => method === "PUT")?.url.split("?")[0] ?? "";
  }

  /** The server's time: what it said, and what has passed since on a clock that nobody sets. */
  #now({ time, at }: { time: number; at: number }): number {
    return time + (this.api.world.clock.now() - at);
  }

  /** Seconds that the credentials are still good for. */
  #left(): number {
    if (!this.#lent) return 0;
    return this.#lent.life - (this.api.world.clock.now() - this.#lent.at) / 1000;
  }

  /** Whoever comes while it is under way waits for the same answer. */
  #renewed(signal: AbortSignal): Promise<void> {
    this.#renewing ??= this.#renew(signal).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    try {
      const credentials = await this.api.credentials(this.id, signal);
      const at = this.api.world.clock.now();
      const server = this.#server ?? { time: Date.now(), at };
      const life = (Date.parse(credentials.expires_at) - (server.time + at - server.at)) / 1000;
      this.#lent = { credentials, at, life };
    } catch (error) {
      if (!(error instanceof ApiError) || error.retryable || error.status === 404) throw error;
      this.refused = true;
      this.#lent = null;
    }
  }
}
