// The backend's HTTP API, one method for each call, and the types of its JSON.
// It never retries; callers decide. Errors are those of http.ts.

import type { Batches } from "./batches.ts";
import { codeUnreachable, type RecordedError } from "./errors.ts";
import { type BackendOptions, HttpClient, type HttpResponse } from "./http.ts";
import { importLate } from "./late.ts";
import type { ObjectOptions } from "./options.ts";
import type { DonePart } from "./parts.ts";
import type { Environment, SignedRequest } from "./ports.ts";

/** An upload as the backend describes it. Sizes are in bytes, times in ISO 8601. */
export interface RemoteUpload {
  /** The id at the backend, a UUID. */
  readonly id: string;
  /** The state at the backend. */
  readonly state: "uploading" | "completing" | "completed" | "aborted" | "failed" | "deleted";
  /** While a staged file is `completing`: it is checked, or it is copied to its key. Otherwise empty. */
  readonly stage?: "" | "checking" | "copying";
  /** The name of the destination. */
  readonly destination: string;
  /** The bucket of the object. */
  readonly bucket: string;
  /** The object's key in the bucket. */
  readonly key: string;
  /** OSS's id of the multipart upload; null for an upload in one request. */
  readonly upload_id: string | null;
  /** UploadPart, PostObject or PutObject of OSS's API. */
  readonly method: "multipart" | "post" | "put";
  /** The name of the file, as the page gave it. */
  readonly filename: string;
  /** The file's path in the folder that was chosen; empty for a file that was chosen alone. */
  readonly relative_path?: string;
  /** The media type of the object. */
  readonly content_type: string;
  /** Null for a stream until it has been completed. */
  readonly size: number | null;
  /** Bytes that a stream may have; null for any number. */
  readonly size_limit?: number | null;
  /** Of every part but the last. */
  readonly part_size: number;
  /** Null for a stream until it has been completed. */
  readonly part_count: number | null;
  /** The number of the parts in the checkpoint. */
  readonly parts_done: number;
  /** The bytes of these parts. */
  readonly bytes_done: number;
  /** The object's URL at each address of its bucket, while it is sent; empty where there is only one. */
  readonly addresses?: readonly string[];
  /** By which a page recognises the file; null where the browser could not compute it. */
  readonly fingerprint: string | null;
  /** What the page stored with the upload. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When the upload began. */
  readonly created_at: string;
  /** When its record last changed. */
  readonly updated_at: string;
  /** When the backend aborts the upload if it is still unfinished. */
  readonly expires_at: string | null;
  /** When OSS had the whole object; null before that. */
  readonly completed_at: string | null;
  /** The ETag of the object; null before it is completed. */
  readonly etag: string | null;
  /** CRC-64/XZ of the object as an unsigned decimal, as in OSS's header x-oss-hash-crc64ecma. */
  readonly crc64: string | null;
  /** The URL of the object without a signature; null before it is completed. */
  readonly location: string | null;
  /** Null without a callback. */
  readonly callback?: CallbackOutcome | null;
  /** Why it failed, or who aborted it. */
  readonly error: RecordedError | null;
}

/** How the destination's callback ended. */
export interface CallbackOutcome {
  /** Whether the application answered with success. */
  readonly ok: boolean;
  /** The application's answer. */
  readonly body?: unknown;
  /** OSS's code and message, where the callback failed. */
  readonly code?: string;
  /** OSS's message, where the callback failed. */
  readonly message?: string;
  /** Only this browser said so. */
  readonly reported?: true;
}

export interface SignedPart extends SignedRequest {
  readonly number: number;
  /** Bytes that OSS accepts; null or absent where the signature does not bind them. */
  readonly size?: number | null;
  readonly expires_at: string;
}

export interface SignedBatch {
  readonly parts: readonly SignedPart[];
  readonly server_time: string;
}

export type CreatedUpload = RemoteUpload & Partial<SignedBatch>;

export interface CreateRequest {
  destination: string;
  filename: string;
  /** The file's path in the folder that was chosen. */
  relative_path?: string;
  /** Null for a stream. */
  size: number | null;
  content_type: string;
  /** Absent where the browser could not compute it. */
  fingerprint?: string;
  metadata: Readonly<Record<string, string>>;
  options?: ObjectOptions | undefined;
  /** Bytes of a part that the page, or its line, wishes for. */
  part_size?: number | undefined;
  /** How many first parts to sign in the same call. */
  sign: number;
  /** Return the unfinished upload of the same file, if there is one. */
  resume?: boolean;
  /** CRC-64/XZ of the whole file: the object must have it, also when this page is gone. */
  crc64?: string | undefined;
}

export interface CallbackReport {
  /** 203 where the callback failed. */
  readonly status: number;
  readonly body: string;
}

export interface CompleteRequest {
  /** Finished parts that the backend does not know yet. */
  readonly done: readonly DonePart[];
  /** Of the whole file. */
  readonly crc64?: string | undefined;
  /** Of a stream. */
  readonly size?: number;
  /** Complete an interrupted stream with its unbroken beginning. */
  readonly keep?: true;
  /** Of a file in one request: OSS's response, which tells how the callback ended. */
  readonly callback?: CallbackReport;
}

/** What the backend found at the address that browsers use. */
export interface RemoteDiagnosis {
  readonly verdict: "refused" | "cors" | "unreachable" | "unknown" | "reachable";
  /** OSS's error code, or one of the backend's. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** For administrators. */
  readonly cure: string;
  readonly request_id: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
}

export interface CompleteItem {
  readonly id: string;
  readonly crc64: string | undefined;
  readonly etag: string | undefined;
  readonly callback: CallbackReport | undefined;
}

/** How many URLs the response to create carries. */
export const FIRST_BATCH = 16;
/** Pages of a list that are read at most. */
const MAX_PAGES = 20;

export class Api {
  readonly #http: HttpClient;
  #batches: Promise<Batches> | null = null;

  constructor(
    readonly environment: Environment,
    readonly options: BackendOptions = {},
  ) {
    this.#http = new HttpClient(environment, options);
  }

  /** Creates the upload in a batch call, together with others that are created at about the same time. */
  async createInBatch(request: CreateRequest): Promise<CreatedUpload> {
    return (await this.#loadBatches()).created.add(request);
  }

  /** Completes an upload of one request in a batch call. */
  async completeInBatch(id: string, request: CompleteRequest): Promise<HttpResponse<RemoteUpload>> {
    const { done, crc64, callback } = request;
    const { completed } = await this.#loadBatches();
    const value = await completed.add({ id, crc64, etag: done[0]?.etag, callback });
    return { status: value.state === "completing" ? 202 : 200, retryAfter: null, value };
  }

  /** Rejects with NetworkError while the code cannot be loaded. */
  #loadBatches(): Promise<Batches> {
    this.#batches ??= importLate(() => import("./batches.ts"), "Batches").then(
      (Batches) => new Batches(this),
      (cause) => {
        this.#batches = null;
        return codeUnreachable(cause);
      },
    );
    return this.#batches;
  }

  /** The value of the answer to one call. Rejects with NetworkError or ApiError. */
  async value<T>(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<T> {
    return (await this.#http.call<T>(method, path, signal, body)).value;
  }

  /** 201 with a new upload, or 200 with an unfinished one, without signed parts. Repeatable with the same key. */
  create(
    body: CreateRequest,
    idempotencyKey: string,
    signal: AbortSignal,
  ): Promise<HttpResponse<CreatedUpload>> {
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#http.call("POST", "uploads/", signal, body, headers);
  }

  async get(id: string, signal: AbortSignal): Promise<RemoteUpload> {
    return this.value<RemoteUpload>("GET", `uploads/${id}/`, signal);
  }

  /** The user's uploads that match the query, newest first. */
  async list(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<RemoteUpload[]> {
    const found: RemoteUpload[] = [];
    let search = `?${new URLSearchParams({ ...query })}`;
    for (let page = 0; page < MAX_PAGES && search; page++) {
      const path = `uploads/${search}`;
      type Page = { next: string | null; results: RemoteUpload[] };
      const list = await this.value<Page>("GET", path, signal);
      found.push(...list.results);
      // Only the query of `next` is used: behind a proxy its host may be another.
      search = list.next ? new URL(list.next, this.environment.origin).search : "";
    }
    return found;
  }

  /** The parts that OSS holds, as its ListParts gives them. */
  async heldParts(id: string, signal: AbortSignal): Promise<DonePart[]> {
    const path = `uploads/${id}/parts/?source=oss`;
    return (await this.value<{ parts: DonePart[] }>("GET", path, signal)).parts;
  }

  async sign(
    id: string,
    parts: readonly { number: number; size?: number; content_md5?: string }[],
    done: readonly DonePart[],
    signal: AbortSignal,
    more: { refused?: true | undefined; crc64?: string | undefined } = {},
  ): Promise<SignedBatch> {
    const body = { parts, done, ...more }; // Undefined is left out of the request.
    return this.value<SignedBatch>("POST", `uploads/${id}/parts/sign/`, signal, body);
  }

  async checkpoint(id: string, parts: readonly DonePart[], signal: AbortSignal): Promise<void> {
    await this.#http.call("POST", `uploads/${id}/parts/`, signal, { parts });
  }

  /** 200 with the completed upload, or 202 while OSS assembles it or its file is checked. */
  complete(id: string, body: CompleteRequest, signal: AbortSignal): Promise<HttpResponse<RemoteUpload>> {
    return this.#http.call("POST", `uploads/${id}/complete/`, signal, body);
  }

  async abort(id: string, signal: AbortSignal): Promise<void> {
    await this.#http.call("DELETE", `uploads/${id}/`, signal);
  }
}
