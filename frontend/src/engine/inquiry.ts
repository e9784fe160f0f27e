// Asks the backend why OSS's responses cannot be read. The uploads of a page share the answers: there may be hundreds.

import type { Api, RemoteDiagnosis } from "./api.ts";
import { ApiError } from "./errors.ts";
import type { SignedRequest } from "./ports.ts";

/** Milliseconds between two questions: at first, and at most; each gap doubles while the cause may pass. */
const FIRST_GAP = 5000;
const MAX_GAP = 600_000;

const inquiries = new WeakMap<Api, Map<string, Inquiry>>();

/**
 * The inquiry into requests of uploads to a destination. CORS rules name origins, methods and headers; policies of OSS
 * may differ between destinations.
 */
export function inquiryOf(
  api: Api,
  destination: string,
  { method, url, headers: given }: SignedRequest,
): Inquiry {
  const known = inquiries.get(api) ?? new Map<string, Inquiry>();
  inquiries.set(api, known);
  const headers = Object.keys(given ?? {});
  const key = [destination, method, new URL(url).origin, ...headers].join(" ");
  const inquiry = known.get(key) ?? new Inquiry(api, headers);
  known.set(key, inquiry);
  return inquiry;
}

export class Inquiry {
  /** The last answer; null if there was none, or if the backend is an older one and does not know the question. */
  told: RemoteDiagnosis | null = null;
  /** When the backend answered. */
  toldAt = Number.NEGATIVE_INFINITY;
  /** Whether the backend has not answered the last question, and may do so later. */
  #unanswered = false;
  #askAt = Number.NEGATIVE_INFINITY;
  #gap = FIRST_GAP;
  #isAsking = false;

  constructor(
    readonly api: Api,
    readonly headers: readonly string[],
  ) {}

  /**
   * A backend that does not reach OSS may do so later: it has begun the uploads. Until then nothing is known. A refusal
   * may end, unless it is final.
   */
  get mayPass(): boolean {
    return this.#unanswered || this.told?.verdict === "unreachable" || this.told?.verdict === "refused";
  }

  /** Whether uploads fail for the answer. The next one may be told another one. */
  get isFinal(): boolean {
    return this.told?.verdict === "cors" || (this.told?.verdict === "refused" && !this.told.retryable);
  }

  /** Whether the answer is of now, and not of earlier trouble. */
  get isFresh(): boolean {
    return this.toldAt >= this.api.environment.clock.now() - FIRST_GAP;
  }

  /**
   * Asks about an upload, but seldom: the backend makes two requests to OSS each time. `isUrgent`: the upload may fail
   * for the answer. Rejects with ApiError when the upload has ended, and with the signal's reason.
   */
  async ask(id: string, isUrgent: boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.api.environment;
    const now = clock.now();
    if (this.#isAsking || (isUrgent ? this.isFresh : now < this.#askAt)) return;
    this.#isAsking = true;
    if (now > this.#askAt + MAX_GAP) this.#gap = FIRST_GAP; // There was no trouble for long.
    try {
      this.told = await this.api.value("POST", `uploads/${id}/diagnose/`, signal, { headers: this.headers });
      this.#unanswered = false;
    } catch (error) {
      signal.throwIfAborted();
      // The upload has ended, here or at OSS. Other refusals do not concern it.
      if (error instanceof ApiError && (error.status === 409 || error.status === 410)) throw error;
      this.told = null;
      // An older backend does not know the question.
      this.#unanswered = !(error instanceof ApiError && error.status === 404);
    } finally {
      this.#isAsking = false;
    }
    this.toldAt = clock.now();
    this.#gap = this.isFinal ? FIRST_GAP : Math.min(MAX_GAP, 2 * this.#gap);
    this.#askAt = now + this.#gap;
  }
}
