// Asks the backend why OSS's responses cannot be read. The uploads of a page share the answers: there may be hundreds.

import type { Api, RemoteDiagnosis } from "./api.ts";
import { ApiError } from "./errors.ts";

/** Milliseconds between two questions: at first, and at most; each gap doubles. */
const FIRST_GAP = 5000;
const MAX_GAP = 600_000;

/** By the origin and the names of the headers, because CORS rules name headers, too. */
const inquiries = new WeakMap<Api, Map<string, Inquiry>>();

/** The inquiry into requests with these headers to an origin. */
export function inquiryOf(api: Api, origin: string, headers: readonly string[]): Inquiry {
  const known = inquiries.get(api) ?? new Map<string, Inquiry>();
  inquiries.set(api, known);
  const key = [origin, ...headers].join(" ");
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

  constructor(
    readonly api: Api,
    readonly headers: readonly string[],
  ) {}

  /**
   * A backend that does not reach OSS may do so later: it has begun the uploads. Until then nothing is known. A refusal
   * that was not final may end.
   */
  get mayPass(): boolean {
    return this.#unanswered || this.told?.verdict === "unreachable" || this.told?.verdict === "refused";
  }

  /** Whether the answer is of now, and not of earlier trouble. */
  get isFresh(): boolean {
    return this.toldAt >= this.api.environment.clock.now() - FIRST_GAP;
  }

  /**
   * Asks about an upload, but seldom: the backend makes two requests to OSS each time. Rejects with ApiError when the
   * upload has ended, and with the signal's reason.
   */
  async ask(id: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.api.environment;
    const now = clock.now();
    if (now < this.#askAt) return;
    if (now > this.#askAt + MAX_GAP) this.#gap = FIRST_GAP; // There was no trouble for long.
    this.#askAt = now + this.#gap; // The others do not ask meanwhile.
    try {
      this.told = await this.api.value("POST", `uploads/${id}/diagnose/`, signal, { headers: this.headers });
      this.#unanswered = false;
    } catch (error) {
      this.#askAt = now; // Another upload may ask.
      signal.throwIfAborted();
      // The upload has ended, here or at OSS. Other refusals do not concern it.
      if (error instanceof ApiError && (error.status === 409 || error.status === 410)) throw error;
      this.#askAt = now + this.#gap;
      // An older backend does not know the question.
      this.#unanswered = !(error instanceof ApiError && error.status === 404);
    }
    this.toldAt = clock.now();
    this.#gap = Math.min(MAX_GAP, 2 * this.#gap);
  }
}
