// One HTTP call to the backend: headers, CSRF token, timeout, and errors.
// It never retries. Rejects with NetworkError when there is no usable response, with ApiError or LoginError when the
// backend refuses; the error carries the problem+json (RFC 9457) of the response.

import { ApiError, errorText, LoginError, NetworkError } from "./errors.ts";
import type { Environment } from "./ports.ts";
import { StallError, withWatchdog } from "./promises.ts";
import { retryAfter } from "./retry.ts";

/**
 * Headers for each call to the backend, or a function that gives them, a fresh token for example. After a call that was
 * refused for want of a login the function is called with true, and the call is repeated once.
 */
export type HeadersOption = HeaderValues | ((refused: boolean) => HeaderValues | Promise<HeaderValues>);

/** The value of the header Authorization, or a function that gives it, as for `HeadersOption`. */
export type AuthorizationOption = string | ((refused: boolean) => string | Promise<string>);

/** A request that is about to be sent. Its URL and headers may be changed. */
export interface OutgoingRequest {
  /** Where it goes. */
  readonly target: "backend" | "storage";
  /** The HTTP method. */
  readonly method: string;
  /** It may be replaced. */
  url: string;
  /** They may be changed. */
  readonly headers: Record<string, string>;
}

/** In milliseconds. */
export interface TimeoutOptions {
  /** Without a response of the backend; 60,000 by default. */
  readonly backend?: number;
  /** Without progress of a request to OSS; 30,000 by default. */
  readonly storage?: number;
}

/** Header names and their values. */
export type HeaderValues = Readonly<Record<string, string>>;

/** Django's CSRF token and the header that carries it. */
export interface CsrfOption {
  /** The cookie `csrftoken` by default. */
  readonly token?: string;
  /** X-CSRFToken by default. */
  readonly header?: string;
}

/** Where the backend is, and how it knows the user. */
export interface BackendOptions {
  /** The base URL of the backend's API; "/api/" by default. */
  readonly api?: string;
  /** Headers for each call to the backend, for example a token; or a function that gives them. */
  readonly headers?: HeadersOption;
  /** The header Authorization of each call to the backend, or a function that gives its value. */
  readonly authorization?: AuthorizationOption;
  /** "include" sends cookies to a backend on another origin, too; "same-origin" by default. */
  readonly credentials?: RequestCredentials;
  /** For pages that can read no cookie. A token that the backend refuses is replaced by one that the backend gives. */
  readonly csrf?: CsrfOption;
  /** How long the engine waits for answers. */
  readonly timeouts?: TimeoutOptions;
  /**
   * Called, and awaited, before each request to the backend and to OSS. What it throws fails the upload. A signature
   * covers the URL of a request to OSS and the headers that it has; OSS refuses others that begin with x-oss-.
   */
  readonly onBeforeRequest?: (request: OutgoingRequest) => void | Promise<void>;
}

export interface HttpResponse<T> {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | null;
  readonly value: T;
}

/** Milliseconds without a response after which a call counts as lost. */
const TIMEOUT = 60_000;

export class HttpClient {
  readonly #base: string;
  #csrf: CsrfOption;
  /** Calls that sent the same headers, and are refused, ask for new ones once. */
  #renewal: Promise<HeaderValues | undefined> | null = null;
  #renewed: HeaderValues | undefined;
  #renewals = 0;

  constructor(
    readonly environment: Environment,
    readonly options: BackendOptions,
  ) {
    this.#base = (options.api ?? "/api/").replace(/\/?$/, "/");
    this.#csrf = options.csrf ?? {};
  }

  /** `body` is sent as JSON. `more`: headers of this call. */
  call<T>(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    more?: Readonly<Record<string, string>>,
  ): Promise<HttpResponse<T>> {
    const timeout = this.options.timeouts?.backend ?? TIMEOUT;
    return withWatchdog(this.environment.clock, timeout, signal, async (signal) => {
      const known = this.#renewals;
      const send = async (refused: boolean): Promise<HttpResponse<T>> => {
        const own = await (refused ? this.#renew(known) : this.#askForHeaders(false));
        const headers = { ...this.#headersFor(method, body !== undefined), ...own, ...more };
        const response = await this.#fetch(path, {
          method,
          headers,
          signal,
          credentials: this.options.credentials ?? "same-origin",
          cache: "no-store",
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const seconds = retryAfter(response.headers.get("retry-after"));
        if (!response.ok) throw await errorOf(response, seconds);
        const value = response.status === 204 ? undefined : await readJson(response);
        return { status: response.status, retryAfter: seconds, value: value as T };
      };
      return send(false).catch(async (error) => {
        if (error.code === "csrf_failed") this.#csrf = await this.#askForToken(error, signal);
        else if (!(error instanceof LoginError && this.#canRenew)) throw error;
        return send(error instanceof LoginError);
      });
    });
  }

  get #canRenew(): boolean {
    const { headers, authorization } = this.options;
    return [headers, authorization].some((option) => typeof option === "function");
  }

  /** A page of an earlier login has an old token. A refusal of this call is told as that of the one before. */
  async #askForToken(refused: ApiError, signal: AbortSignal): Promise<CsrfOption> {
    const answer = this.call<CsrfOption>("GET", "csrf/", signal).catch((error) => {
      throw error instanceof ApiError ? refused : error;
    });
    return (await answer).value;
  }

  async #fetch(
    path: string,
    init: RequestInit & Pick<OutgoingRequest, "method" | "headers">,
  ): Promise<Response> {
    const request = {
      target: "backend" as const,
      method: init.method,
      url: this.#base + path,
      headers: init.headers,
    };
    await this.options.onBeforeRequest?.(request);
    try {
      return await this.environment.fetch(request.url, init);
    } catch (error) {
      const reason: unknown = init.signal?.reason;
      if (init.signal?.aborted && !(reason instanceof StallError)) throw reason;
      throw new NetworkError("server_unreachable", { cause: error });
    }
  }

  #headersFor(method: string, json: boolean): Record<string, string> {
    const { token = this.environment.cookie("csrftoken"), header = "X-CSRFToken" } = this.#csrf;
    return {
      Accept: "application/json",
      ...(json && { "Content-Type": "application/json" }),
      ...(token && method !== "GET" && { [header]: token }),
    };
  }

  async #askForHeaders(refused: boolean): Promise<HeaderValues | undefined> {
    const { headers, authorization } = this.options;
    const own = await (typeof headers === "function" ? headers(refused) : headers);
    const value = await (typeof authorization === "function" ? authorization(refused) : authorization);
    return value ? { Authorization: value, ...own } : own;
  }

  /** `known`: how often there were new headers when those that are refused were asked for. */
  #renew(known: number): Promise<HeaderValues | undefined> | HeaderValues | undefined {
    if (!this.#renewal && known < this.#renewals) return this.#renewed;
    this.#renewal ??= this.#askForHeaders(true)
      .then((headers) => {
        this.#renewals += 1;
        this.#renewed = headers;
        return headers;
      })
      .finally(() => {
        this.#renewal = null;
      });
    return this.#renewal;
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
  sizes?: Readonly<Record<string, number>>;
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
    sizes: problem.sizes ?? {},
  };
  if (status === 401 || (status === 403 && NOT_LOGGED_IN.has(code))) {
    return new LoginError({ ...fields, ...errorText("login", { detail: fields.detail }) });
  }
  return new ApiError(fields);
}
