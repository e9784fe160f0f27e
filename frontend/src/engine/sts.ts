// Signs parts in the browser, with credentials that the backend has borrowed for this upload.
// Its one rule: pure but for the browser's own HMAC; the same steps and vectors as the backend's signer, and the time
// is the server's, never the device's.

export interface LentCredentials {
  readonly access_key_id: string;
  readonly access_key_secret: string;
  readonly security_token: string;
  readonly expires_at: string;
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  readonly upload_id: string;
}

const ALGORITHM = "OSS4-HMAC-SHA256";
const TERMINATOR = "aliyun_v4_request";
const text = new TextEncoder();

/** RFC 3986 over UTF-8: only A-Z a-z 0-9 - _ . ~ stay. */
export function percentEncode(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function canonicalUri(bucket: string, key: string): string {
  return `/${percentEncode(bucket)}/${key.split("/").map(percentEncode).join("/")}`;
}

/** Sorted by the encoded names, whatever letters they are of. */
export function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => (value ? `${name}=${value}` : name))
    .join("&");
}

/** `x-oss-date`: 20260115T083000Z. */
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

export async function signingKey(secret: string, day: string, region: string): Promise<ArrayBuffer> {
  let key = await hmac(text.encode(`aliyun_v4${secret}`), day);
  for (const step of [region, "oss", TERMINATOR]) key = await hmac(key, step);
  return key;
}

export async function signature(
  key: ArrayBuffer,
  date: string,
  scope: string,
  request: string,
): Promise<string> {
  const digest = hex(await crypto.subtle.digest("SHA-256", text.encode(request)));
  return hex(await hmac(key, `${ALGORITHM}\n${date}\n${scope}\n${digest}`));
}

/** Presigned URLs for parts of one upload. `url`: the object's address, without a query. */
export async function presignParts(
  lent: LentCredentials,
  url: string,
  numbers: readonly number[],
  serverTime: number,
  expires: number,
): Promise<Map<number, string>> {
  const date = timestamp(serverTime);
  const scope = `${date.slice(0, 8)}/${lent.region}/oss/${TERMINATOR}`;
  const key = await signingKey(lent.access_key_secret, date.slice(0, 8), lent.region);
  const uri = canonicalUri(lent.bucket, lent.key);
  const shared: [string, string][] = [
    ["uploadId", lent.upload_id],
    ["x-oss-credential", `${lent.access_key_id}/${scope}`],
    ["x-oss-date", date],
    ["x-oss-expires", String(expires)],
    ...(lent.security_token ? [["x-oss-security-token", lent.security_token] as [string, string]] : []),
    ["x-oss-signature-version", ALGORITHM],
  ];
  const signed = numbers.map(async (number): Promise<[number, string]> => {
    const query = canonicalQuery([["partNumber", String(number)], ...shared]);
    const mark = await signature(key, date, scope, `PUT\n${uri}\n${query}\n\n\nUNSIGNED-PAYLOAD`);
    return [number, `${url}?${query}&x-oss-signature=${mark}`];
  });
  return new Map(await Promise.all(signed));
}
