// Finds out why OSS's responses cannot be read, and who must act after a refusal.
// A page sees the same for a refusal without CORS headers, for a missing CORS rule and for a lost connection. What the
// browser forbids, the environment tells; everything else the backend finds by trying the same address.

import type { Api, RemoteDiagnosis, RemoteUpload } from "./api.ts";
import { DIAGNOSES, type DiagnosisName } from "./diagnosis-texts.ts";
import { CorsError, StorageError, textFields } from "./errors.ts";
import type { Failure } from "./explanations.ts";
import { type Inquiry, inquiryOf } from "./inquiry.ts";
import { FAULTS } from "./oss-faults.ts";
import { abortable } from "./promises.ts";
import type { Facts } from "./sentences.ts";

/**
 * Requests without a readable response, one after another, while OSS is reached. On a bad line some are lost so by
 * chance; so many hardly ever.
 */
const CERTAIN_AFTER = 4;

/** Requests to an origin that got no readable response, each begun after the one before it had been examined. */
interface Unread {
  count: number;
  /** When the last one had been examined. */
  at: number;
}

export class Diagnosis {
  #running: { readonly reason: Promise<string>; readonly signal: AbortSignal } | null = null;
  /** By origin: an upload may try several addresses in turn. */
  readonly #unread = new Map<string, Unread>();

  constructor(
    readonly api: Api,
    readonly remote: Pick<RemoteUpload, "id" | "destination">,
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
    const inquiry = inquiryOf(this.api, this.remote.destination, request);
    const isUrgent = (this.#unread.get(origin)?.count ?? 0) >= CERTAIN_AFTER - 1;
    await this.#requireAllowed(origin, false, signal);
    const reaches = await this.api.environment.connection.reaches(origin, signal);
    signal.throwIfAborted();
    await inquiry.ask(this.remote.id, isUrgent, signal);
    this.#throwTold(inquiry);
    // Others reach OSS: its name may be that of a private address.
    if (inquiry.told?.verdict === "reachable" && !reaches) await this.#requireAllowed(origin, true, signal);
    if (!reaches || responded() || inquiry.mayPass) this.#unread.delete(origin);
    else this.#suspectCors(origin, startedAt, inquiry);
    return inquiry.told?.detail ?? "";
  }

  /** Throws when the browser or the page forbids requests to this address. */
  async #requireAllowed(address: string, isPrivate: boolean, signal: AbortSignal): Promise<void> {
    const cause = await this.api.environment.connection.blockedBy?.(address, isPrivate, signal);
    signal.throwIfAborted();
    if (cause) throw diagnosed(cause, { address });
  }

  /** Throws what the backend found, unless it may pass. */
  #throwTold({ told, isFinal, isFresh }: Inquiry): void {
    if (!told || !isFinal || !isFresh) return;
    throw told.verdict === "cors" ? corsError(this.api.environment.origin, told.request_id) : refusal(told);
  }

  /**
   * OSS answers requests that need no CORS headers, and has never given the page a readable answer. It also does so when
   * it has just come back, or when the line is bad. So several must fail, and the backend must have been asked again.
   */
  #suspectCors(origin: string, startedAt: number, { told, toldAt }: Inquiry): void {
    const { clock } = this.api.environment;
    const before = this.#unread.get(origin) ?? { count: 0, at: Number.NEGATIVE_INFINITY };
    if (startedAt <= before.at) return; // It was sent together with the last one.
    const count = before.count + 1;
    this.#unread.set(origin, { count, at: clock.now() });
    if (count < CERTAIN_AFTER || toldAt < before.at) return;
    this.#unread.delete(origin);
    throw told?.verdict === "reachable" || told?.verdict === "unknown"
      ? refusal(told)
      : corsError(this.api.environment.origin, "");
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
