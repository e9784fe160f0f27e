// The options of uploaders and uploads, with their defaults and checks.

import { ConfigurationError } from "./errors.ts";
import type { BackendOptions } from "./http.ts";
import type { Integrity } from "./integrity.ts";
import { MAX_PARALLEL } from "./queue.ts";
import type { Restrictions } from "./restrictions.ts";
import type { RetryOptions } from "./retry.ts";
import type { Signing } from "./signer.ts";

/** Content-Disposition with a file name. */
export interface Disposition {
  /** Whether browsers show the object or save it. */
  readonly type: "inline" | "attachment";
  /** The name under which they save it. */
  readonly filename: string;
}

/** Properties of the object, by the names of the API. The destination's `client_options` must allow each of them. */
export interface ObjectOptions {
  /** Who may read the object without a signature. */
  readonly acl?: "default" | "private" | "public-read" | "public-read-write";
  /** Its storage class. */
  readonly storage_class?: "Standard" | "IA" | "Archive" | "ColdArchive" | "DeepColdArchive";
  /** Up to ten tags. */
  readonly tagging?: Readonly<Record<string, string>>;
  /** Cache-Control of downloads. */
  readonly cache_control?: string;
  /** Content-Disposition of downloads. A type alone adds the file's own name. */
  readonly content_disposition?: "inline" | "attachment" | Disposition;
  /** Seconds from the begin of the upload, or a date in ISO 8601. */
  readonly expires?: number | string;
  /** OSS encrypts the object. */
  readonly encryption?: "AES256" | "KMS" | "SM4";
  /** The key of KMS that does. */
  readonly encryption_key_id?: string;
  /** The algorithm of KMS. */
  readonly data_encryption?: "SM4";
  /** Whether OSS refuses the object where one with its key exists. */
  readonly forbid_overwrite?: boolean;
  /** bit/s of each request; slower than the destination's own limit, never faster. */
  readonly traffic_limit?: number;
}

/** What an uploader has, and each of its uploads may have otherwise. */
export interface SharedOptions extends BackendOptions {
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
  /** Bytes of a part that the page wishes for. The backend decides: OSS's limits, and the destination's, come first. */
  readonly partSize?: number;
  /** Properties of the object: caching, tags and others. Those of an upload are added to those of its uploader. */
  readonly options?: ObjectOptions;
  /** Stored with the upload, where the destination allows it. That of an upload is added to that of its uploader. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How often a request is sent again, and after which pauses. */
  readonly retry?: RetryOptions;
  /** Which files are refused. The backend checks the rules of the destination in any case. */
  readonly restrictions?: Restrictions;
}

/** Options of an uploader. */
export interface UploaderOptions extends SharedOptions {
  /** Bits a second that all uploads of the page together may use; no limit by default. `OssUploader.bandwidth` changes it. */
  readonly bandwidth?: number;
}

/** Options of one upload. */
export interface UploadOptions extends SharedOptions {
  /** The file name of a Blob, which has none of its own. */
  readonly filename?: string;
  /** Kept in this browser until the upload has ended, so that `resume` can open the file without a file chooser. */
  readonly handle?: FileSystemFileHandle;
  /** Aborts the upload. */
  readonly signal?: AbortSignal;
}

/** Options of one stream. */
export interface StreamOptions extends UploadOptions {
  /** The media type, for example "video/webm". */
  readonly type?: string;
  /**
   * The stream cannot wait, such as a recording. It is read at once; what waits for the network goes to the device's disk
   * where the browser offers that. It ends in order at the limit of the destination, and when its producer fails.
   */
  readonly live?: boolean;
}

/** Less than any part size of the backend. */
const SMALL = 256 * 1024;

/** An upload that has one of these has an API of its own. */
const BACKEND = "api headers authorization credentials csrf timeouts onBeforeRequest".split(" ");
const SHARED = "destination parallel signing integrity small partSize options metadata retry restrictions";
const KNOWN = [...BACKEND, ...SHARED.split(" ")];
const OTHERS = ["bandwidth", "filename", "handle", "signal", "type", "live"];

/** The options of the engine itself have defaults, those of the backend only where they are used. */
export interface CheckedOptions
  extends BackendOptions,
    Required<
      Pick<SharedOptions, "destination" | "parallel" | "signing" | "integrity" | "small" | "metadata">
    >,
    Pick<UploaderOptions, "partSize" | "options" | "restrictions"> {
  readonly limits: RetryOptions;
}

/** The options with defaults filled in. Throws ConfigurationError. */
export function checkedOptions({
  destination = "default",
  parallel = 4,
  signing = "url",
  integrity = "crc64",
  small = SMALL,
  metadata = {},
  retry: limits = {},
  ...others
}: UploaderOptions): CheckedOptions {
  assertKnown(others);
  assertSupported("parallel", parallel, [1, 2, 3, 4, 5, MAX_PARALLEL]);
  assertSupported("signing", signing, ["url", "sts"]);
  assertSupported("integrity", integrity, ["crc64", "md5", "none"]);
  assertSupported("credentials", others.credentials ?? "omit", ["same-origin", "include", "omit"]);
  return { ...others, destination, parallel, signing, integrity, small, metadata, limits };
}

/**
 * Options of an upload over those of its uploader, and whether its calls to the backend differ; null where nothing does.
 * Throws ConfigurationError.
 */
export function optionsOfUpload(
  uploader: UploaderOptions,
  { filename, handle, signal, type, live, ...given }: StreamOptions,
): readonly [CheckedOptions, boolean] | null {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  if (set.length === 0) return null;
  const options = { ...uploader.options, ...given.options };
  const metadata = { ...uploader.metadata, ...given.metadata };
  const checked = checkedOptions({ ...uploader, ...Object.fromEntries(set), options, metadata });
  return [checked, set.some(([name]) => BACKEND.includes(name))];
}

function assertKnown(options: object): void {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue;
    const [nearest] = [...KNOWN, ...OTHERS].sort((a, b) => likeness(name, b) - likeness(name, a));
    throw new ConfigurationError(`There is no option "${name}"; the nearest is "${nearest}".`);
  }
}

function likeness(one: string, other: string): number {
  const common = [...one].filter((character) => other.includes(character)).length;
  let prefix = 0;
  while (prefix < one.length && one[prefix] === other[prefix]) prefix += 1;
  return common + 2 * prefix - Math.abs(one.length - other.length);
}

function assertSupported<T>(option: string, value: T, supported: readonly T[]): void {
  if (supported.includes(value)) return;
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  throw new ConfigurationError(`${option}: ${JSON.stringify(value)} is not supported; supported: ${list}.`);
}
