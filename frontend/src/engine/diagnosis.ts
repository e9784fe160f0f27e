// Finds out why OSS's responses cannot be read, and who must act after a refusal.
// A page sees the same for a refusal without CORS headers, for a missing CORS rule and for a lost connection. What the
// browser forbids, the environment tells; everything else the backend finds by trying the same address.

import type { Api, RemoteDiagnosis } from "./api.ts";
import { DIAGNOSES, type DiagnosisName } from "./diagnosis-texts.ts";
import { ApiError, CorsError, StorageError } from "./errors.ts";
import type { Failure } from "./explanations.ts";
import { FAULTS } from "./oss-faults.ts";
import type { BlockedBy } from "./ports.ts";
import { type Facts, fill } from "./sentences.ts";

/** Milliseconds between two questions to the backend: at first, and at most; each gap doubles. */
const FIRST_GAP = 15_000;
const MAX_GAP = 600_000;

export class Diagnosis {
  #running: Promise<void> | null = null;
  /** When OSS was found reachable although no request got a readable response; null while it was not. */
  #reachedAt: number | null = null;
  #askAt = Number.NEGATIVE_INFINITY;
  #gap = FIRST_GAP;
  #told: RemoteDiagnosis | null = null;

  constructor(
    readonly api: Api,
    readonly id: string,
  ) {}

  /** Parts that fail at the same time share one examination. */
  examine(failure: Failure, signal: AbortSignal): Promise<void> {
    this.#running ??= this.#examine(failure, signal).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #examine({ request, startedAt, responded }: Failure, signal: AbortSignal): Promise<void> {
    const { connection, clock } = this.api.environment;
    const { origin } = new URL(request.url);
    const forbidden = await this.#blockedBy(origin, false, signal);
    if (forbidden) throw diagnosed(forbidden, { address: origin });
    const reaches = await connection.reaches(origin, signal);
    signal.throwIfAborted();
    await this.#ask(Object.keys(request.headers ?? {}), signal);
    const told = this.#told;
    if (told?.verdict === "cors") throw corsError(this.api.environment.origin, told.request_id);
    if (told?.verdict === "refused" && !told.retryable) throw refusal(told);
    if (told?.verdict === "reachable" && !reaches) {
      const kept = await this.#blockedBy(origin, true, signal);
      if (kept) throw diagnosed(kept, { address: origin });
    }
    if (responded || !reaches) {
      this.#reachedAt = null;
    } else if (this.#reachedAt === null) {
      this.#reachedAt = clock.now();
    } else if (startedAt > this.#reachedAt) {
      // It also reaches an OSS that has just come back, so one more part must fail after OSS was reached.
      throw told?.verdict === "reachable" ? refusal(told) : corsError(this.api.environment.origin, "");
    }
  }

  async #blockedBy(address: string, isPrivate: boolean, signal: AbortSignal): Promise<BlockedBy | null> {
    const blocked = await this.api.environment.connection.blockedBy?.(address, isPrivate, signal);
    signal.throwIfAborted();
    return blocked ?? null;
  }

  /** Asks the backend, seldom: it makes two requests to OSS each time. */
  async #ask(headers: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock } = this.api.environment;
    if (clock.now() < this.#askAt) return;
    try {
      this.#told = await this.api.diagnose(this.id, headers, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#told = null;
      // The upload has ended, here or at OSS. Other refusals do not concern it, for example those of an older backend.
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
  const [title, detail, hint] = DIAGNOSES[name];
  return { title, detail: fill(detail, facts), hint: fill(hint, facts), sentence: name, facts };
}

/** The backend's texts are in the language that the browser asked for. */
function refusal({ code, title, detail, cure, request_id: requestId }: RemoteDiagnosis): StorageError {
  return new StorageError({ code, title, detail, hint: cure, requestId: requestId || null });
}
