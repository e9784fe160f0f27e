// The errors of the engine, by what the user or the page can do about them.
// Code, status and OSS's request id are kept from where the error happened up to the page. Signed URLs never enter an error.
//
//   UploadError
//   ├─ ConfigurationError   an unsupported option: correct the page
//   ├─ NetworkError         no response: try again
//   ├─ ApiError             the backend refused; carries its problem+json
//   │  └─ LoginError        not logged in: log in again
//   ├─ StorageError         OSS refused; carries its code and request id
//   │  └─ CorsError         the bucket's CORS rules lack this page: an administrator adds it
//   ├─ FileError            the file changed, cannot be read, or is another one: choose it again
//   └─ AbortedError         aborted here or elsewhere

import { ERRORS, type ErrorName, type ErrorTuple, type Facts, fill } from "./sentences.ts";

/** What an error is made of; each field is described at `UploadError`. */
export interface ErrorFields {
  /** Stable, for programs. */
  code: string;
  /** What happened. */
  title: string;
  /** Why, or "". */
  detail: string;
  /** The HTTP status; 0 by default, without a response. */
  status?: number;
  /** Whether the same request may succeed later; false by default. */
  retryable?: boolean;
  /** OSS's request id. */
  requestId?: string | null;
  /** What the user can do. */
  hint?: string;
  /** Seconds that the server asked to wait. */
  retryAfter?: number | null;
  /** Messages by field, as the backend gave them. */
  errors?: unknown;
  /** The name of the engine's text; null for the backend's. */
  sentence?: ErrorName | null;
  /** The values of the placeholders of that text. */
  facts?: Facts;
}

/** The fields of an error whose text is in sentences.ts. */
export function errorText(sentence: keyof typeof ERRORS, facts: Facts = {}) {
  return textFields(sentence, ERRORS[sentence], facts);
}

/** The fields of an error with this text: title, detail and hint. */
export function textFields(sentence: ErrorName, text: ErrorTuple, facts: Facts) {
  const [title, detail, hint] = text.map((part) => fill(part, facts)) as unknown as ErrorTuple;
  return { title, detail, hint, sentence, facts };
}

/** The base of all errors of the engine. `message` is title and detail in English. */
export class UploadError extends Error {
  /** Always "UploadError", also where code is minified. */
  override name = "UploadError";
  /** Stable, for programs: OSS's or the backend's code, or one of the engine's. */
  declare readonly code: string;
  /** What happened, in one sentence. */
  declare readonly title: string;
  /** Why, or "". */
  declare readonly detail: string;
  /** The HTTP status; 0 without a response. */
  declare readonly status: number;
  /** Whether the same request may succeed later. */
  declare readonly retryable: boolean;
  /** OSS's request id (x-oss-request-id), for Alibaba Cloud's support. */
  declare readonly requestId: string | null;
  /** What the user can do, or "". */
  declare readonly hint: string;
  /** Seconds that the server asked to wait. */
  declare readonly retryAfter: number | null;
  /** Messages by field, as the backend gave them. */
  declare readonly errors: unknown;
  /** The name and the values of the engine's own text, for translations; null for the backend's text. */
  declare readonly sentence: ErrorName | null;
  /** The values of the placeholders of that text. */
  declare readonly facts: Facts;
  /** Set where an abort was refused: nobody wants the upload any more. */
  declare readonly aborting?: true;

  constructor(fields: ErrorFields, options?: ErrorOptions) {
    super(`${fields.title} ${fields.detail}`.trim(), options);
    const unknown = { status: 0, retryable: false, requestId: null, hint: "", retryAfter: null };
    Object.assign(this, { ...unknown, sentence: null, facts: {}, ...fields });
  }
}

/** An option or argument is not supported; code "not_supported". */
export class ConfigurationError extends UploadError {
  /** Always "ConfigurationError", also where code is minified. */
  override name = "ConfigurationError";
  constructor(detail: string) {
    super({ code: "not_supported", ...errorText("not_supported", { detail }) });
  }
}

/** No response, or a broken one; code "network". The engine retries before it rejects with it. */
export class NetworkError extends UploadError {
  /** Always "NetworkError", also where code is minified. */
  override name = "NetworkError";
  constructor(
    sentence: "server_unreachable" | "answer_broken" | "storage_unreachable" | "code_unreachable",
    options?: ErrorOptions,
  ) {
    super({ code: "network", retryable: true, ...errorText(sentence) }, options);
  }
}

/** The backend refused a call: code, title, detail and `errors` of its problem+json (RFC 9457). */
export class ApiError extends UploadError {
  /** Always "ApiError", also where code is minified. */
  override name = "ApiError";
  /** OSS's error code, where OSS refused a call of the backend. */
  readonly ossCode: string | null;
  /** Bytes that `detail` names: `limit`, `left`, `size`. */
  readonly sizes: Readonly<Record<string, number>>;

  constructor(fields: ErrorFields & { ossCode?: string | null; sizes?: Readonly<Record<string, number>> }) {
    super(fields);
    this.ossCode = fields.ossCode ?? null;
    this.sizes = fields.sizes ?? {};
  }
}

/** The user is not logged in (any more): status 401, or 403 without a login. */
export class LoginError extends ApiError {
  /** Always "LoginError", also where code is minified. */
  override name = "LoginError";
}

/** OSS refused a part: code and request id of its error document ("Error codes" in the OSS API reference). */
export class StorageError extends UploadError {
  /** Always "StorageError", also where code is minified. */
  override name = "StorageError";
}

/** The bucket's CORS rules do not allow this page; code "cors_not_allowed". */
export class CorsError extends StorageError {
  /** Always "CorsError", also where code is minified. */
  override name = "CorsError";
}

/** The file changed, cannot be read, or is not the one of the upload to resume. */
export class FileError extends UploadError {
  /** Always "FileError", also where code is minified. */
  override name = "FileError";
}

/** The upload was aborted here, elsewhere, or by expiry; code "aborted". */
export class AbortedError extends UploadError {
  /** Always "AbortedError", also where code is minified. */
  override name = "AbortedError";
  /** Who aborted it elsewhere: aborted_by_user, aborted_by_administrator or expired; null where that is not known. */
  readonly reason: string | null;

  constructor(sentence: "aborted" | "aborted_elsewhere" = "aborted", recorded: RecordedError | null = null) {
    super({ ...errorText(sentence), ...(recorded && { ...recorded, sentence: null }), code: "aborted" });
    this.reason = recorded?.code ?? null;
  }
}

/** Why an upload ended, as the backend has recorded it. */
export interface RecordedError {
  /** Stable, for programs. */
  readonly code: string;
  /** What happened, in one sentence. */
  readonly title: string;
  /** Why, or "". */
  readonly detail: string;
}

/** Throws NetworkError: a chunk of our code could not be loaded. */
export function codeUnreachable(cause: unknown): never {
  throw new NetworkError("code_unreachable", { cause });
}

/** Its bytes are others than those that were sent; it can be read. */
export function fileChanged(name: string): FileError {
  return new FileError({ code: "file_changed", ...errorText("file_changed", { name }) });
}

/** The browser does not read it any more: it was changed, moved or deleted. */
export function fileUnreadable(name: string, cause: unknown): FileError {
  return new FileError({ code: "file_changed", ...errorText("file_unreadable", { name }) }, { cause });
}

/** Wraps anything else that was thrown. */
export function asUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error;
  return new UploadError(
    { code: "unexpected", ...errorText("unexpected", { detail: reasonOf(error) }) },
    { cause: error },
  );
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the error means that the upload does not exist, or is no longer unfinished. */
export function isGone(error: unknown): boolean {
  if ((error as Partial<UploadError> | undefined)?.code === "NoSuchUpload") return true;
  return (
    error instanceof ApiError && (error.ossCode === "NoSuchUpload" || [404, 409, 410].includes(error.status))
  );
}
