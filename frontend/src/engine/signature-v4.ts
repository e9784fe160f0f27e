// OSS's V4 signature of presigned URLs, by the names of the manual page "Include a V4 signature in a URL" (OSS API
// reference). The same steps and test vectors as the backend's signer. Pure, apart from the browser's SubtleCrypto.

/** Credentials of STS (AssumeRole) that are valid for the parts of one upload until `expires_at`. */
export interface TemporaryCredentials {
  readonly access_key_id: string;
  readonly access_key_secret: string;
  readonly security_token: string;
  readonly expires_at: string;
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
  /** bit/s that each part should request, because a policy cannot demand it; null or absent: no limit. */
  readonly traffic_limit?: number | null;
}

const ALGORITHM = "OSS4-HMAC-SHA256";
const TERMINATOR = "aliyun_v4_request";
const text = new TextEncoder();

/** Percent-encodes UTF-8 as RFC 3986 does: only A-Z a-z 0-9 - _ . ~ are kept. */
export function percentEncode(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function canonicalUri(bucket: string, key: string): string {
  return `/${percentEncode(bucket)}/${key.split("/").map(percentEncode).join("/")}`;
}

/** Parameters sorted by their encoded names; a parameter without a value has no "=". */
export function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => (value ? `${name}=${value}` : name))
    .join("&");
}

/** The form of `x-oss-date`: 20260115T083000Z. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

async function hmac(key: BufferSource, message: string): Promise<ArrayBuffer> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, text.encode(message));
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The key derived from secret, day (20260115), region, "oss" and "aliyun_v4_request". */
export async function signingKey(secret: string, day: string, region: string): Promise<ArrayBuffer> {
  let key = await hmac(text.encode(`aliyun_v4${secret}`), day);
  for (const step of [region, "oss", TERMINATOR]) key = await hmac(key, step);
  return key;
}

/** The signature over the string to sign, in lower-case hexadecimal. */
export async function signature(
  key: ArrayBuffer,
  date: string,
  scope: string,
  canonicalRequest: string,
): Promise<string> {
  const digest = hex(await crypto.subtle.digest("SHA-256", text.encode(canonicalRequest)));
  return hex(await hmac(key, `${ALGORITHM}\n${date}\n${scope}\n${digest}`));
}

export interface Presigning {
  readonly credentials: TemporaryCredentials;
  /** The object's URL without a query. */
  readonly url: string;
  /** The server's time of signing, in milliseconds since 1970. */
  readonly time: number;
  /** Seconds that the URLs are valid. */
  readonly expires: number;
}

/** Presigned URLs of UploadPart, by part number. The body is not signed (UNSIGNED-PAYLOAD). */
export async function presignParts(
  { credentials, url, time, expires }: Presigning,
  numbers: readonly number[],
): Promise<Map<number, string>> {
  const date = timestamp(time);
  const day = date.slice(0, 8);
  const scope = `${day}/${credentials.region}/oss/${TERMINATOR}`;
  const key = await signingKey(credentials.access_key_secret, day, credentials.region);
  const uri = canonicalUri(credentials.bucket, credentials.key);
  const token = credentials.security_token;
  const shared: [string, string][] = [
    ["uploadId", credentials.upload_id],
    ["x-oss-credential", `${credentials.access_key_id}/${scope}`],
    ["x-oss-date", date],
    ["x-oss-expires", String(expires)],
    ...(token ? [["x-oss-security-token", token] as [string, string]] : []),
    ["x-oss-signature-version", ALGORITHM],
    ...(credentials.traffic_limit
      ? [["x-oss-traffic-limit", String(credentials.traffic_limit)] as [string, string]]
      : []),
  ];
  const signed = numbers.map(async (number): Promise<[number, string]> => {
    const query = canonicalQuery([["partNumber", String(number)], ...shared]);
    const signed = await signature(key, date, scope, `PUT\n${uri}\n${query}\n\n\nUNSIGNED-PAYLOAD`);
    return [number, `${url}?${query}&x-oss-signature=${signed}`];
  });
  return new Map(await Promise.all(signed));
}
