/**
 * Options for `new OSS(…)` of ali-oss: temporary credentials for the user's own prefix, refreshed before they expire.
 *
 * ```js
 * const { prefix, register, ...options } = await aliOssOptions({ destination: "films" });
 * const { name } = await new OSS(options).multipartUpload(`${prefix}film.mp4`, file);
 * const upload = await register(name);
 * ```
 *
 * The device's date is not used. The backend issues credentials with at least a third of their life left, so a refresh
 * at a shorter interval than that is always in time.
 *
 * @module oss-uploads/ali-oss
 */

import type { RemoteUpload } from "../engine/api.ts";
import type { Environment } from "../engine/ports.ts";
import type { TemporaryCredentials } from "../engine/signature-v4.ts";
import { type AdapterOptions, backendOf } from "./backend.ts";

export type { AdapterOptions, BackendOptions, CsrfOption, HeadersOption, HeaderValues } from "./backend.ts";

/** Temporary credentials by ali-oss's names. */
export interface AliOssCredentials {
  /** The id of a temporary access key. */
  readonly accessKeyId: string;
  /** Its secret. */
  readonly accessKeySecret: string;
  /** The token that each request must carry. */
  readonly stsToken: string;
}

/** The options of ali-oss's constructor ("new OSS(options)" in its README), and the prefix. */
export interface AliOssOptions extends AliOssCredentials {
  /** With "oss-" in front, as ali-oss wants it. */
  readonly region: string;
  /** The name of the bucket. */
  readonly bucket: string;
  /** The host of the bucket's address, without its scheme. */
  readonly endpoint: string;
  /** Whether the address has https. */
  readonly secure: boolean;
  /** Whether the endpoint is a domain of the bucket itself. */
  readonly cname: boolean;
  /** Whether the bucket's name stands in the path, as for the local OSS server. */
  readonly sldEnable: boolean;
  /** Requests are signed by OSS's signature version 4. */
  readonly authorizationV4: true;
  /** Milliseconds. */
  readonly refreshSTSTokenInterval: number;
  /** Asks the backend for new credentials. */
  refreshSTSToken(): Promise<AliOssCredentials>;
  /** Keys must start with it: the credentials are valid for no others. */
  readonly prefix: string;
  /**
   * bit/s that each request should ask for in the header x-oss-traffic-limit; null: no limit. ali-oss has no option
   * for it: pass `headers` to `put`.
   */
  readonly trafficLimit: number | null;
  /**
   * Tells the backend of an object that was uploaded, and gives its upload, completed. Rejects with ApiError when the
   * object breaks a rule of the destination: it has been removed then. Without this call a sweep finds the object.
   */
  register(name: string): Promise<RemoteUpload>;
}

/** The backend's answer. */
interface PrefixCredentials extends Omit<TemporaryCredentials, "key" | "upload_id"> {
  readonly endpoint: string;
  readonly prefix: string;
  /** Where the bucket's name stands in URLs. */
  readonly addressing: "virtual" | "path" | "cname";
}

/** Milliseconds. STS issues credentials for at least 15 minutes (AssumeRole, DurationSeconds), so 5 are left at least. */
const REFRESH_INTERVAL = 4 * 60_000;

/**
 * Options for ali-oss. Requires the destination's setting `credentials`. Rejects with ApiError when the backend refuses,
 * with NetworkError when it cannot be reached. `environment` is for tests.
 */
export async function aliOssOptions(
  options: AdapterOptions = {},
  environment?: Environment,
): Promise<AliOssOptions> {
  const api = backendOf(options, environment);
  const { signal } = new AbortController();
  const destination = options.destination ?? "default";
  const request = () => api.value<PrefixCredentials>("POST", "credentials/", signal, { destination });
  const issued = await request();
  return {
    ...credentialsOf(issued),
    region: `oss-${issued.region}`,
    bucket: issued.bucket,
    endpoint: issued.endpoint,
    secure: issued.endpoint.startsWith("https:"),
    cname: issued.addressing === "cname",
    sldEnable: issued.addressing === "path",
    authorizationV4: true,
    refreshSTSTokenInterval: REFRESH_INTERVAL,
    refreshSTSToken: async () => credentialsOf(await request()),
    prefix: issued.prefix,
    trafficLimit: issued.traffic_limit ?? null,
    register: (key) => api.value("POST", "uploads/register/", signal, { destination, key }),
  };
}

function credentialsOf(issued: PrefixCredentials): AliOssCredentials {
  return {
    accessKeyId: issued.access_key_id,
    accessKeySecret: issued.access_key_secret,
    stsToken: issued.security_token,
  };
}
