// The backend's HTTP API, one method per call.
// Its one rule: what comes back is the answer or an ApiError that carries the problem word for word; whoever calls
// decides about trying again.

import { Batch } from "./batch.ts";
import { ApiError, LoginError, NetworkError, said } from "./errors.ts";
import type { DonePart } from "./ledger.ts";
import type { Signed, World } from "./ports.ts";
import { retryAfter } from "./retry.ts";
import type { LentCredentials } from "./sts.ts";
import { Silence, watched } from "./watchdog.ts";

/** An upload as the API gives it. */
export interface RemoteUpload {
  readonly id: string;
  readonly state: "uploading" | "completing" | "completed" | "aborted" | "failed";
  readonly destination: string;
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string | null;
  readonly method: "multipart" | "post" | "put";
  readonly filename: string;
  readonly content_type: string;
  /** Null while a stream goes on. */
  readonly size: number;
  readonly part_size: number;
  readonly part_count: number | null;
  readonly parts_done: number;
  readonly bytes_done: number;
  readonly fingerprint: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly completed_at: string | null;
  readonly etag: string | null;
  readonly crc64: string | null;
  readonly location: string | null;
  readonly error: unknown;
}

export interface SignedPart extends Signed {
  readonly number: number;
  readonly expires_at: string;
}

export interface SignedBatch {
  readonly parts: readonly SignedPart[];
  readonly server_time: string;
}

export interface Beginning {
  destination: string;
  filename: string;
  /** Null of a stream. */
  size: number | null;
  content_type: string;
  /** Left out where the page could not make one. */
  fingerprint?: string;
  metadata: Readonly<Record<string, string>>;
  sign: number;
  /** Rather the unfinished upload of the same file, if there is one. */
  resume?: boolean;
}

/** What is said of a file at its end: what the backend does not know yet, and the CRC64 of the whole. */
export interface Ending {
  readonly done: readonly DonePart[];
  readonly crc64?: string;
  /** A stream's, at its end. */
  readonly size?: number;
}

export interface OwnCredentials extends Omit<LentCredentials, "key" | "upload_id"> {
  readonly endpoint: string;
  readonly prefix: string;
  /** How the bucket is reached at the endpoint. */
  readonly addressing: "virtual" | "path" | "cname";
}

export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

export interface Answer<T> {
  readonly status: number;
  readonly retryAfter: number | null;
  readonly value: T;
}

/** A backend that has said nothing for this long will not. */
const PATIENCE = 60_000;
const PAGES = 20;

/** Uploads in one call. */
const MOST = 100;
/** Milliseconds that the first waits for company: a beginning holds up what follows, an end holds up nobody. */
const BEGINNING = 30;
const ENDING = 250;

type Created = RemoteUpload & SignedBatch;

export class Api {
  readonly #creating: Batch<Beginning, Created>;
  readonly #completing: Batch<{ id: string; crc64?: string; etag?: string }, RemoteUpload>;

  constructor(
    readonly world: World,
    readonly base: string,
    readonly headers: HeadersOption = {},
  ) {
    this.#creating = new Batch(world.clock, MOST, BEGINNING, (uploads) =>
      this.#many("uploads/batch/", uploads),
    );
    this.#completing = new Batch(world.clock, MOST, ENDING, (uploads) =>
      this.#many("uploads/batch/complete/", uploads),
    );
  }

  /** Together with others that are asked for at about the same time. */
  createSoon(beginning: Beginning): Promise<Created> {
    return this.#creating.ask(beginning);
  }

  /** The same for the end of a file that went in one request. */
  async completeSoon(id: string, { done, crc64 }: Ending): Promise<Answer<RemoteUpload>> {
    const etag = done[0]?.etag;
    const value = await this.#completing.ask({ id, ...(crc64 && { crc64 }), ...(etag && { etag }) });
    return { status: 200, retryAfter: null, value };
  }

  async #many<A extends object>(path: string, uploads: readonly unknown[]): Promise<(A | Error)[]> {
    const signal = new AbortController().signal;
    const { value } = await this.#call<{ uploads: (A | Problem)[] }>("POST", path, signal, { uploads });
    return value.uploads.map((one) => ("code" in one && "status" in one ? errorOf(one, null) : (one as A)));
  }

  /** 201 with a new upload; 200, without parts, with one to be resumed. */
  create(
    beginning: Beginning,
    key: string,
    signal: AbortSignal,
  ): Promise<Answer<RemoteUpload & Partial<SignedBatch>>> {
    return this.#call("POST", "uploads/", signal, beginning, { "Idempotency-Key": key });
  }

  async get(id: string, signal: AbortSignal): Promise<RemoteUpload> {
    return (await this.#call<RemoteUpload>("GET", `uploads/${id}/`, signal)).value;
  }

  /** Own uploads that match the query, newest first. */
  async list(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<RemoteUpload[]> {
    const found: RemoteUpload[] = [];
    let search = `?${new URLSearchParams({ ...query })}`;
    for (let page = 0; page < PAGES && search; page++) {
      const { value } = await this.#call<{ next: string | null; results: RemoteUpload[] }>(
        "GET",
        `uploads/${search}`,
        signal,
      );
      found.push(...value.results);
      // Only the query is taken over: behind a proxy the backend may name itself otherwise.
      search = value.next ? new URL(value.next, this.world.origin).search : "";
    }
    return found;
  }

  /** The parts that the storage itself says it holds. */
  async heldParts(id: string, signal: AbortSignal): Promise<DonePart[]> {
    const { value } = await this.#call<{ parts: DonePart[] }>(
      "GET",
      `uploads/${id}/parts/?source=oss`,
      signal,
    );
    return value.parts;
  }

  async sign(
    id: string,
    parts: readonly { number: number; content_md5?: string }[],
    done: readonly DonePart[],
    signal: AbortSignal,
  ): Promise<SignedBatch> {
    return (await this.#call<SignedBatch>("POST", `uploads/${id}/parts/sign/`, signal, { parts, done }))
      .value;
  }

  /** Temporary, and good for the parts of this upload alone. */
  async credentials(id: string, signal: AbortSignal): Promise<LentCredentials> {
    return (await this.#call<LentCredentials>("POST", `uploads/${id}/credentials/`, signal, {})).value;
  }

  /** For clients that begin uploads by themselves: good for the caller's own prefix. */
  async ownCredentials(destination: string, signal: AbortSignal): Promise<OwnCredentials> {
    return (await this.#call<OwnCredentials>("POST", "credentials/", signal, { destination })).value;
  }

  /** Where Uppy is to go. */
  async companion(
    destination: string,
    signal: AbortSignal,
  ): Promise<{ companion_url: string; expires_at: string }> {
    const body = { destination };
    return (await this.#call<{ companion_url: string; expires_at: string }>("POST", "uppy/", signal, body))
      .value;
  }

  async checkpoint(id: string, parts: readonly DonePart[], signal: AbortSignal): Promise<void> {
    await this.#call("POST", `uploads/${id}/parts/`, signal, { parts });
  }

  /** 200 with the completed upload, or 202 while the storage is still at it. */
  complete(id: string, ending: Ending, signal: AbortSignal): Promise<Answer<RemoteUpload>> {
    return this.#call<RemoteUpload>("POST", `uploads/${id}/complete/`, signal, ending);
  }

  async abort(id: string, signal: AbortSignal): Promise<void> {
    await this.#call("DELETE", `uploads/${id}/`, signal);
  }

  #call<T>(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    return watched(this.world.clock, PATIENCE, signal, async (signal) => {
      const headers = { ...(await this.#headers(method, body !== undefined)), ...more };
      const response = await this.#fetch(path, {
        method,
        headers,
        signal,
        credentials: "same-origin",
        cache: "no-store",
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const seconds = retryAfter(response.headers.get("retry-after"));
      if (!response.ok) throw await problem(response, seconds);
      const value = response.status === 204 ? undefined : await readJson(response);
      return { status: response.status, retryAfter: seconds, value: value as T };
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.world.fetch(this.base + path, init);
    } catch (error) {
      const reason: unknown = init.signal?.reason;
      if (init.signal?.aborted && !(reason instanceof Silence)) throw reason;
      throw new NetworkError("server_unreachable", { cause: error });
    }
  }

  async #headers(method: string, json: boolean): Promise<Record<string, string>> {
    const own = typeof this.headers === "function" ? await this.headers() : this.headers;
    const token = method === "GET" ? "" : this.world.cookie("csrftoken");
    return {
      Accept: "application/json",
      ...(json && { "Content-Type": "application/json" }),
      ...(token && { "X-CSRFToken": token }),
      ...own,
    };
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw new NetworkError("answer_broken", { cause: error });
  }
}

interface Problem {
  status?: number;
  title?: string;
  detail?: string;
  code?: string;
  errors?: unknown;
  oss?: { code?: string; request_id?: string };
}

const NOT_LOGGED_IN = new Set(["", "not_authenticated", "authentication_failed"]);

async function problem(response: Response, seconds: number | null): Promise<ApiError> {
  const told: Problem = await response.json().catch(() => ({}));
  return errorOf({ ...told, status: response.status }, seconds);
}

function errorOf(told: Problem, seconds: number | null): ApiError {
  const status = told.status ?? 0;
  const code = told.code ?? "";
  const { title, detail } = told;
  const fields = {
    code: code || `http_${status}`,
    ...(title && detail ? { title, detail } : said("unexplained", { status })),
    status,
    retryable: status >= 500 || status === 408 || status === 429,
    retryAfter: seconds,
    requestId: told.oss?.request_id ?? null,
    ossCode: told.oss?.code ?? null,
    errors: told.errors,
  };
  if (status === 401 || (status === 403 && NOT_LOGGED_IN.has(code))) {
    return new LoginError({ ...fields, ...said("login", { detail: fields.detail }) });
  }
  return new ApiError(fields);
}
