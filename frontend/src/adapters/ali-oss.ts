// Options for `new OSS(…)` of ali-oss: temporary credentials for the user's own prefix, refreshed before they expire.
//
//   const { prefix, ...options } = await aliOssOptions({ destination: "films" });
//   await new OSS(options).multipartUpload(`${prefix}film.mp4`, file);
//
// The device's date is not used. The backend issues credentials with at least a third of their life left, so a refresh
// at a shorter interval than that is always in time.

import type { PrefixCredentials } from "../engine/api.ts";
import type { Environment } from "../engine/ports.ts";
import { type AdapterOptions, backendOf } from "./backend.ts";

export type { AdapterOptions } from "./backend.ts";

/** Temporary credentials by ali-oss's names. */
export interface AliOssCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken: string;
}

/** The options of ali-oss's constructor ("new OSS(options)" in its README), and the prefix. */
export interface AliOssOptions extends AliOssCredentials {
  /** With "oss-" in front, as ali-oss wants it. */
  readonly region: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly secure: boolean;
  /** Whether the endpoint is a domain of the bucket itself. */
  readonly cname: boolean;
  /** Whether the bucket's name stands in the path, as for the local OSS server. */
  readonly sldEnable: boolean;
  readonly authorizationV4: true;
  /** Milliseconds. */
  readonly refreshSTSTokenInterval: number;
  refreshSTSToken(): Promise<AliOssCredentials>;
  /** Keys must start with it: the credentials are valid for no others. */
  readonly prefix: string;
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
  const request = () => api.prefixCredentials(options.destination ?? "default", signal);
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
  };
}

function credentialsOf(issued: PrefixCredentials): AliOssCredentials {
  return {
    accessKeyId: issued.access_key_id,
    accessKeySecret: issued.access_key_secret,
    stsToken: issued.security_token,
  };
}
