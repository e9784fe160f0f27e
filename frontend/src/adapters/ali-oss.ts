// Options for `new OSS(…)` of ali-oss: credentials borrowed for one's own prefix, refreshed before they end.
//
//   const { prefix, ...options } = await aliOssOptions({ destination: "films" });
//   await new OSS(options).multipartUpload(`${prefix}film.mp4`, file);
//
// Its one rule: no date of the device is believed. Whatever the backend lends is good for a third of its life at
// least, so that asking more often than that is always in time.

import type { World } from "../engine/ports.ts";
import { type AdapterOptions, backend } from "./ask.ts";

export interface AliOssCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken: string;
}

export interface AliOssOptions extends AliOssCredentials {
  readonly region: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly secure: boolean;
  /** The endpoint is the bucket's own domain. */
  readonly cname: boolean;
  /** The bucket stands in the path: the local server. */
  readonly sldEnable: boolean;
  readonly authorizationV4: true;
  /** Milliseconds. */
  readonly refreshSTSTokenInterval: number;
  refreshSTSToken(): Promise<AliOssCredentials>;
  /** Keys must begin so: the credentials are good for nothing else. */
  readonly prefix: string;
}

/** Milliseconds: STS lends for fifteen minutes at least, of which five are left at least; a minute is for asking. */
const REFRESH = 4 * 60_000;

export async function aliOssOptions(options: AdapterOptions = {}, world?: World): Promise<AliOssOptions> {
  const api = backend(options, world);
  const { signal } = new AbortController();
  const lend = () => api.ownCredentials(options.destination ?? "default", signal);
  const lent = await lend();
  return {
    ...credentials(lent),
    region: `oss-${lent.region}`,
    bucket: lent.bucket,
    endpoint: lent.endpoint,
    secure: lent.endpoint.startsWith("https:"),
    cname: lent.addressing === "cname",
    sldEnable: lent.addressing === "path",
    authorizationV4: true,
    refreshSTSTokenInterval: REFRESH,
    refreshSTSToken: async () => credentials(await lend()),
    prefix: lent.prefix,
  };
}

function credentials(lent: {
  access_key_id: string;
  access_key_secret: string;
  security_token: string;
}): AliOssCredentials {
  return {
    accessKeyId: lent.access_key_id,
    accessKeySecret: lent.access_key_secret,
    stsToken: lent.security_token,
  };
}
