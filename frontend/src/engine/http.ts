// One HTTP call to the backend: headers, CSRF token, timeout, and errors.
// It never retries. Rejects with NetworkError when there is no usable response, with ApiError or LoginError when the
// backend refuses; the error carries the problem+json (RFC 9457) of the response.

import { ApiError, errorText, LoginError, NetworkError } from "./errors.ts";
import type { Environment } from "./ports.ts";
import { StallError, withWatchdog } from "./promises.ts";
import { retryAfter } from "./retry.ts";

/** Headers for each call to the backend, or a function that gives them, a fresh token for example. */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

export interface HttpResponse<T> {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | null;
  readonly value: T;
}

/** Milliseconds without a response after which a call counts as lost. */
const TIMEOUT = 60_000;

export class HttpClient {
  constructor(
    readonly environment: Environment,
    readonly base: string,
    readonly headers: HeadersOption = {},
  ) {}

  /** `body` is sent as JSON. `more`: headers of this call. */
  call<T>(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    more?: Readonly<Record<string, string>>,
  ): Promise<HttpResponse<T>> {
    return withWatchdog(this.environment.clock, TIMEOUT, signal, async (signal) => {
      const headers = { ...(await this.#headersFor(method, body !== undefined)), ...more };
      const response = await this.#fetch(path, {
        method,
        headers,
        signal,
        credentials: "same-origin",
        cache: "no-store",
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const seconds = retryAfter(response.headers.get("retry-after"));
      if (!response.ok) throw await errorOf(response, seconds);
      const value = response.status === 204 ? undefined : await readJson(response);
      return { status: response.status, retryAfter: seconds, value: value as T };
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.environment.fetch(this.base + path, init);
    } catch (error) {
      const reason: unknown = init.signal?.reason;
      if (init.signal?.aborted && !(reason instanceof StallError)) throw reason;
      throw new NetworkError("server_unreachable", { cause: error });
    }
  }

  async #headersFor(method: string, json: boolean): Promise<Record<string, string>> {
    const own = typeof this.headers === "function" ? await this.headers() : this.headers;
    const token = method === "GET" ? "" : this.environment.cookie("csrftoken");
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

/** The body of a problem+json response. */
export interface Problem {
  status?: number;
  title?: string;
  detail?: string;
  code?: string;
  errors?: unknown;
  oss?: { code?: string; request_id?: string };
}

const NOT_LOGGED_IN = new Set(["", "not_authenticated", "authentication_failed"]);

async function errorOf(response: Response, seconds: number | null): Promise<ApiError> {
  const problem: Problem = await response.json().catch(() => ({}));
  return problemError({ ...problem, status: response.status }, seconds);
}

export function problemError(problem: Problem, seconds: number | null): ApiError {
  const status = problem.status ?? 0;
  const code = problem.code ?? "";
  const { title, detail } = problem;
  const fields = {
    code: code || `http_${status}`,
    ...(title && detail ? { title, detail } : errorText("unexplained", { status })),
    status,
    retryable: status >= 500 || status === 408 || status === 429,
    retryAfter: seconds,
    requestId: problem.oss?.request_id ?? null,
    ossCode: problem.oss?.code ?? null,
    errors: problem.errors,
  };
  if (status === 401 || (status === 403 && NOT_LOGGED_IN.has(code))) {
    return new LoginError({ ...fields, ...errorText("login", { detail: fields.detail }) });
  }
  return new ApiError(fields);
}
