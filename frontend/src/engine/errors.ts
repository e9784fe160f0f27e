// Everything that can go wrong, branched by what the person or the page can do about it.
// Its one rule: code, detail, status and the storage's request id survive from where it happened to the screen;
// a signed URL never enters an error.
//
//   UploadError
//   ├─ ConfigurationError   the page asked for what this release does not have: mend the page
//   ├─ NetworkError         nobody answered: try again
//   ├─ ApiError             the backend refused: its problem+json, word for word
//   │  └─ LoginError        log in again
//   ├─ StorageError         OSS refused: its code and request id
//   │  └─ CorsError         the bucket does not know this page: an administrator mends it
//   ├─ FileError            the file changed, cannot be read, or is another one: choose it again
//   └─ AbortedError         discarded, here or elsewhere: nothing to do

import { ERRORS, type ErrorName, type Facts, fill } from "./sentences.ts";

export interface ErrorFields {
  code: string;
  title: string;
  detail: string;
  status?: number;
  retryable?: boolean;
  requestId?: string | null;
  hint?: string;
  /** Seconds the other side asked to wait. */
  retryAfter?: number | null;
  /** Messages by field, as the backend gave them. */
  errors?: unknown;
  /** Which sentence of the engine's this is, and what fills it, for other languages; null of the backend's own words. */
  sentence?: ErrorName | null;
  facts?: Facts;
}

/** One of the engine's own sentences. */
export function said(sentence: ErrorName, facts: Facts = {}) {
  const [title, detail, hint] = ERRORS[sentence];
  return { title, detail: fill(detail, facts), hint: fill(hint, facts), sentence, facts };
}

export class UploadError extends Error {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly requestId: string | null;
  readonly hint: string;
  readonly retryAfter: number | null;
  readonly errors: unknown;
  readonly sentence: ErrorName | null;
  readonly facts: Facts;

  constructor(fields: ErrorFields, options?: ErrorOptions) {
    super(`${fields.title} ${fields.detail}`.trim(), options);
    this.name = new.target.name;
    this.code = fields.code;
    this.title = fields.title;
    this.detail = fields.detail;
    this.status = fields.status ?? 0;
    this.retryable = fields.retryable ?? false;
    this.requestId = fields.requestId ?? null;
    this.hint = fields.hint ?? "";
    this.retryAfter = fields.retryAfter ?? null;
    this.errors = fields.errors;
    this.sentence = fields.sentence ?? null;
    this.facts = fields.facts ?? {};
  }
}

export class ConfigurationError extends UploadError {
  constructor(detail: string) {
    super({ code: "not_supported", ...said("not_supported", { detail }) });
  }
}

export class NetworkError extends UploadError {
  constructor(
    sentence: "server_unreachable" | "answer_broken" | "storage_unreachable" | "code_unreachable",
    options?: ErrorOptions,
  ) {
    super({ code: "network", retryable: true, ...said(sentence) }, options);
  }
}

export class ApiError extends UploadError {
  /** OSS's own code, where the backend's trouble was with OSS. */
  readonly ossCode: string | null;

  constructor(fields: ErrorFields & { ossCode?: string | null }) {
    super(fields);
    this.ossCode = fields.ossCode ?? null;
  }
}

export class LoginError extends ApiError {}

export class StorageError extends UploadError {}

export class CorsError extends StorageError {
  constructor(origin: string) {
    super({ code: "cors_not_allowed", ...said("cors", { origin }) });
  }
}

export class FileError extends UploadError {}

export class AbortedError extends UploadError {
  constructor(sentence: "aborted" | "aborted_elsewhere" = "aborted") {
    super({ code: "aborted", ...said(sentence) });
  }
}

export function fileChanged(name: string, cause?: unknown): FileError {
  return new FileError({ code: "file_changed", ...said("file_changed", { name }) }, { cause });
}

export function otherFile(name: string, expected: string): FileError {
  return new FileError({ code: "other_file", ...said("other_file", { name, expected }) });
}

/** Whatever was thrown, as one of the errors above. */
export function asUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error;
  return new UploadError(
    { code: "unexpected", ...said("unexpected", { detail: reasonOf(error) }) },
    { cause: error },
  );
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether it says that the upload is no more, or no longer open. */
export function isGone(error: UploadError): boolean {
  if (error.code === "NoSuchUpload") return true;
  return (
    error instanceof ApiError && (error.ossCode === "NoSuchUpload" || [404, 409, 410].includes(error.status))
  );
}
