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
  }
}

export class ConfigurationError extends UploadError {
  constructor(detail: string) {
    super({ code: "not_supported", title: "This cannot be set up so.", detail });
  }
}

export class NetworkError extends UploadError {
  constructor(detail: string, options?: ErrorOptions) {
    super({ code: "network", title: "No answer.", detail, retryable: true }, options);
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
    super({
      code: "cors_not_allowed",
      title: "The storage does not allow this page.",
      detail: `The bucket's CORS rules do not allow this page (${origin}) to upload.`,
      hint: `An administrator can mend it with: manage.py configure_bucket --origin ${origin}`,
    });
  }
}

export class FileError extends UploadError {}

export class AbortedError extends UploadError {
  constructor(detail = "It was cancelled.") {
    super({ code: "aborted", title: "The upload was discarded.", detail });
  }
}

export function fileChanged(name: string, cause?: unknown): FileError {
  return new FileError(
    {
      code: "file_changed",
      title: "The file changed.",
      detail: `“${name}” cannot be read as it was when it was chosen: it was changed, moved or deleted on this device.`,
      hint: "Cancel this upload and choose the file again.",
    },
    { cause },
  );
}

export function otherFile(name: string, expected: string): FileError {
  return new FileError({
    code: "other_file",
    title: "This is another file.",
    detail: `“${name}” is not the file that was begun as “${expected}”: its name, size or content differs.`,
    hint: "Choose the same file again, or discard the unfinished upload.",
  });
}

/** Whatever was thrown, as one of the errors above. */
export function asUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new UploadError(
    { code: "unexpected", title: "Something unexpected happened.", detail },
    { cause: error },
  );
}
