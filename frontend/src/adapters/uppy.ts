/**
 * Options for Uppy's @uppy/aws-s3, which then uses the Companion routes of the backend.
 *
 * ```js
 * uppy.use(AwsS3, await uppyOptions({ destination: "films" }));
 * ```
 *
 * The Companion URL contains the permission to upload and is valid for a day. A page that stays open longer must ask again.
 *
 * @module oss-uploads/uppy
 */

import { browserEnvironment } from "../browser/environment.ts";
import type { Environment } from "../engine/ports.ts";
import { type AdapterOptions, backendOf } from "./backend.ts";

export type { AdapterOptions, BackendOptions, CsrfOption, HeadersOption, HeaderValues } from "./backend.ts";

/** The backend's answer. */
interface CompanionUrl {
  readonly companion_url: string;
  readonly expires_at: string;
}

/** The part that Uppy 5 passes to `signPart`. */
export interface UppyPart {
  /** OSS's id of the multipart upload; undefined for a file in one request. */
  readonly uploadId?: string | undefined;
  /** The object's key, as the backend gave it. */
  readonly key: string;
  /** From 1 on. */
  readonly partNumber: number;
  /** The bytes of the part. */
  readonly body: Blob | FormData;
  /** Aborted when the user cancels the upload. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of `signPart`. */
export interface SignedUppyPart {
  /** UploadPart is a PUT. */
  readonly method: "PUT";
  /** A presigned URL of OSS. */
  readonly url: string;
  /** The headers that the signature covers; send them as they are. */
  readonly headers: Record<string, string>;
  /** Seconds. */
  readonly expires: number;
}

/** Options of @uppy/aws-s3. */
export interface UppyOptions {
  /** The Companion URL, for Uppy 6. */
  readonly companionEndpoint: string;
  /** The same, for Uppy 5. */
  readonly endpoint: string;
  /** Also for small files: only multipart uploads of Uppy call the backend at their end. */
  readonly shouldUseMultipart: true;
  /** For Uppy 5, which sends the Content-Type of a file of one part; it must be signed. Uppy 6 sends none. */
  signPart(file: unknown, part: UppyPart): Promise<SignedUppyPart>;
  /** When the Companion URL expires, in ISO 8601. */
  readonly expiresAt: string;
}

/**
 * Options for @uppy/aws-s3 of Uppy 5 and 6. Rejects with ApiError when the backend refuses, with NetworkError when it
 * cannot be reached. `environment` is for tests.
 */
export async function uppyOptions(
  options: AdapterOptions = {},
  environment: Environment = browserEnvironment(),
): Promise<UppyOptions> {
  const { signal } = new AbortController();
  const api = backendOf(options, environment);
  const body = { destination: options.destination ?? "default" };
  const answer = await api.value<CompanionUrl>("POST", "uppy/", signal, body);
  const base = answer.companion_url.replace(/\/$/, "");
  return {
    companionEndpoint: base,
    endpoint: base,
    shouldUseMultipart: true,
    signPart: (_, part) => sign(environment, base, part),
    expiresAt: answer.expires_at,
  };
}

async function sign(environment: Environment, base: string, part: UppyPart): Promise<SignedUppyPart> {
  const { uploadId = "", key, partNumber, body, signal = null } = part;
  const type = body instanceof Blob ? body.type : "";
  const url = `${base}/s3/multipart/${encodeURIComponent(uploadId)}/${partNumber}`;
  const response = await environment.fetch(`${url}?${new URLSearchParams({ key, type })}`, { signal });
  const signed = await response.json();
  if (!response.ok) throw new Error(signed.message);
  return { method: "PUT", ...signed };
}
