// Finds out why OSS's responses cannot be read, and who must act after a refusal.
// A page sees the same for a refusal without CORS headers, for a missing CORS rule and for a lost connection. What the
// browser forbids, the environment tells; everything else the backend finds by trying the same address.

import type { Api, RemoteDiagnosis } from "./api.ts";
import { DIAGNOSES, type DiagnosisName } from "./diagnosis-texts.ts";
import { ApiError, CorsError, StorageError, textFields } from "./errors.ts";
import type { Failure } from "./explanations.ts";
import { FAULTS } from "./oss-faults.ts";
import { abortable } from "./promises.ts";
import type { Facts } from "./sentences.ts";

/** Milliseconds between two questions to the backend: at first, and at most; each gap doubles. */
const FIRST_GAP = 15_000;
const MAX_GAP = 600_000;
/**
 * Requests without a readable response, one after another, while OSS is reached. On a bad line some are lost so by
 * chance; so many hardly ever.
 */
const CERTAIN_AFTER = 4;

export class Diagnosis {
  #running: { readonly reason: Promise<string>; readonly signal: AbortSignal } | null = null;
  /** Requests that got no readable response, each begun after OSS was reached when the one before it had failed. */
  #unread = 0;
  #reachedAt = Number.NEGATIVE_INFINITY;
  #askAt = Number.NEGATIVE_INFINITY;
  #gap = FIRST_GAP;
  #told: RemoteDiagnosis | null = null;
  /** Whether the backend has not answered the question, and may do so later. */
  #unanswered = false;

  constructor(
    readonly api: Api,
    readonly id: string,
  ) {}

  /** Parts that fail at the same time share one examination. Resolves with why the upload waits, or with "". */
  async examine(failure: Failure, signal: AbortSignal): Promise<string> {
    for (;;) {
      const running = this.#running ?? this.#start(failure, signal);
      try {
        return await abortable(running.reason, signal);
      } catch (error) {
        // The attempt that began the examination may have been aborted because another one succeeded.
        if (signal.aborted || !running.signal.aborted) throw error;
      }
    }
  }

  #start(failure: Failure, signal: AbortSignal) {
    const reason = this.#examine(failure, signal).finally(() => {
      this.#running = null;
    });
    this.#running = { reason, signal };
    return this.#running;
  }

  async #examine({ request, startedAt, responded }: Failure, signal: AbortSignal): Promise<string> {
    const { origin } = new URL(request.url);
    await this.#requireAllowed(origin, false, signal);
    const reaches = await this.api.environment.connection.reaches(origin, signal);
    signal.throwIfAborted();
    await this.#ask(Object.keys(request.headers ?? {}), signal);
    this.#throwTold();
    // Others reach OSS: its name may be that of a private address.
    if (this.#told?.verdict === "reachable" && !reaches) await this.#requireAllowed(origin, true, signal);
    this.#suspectCors(reaches && !responded(), startedAt);
    return this.#told?.detail ?? "";
  }

  /** Throws when the browser or the page forbids requests to this address. */
  async #requireAllowed(address: string, isPrivate: boolean, signal: AbortSignal): Promise<void> {
    const cause = await this.api.environment.connection.blockedBy?.(address, isPrivate, signal);
    signal.throwIfAborted();
    if (cause) throw diagnosed(cause, { address });
  }

  /** Throws what the backend found, unless it may pass. */
  #throwTold(): void {
    const told = this.#told;
    if (told?.verdict === "cors") throw corsError(this.api.environment.origin, told.request_id);
    if (told?.verdict === "refused" && !told.retryable) throw refusal(told);
  }

  /**
   * OSS answers requests that need no CORS headers, and has never given the page a readable answer. It also does so when
   * it has just come back, or when the line is bad, so several must fail after it was reached.
   */
  #suspectCors(suspected: boolean, startedAt: number): void {
    const { clock, origin } = this.api.environment;
    const told = this.#told;
    if (!suspected || this.#mayPass()) {
      this.#unread = 0;
    } else if (startedAt > this.#reachedAt) {
      this.#unread += 1;
      this.#reachedAt = clock.now();
    }
    if (this.#unread < CERTAIN_AFTER) return;
    throw told?.verdict === "reachable" || told?.verdict === "unknown"
      ? refusal(told)
      : corsError(origin, "");
  }

  /**
   * A backend that does not reach OSS may do so later: it has begun this upload. Until then nothing is known. A refusal
   * that has not been thrown may end.
   */
  #mayPass(): boolean {
    return this.#unanswered || this.#told?.verdict === "unreachable" || this.#told?.verdict === "refused";
  }

  /** Asks the backend, seldom: it makes two requests to OSS each time. What ends the upload is asked for once more. */
  async #ask(headers: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock } = this.api.environment;
    if (clock.now() < this.#askAt && this.#unread < CERTAIN_AFTER - 1) return;
    try {
      this.#told = await this.api.value("POST", `uploads/${this.id}/diagnose/`, signal, { headers });
      this.#unanswered = false;
    } catch (error) {
      signal.throwIfAborted();
      this.#told = null;
      // An older backend does not know the question.
      this.#unanswered = !(error instanceof ApiError && error.status === 404);
      // The upload has ended, here or at OSS. Other refusals do not concern it.
      if (error instanceof ApiError && (error.status === 409 || error.status === 410)) throw error;
    }
    this.#askAt = clock.now() + this.#gap;
    this.#gap = Math.min(MAX_GAP, 2 * this.#gap);
  }

  explain(error: StorageError): StorageError {
    const fault = FAULTS[error.code];
    if (fault !== "site" && fault !== "account") return error;
    const { code, status, requestId } = error;
    return diagnosed(`refused_${fault}`, error.facts, { code, status, requestId });
  }
}

function diagnosed(name: DiagnosisName, facts: Facts, fields: object = {}): StorageError {
  return new StorageError({ code: name, ...texts(name, facts), ...fields });
}

function corsError(origin: string, requestId: string): CorsError {
  return new CorsError({
    code: "cors_not_allowed",
    ...texts("cors", { origin }),
    requestId: requestId || null,
  });
}

function texts(name: DiagnosisName, facts: Facts) {
  return textFields(name, DIAGNOSES[name], facts);
}

/** The backend's texts are in the language that the browser asked for. */
function refusal({ code, title, detail, cure, request_id: requestId }: RemoteDiagnosis): StorageError {
  return diagnosed("refused_here", { title, detail, cure }, { code, requestId: requestId || null });
}
