// What an answer of OSS to a part means.
// Its one rule: pure; the only place that knows OSS's codes and XML.

import { StorageError, said } from "./errors.ts";
import type { DonePart } from "./ledger.ts";
import type { SendAnswer } from "./ports.ts";
import { retryAfter } from "./retry.ts";

export type Verdict =
  | "done"
  | "silent" // no answer that could be read: the network, CORS, or the file
  | "again" // OSS's trouble or its load; the same request may succeed
  | "sign" // the URL is no longer good
  | "refused";

/** OSS answers 400 to a body that did not arrive in time or in whole: the line's fault, not the request's. */
const LINE_TROUBLE = new Set(["RequestTimeout", "IncompleteBody"]);

export function judge(answer: SendAnswer): Verdict {
  const { status } = answer;
  if (status === 0) return "silent";
  if (status >= 200 && status < 300) return "done";
  if (status === 403) return "sign";
  if (status >= 500 || status === 408 || status === 429) return "again";
  if (status === 400 && LINE_TROUBLE.has(codeOf(answer))) return "again";
  return "refused";
}

export function donePart(number: number, size: number, answer: SendAnswer): DonePart {
  const etag = answer.headers.get("etag");
  const crc64 = answer.headers.get("x-oss-hash-crc64ecma");
  return { number, size, ...(etag && { etag }), ...(crc64 && { crc64 }) };
}

export function storageError(answer: SendAnswer): StorageError {
  const code = codeOf(answer);
  const cause = element(answer.body, "EC");
  const message = element(answer.body, "Message") || "The storage gave no reason.";
  return new StorageError({
    code: code || `http_${answer.status}`,
    ...said("storage_refused", { detail: cause ? `${message} (${cause})` : message }),
    status: answer.status,
    requestId: answer.headers.get("x-oss-request-id") ?? (element(answer.body, "RequestId") || null),
    retryAfter: retryAfter(answer.headers.get("retry-after")),
  });
}

function codeOf(answer: SendAnswer): string {
  return element(answer.body, "Code");
}

/** OSS's error documents are flat, so an expression reads them; a DOM would tie the engine to pages. */
function element(xml: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
  return found
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
