// The options of uploaders and uploads, with their defaults and checks.

import { MAX_PARALLEL } from "./concurrency.ts";
import { ConfigurationError } from "./errors.ts";
import type { BackendOptions } from "./http.ts";
import type { Integrity } from "./integrity.ts";
import type { Signing } from "./signer.ts";

export interface UploaderOptions extends BackendOptions {
  /** The name of a destination of the backend's settings; "default" by default. */
  readonly destination?: string;
  /** Parts of one file in flight at the start, 1 to 6; 4 by default. The engine adapts it while it sends. */
  readonly parallel?: number;
  /** Who signs the URLs of parts: the backend ("url", the default), or the browser with credentials of STS ("sts"). */
  readonly signing?: Signing;
  /**
   * How parts are checked. "crc64" (the default) compares OSS's header x-oss-hash-crc64ecma with the part's own CRC64.
   * "md5" binds Content-MD5 into each signed URL, so that OSS refuses other bytes. "none" hashes nothing.
   */
  readonly integrity?: Integrity;
  /**
   * Bytes up to which a file is created and completed together with others, up to a hundred in a call; 262,144 by
   * default, -1 for never. Such files are not resumed.
   */
  readonly small?: number;
}

export interface UploadOptions {
  /** Stored with the upload, where the destination allows it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The file name of a Blob, which has none of its own. */
  readonly filename?: string;
  /** Kept in this browser until the upload has ended, so that `resume` can open the file without a file chooser. */
  readonly handle?: FileSystemFileHandle;
}

export interface StreamOptions extends UploadOptions {
  /** The media type, for example "video/webm". */
  readonly type?: string;
}

/** Less than any part size of the backend. */
const SMALL = 256 * 1024;

/** The options of the engine itself have defaults, those of the backend only where they are used. */
type CheckedOptions = BackendOptions & Required<Omit<UploaderOptions, keyof BackendOptions>>;

/** The options with defaults filled in. Throws ConfigurationError. */
export function checkedOptions({
  destination = "default",
  parallel = 4,
  signing = "url",
  integrity = "crc64",
  small = SMALL,
  ...backend
}: UploaderOptions): CheckedOptions {
  assertSupported("parallel", parallel, [1, 2, 3, 4, 5, MAX_PARALLEL]);
  assertSupported("signing", signing, ["url", "sts"]);
  assertSupported("integrity", integrity, ["crc64", "md5", "none"]);
  assertSupported("credentials", backend.credentials ?? "omit", ["same-origin", "include", "omit"]);
  return { ...backend, destination, parallel, signing, integrity, small };
}

function assertSupported<T>(option: string, value: T, supported: readonly T[]): void {
  if (supported.includes(value)) return;
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  throw new ConfigurationError(`${option}: ${JSON.stringify(value)} is not supported; supported: ${list}.`);
}
