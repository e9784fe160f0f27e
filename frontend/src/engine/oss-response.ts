// What OSS's response to a part means, by the error codes and headers of its API reference ("Error codes",
// "UploadPart"). Pure.

import type { CallbackReport } from "./api.ts";
import { StorageError, textFields } from "./errors.ts";
import { REPEAT } from "./oss-repeat.ts";
import type { DonePart } from "./parts.ts";
import type { SendResponse } from "./ports.ts";
import { BUSY, retryAfter } from "./retry.ts";

export type Outcome =
  | "done"
  | "no_response" // nothing readable: the network, CORS, or a file that cannot be read
  | "busy" // OSS is overloaded, for as long as that takes
  | "retry" // the same request may succeed
  | "sign_again" // the URL is not valid any more
  | "refused";

export function outcomeOf(response: SendResponse): Outcome {
  const { status } = response;
  if (status === 0) return "no_response";
  if (status >= 200 && status < 300) return "done";
  // The object is there: an answer was lost before. Whether it is this file, the backend finds out.
  if (status === 409 && codeOf(response) === "FileAlreadyExists") return "done";
  if (status === 403) return "sign_again";
  const repeat = REPEAT[codeOf(response)];
  if (repeat === undefined && BUSY.includes(status)) return "busy";
  return (repeat ?? status >= 500) ? "retry" : "refused";
}

/** ETag and x-oss-hash-crc64ecma (CRC-64/XZ, an unsigned decimal) are absent where CORS hides them. */
export function donePart(number: number, size: number, response: SendResponse): DonePart {
  const etag = response.headers.get("etag");
  const crc64 = response.headers.get("x-oss-hash-crc64ecma");
  return { number, size, ...(etag && { etag }), ...(crc64 && { crc64 }) };
}

/** The text of the error storage_refused. */
export const REFUSED = [
  "OSS refused a part.",
  "{detail}",
  "Try again. If it fails again, send the request ID to an administrator.",
] as const;

export function storageError(response: SendResponse): StorageError {
  const { status, headers, body } = response;
  const code = codeOf(response);
  const detailCode = textOf(body, "EC");
  const message = textOf(body, "Message") || "OSS gave no reason.";
  return new StorageError({
    code: code || `http_${status}`,
    ...textFields("storage_refused", REFUSED, {
      detail: detailCode ? `${message} (${detailCode})` : message,
    }),
    status,
    requestId: headers.get("x-oss-request-id") ?? (textOf(body, "RequestId") || null),
    retryAfter: retryAfter(headers.get("retry-after")),
  });
}

/** Characters of a callback's answer that are reported. */
const MAX_CALLBACK_BODY = 4096;

/**
 * What the response to a file in one request says of the destination's callback, if there was one. OSS relays
 * the application's answer with status 200, and its own error with status 203 ("Callback" in the OSS API reference).
 */
export function callbackReport({ status, body }: SendResponse): { callback?: CallbackReport } {
  return status < 300 && body ? { callback: { status, body: body.slice(0, MAX_CALLBACK_BODY) } } : {};
}

function codeOf(response: SendResponse): string {
  return textOf(response.body, "Code");
}

/** OSS's error documents are flat, so an expression reads them; the engine has no DOM parser outside pages. */
function textOf(xml: string, element: string): string {
  const found = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? "";
  return found
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
