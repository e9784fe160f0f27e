// What OSS's response to a part means: what to do next, what is kept of it, and what the user is told.

import { describe, expect, test } from "vitest";
import { callbackReport, donePart, outcomeOf, storageError } from "../../src/engine/oss-response.ts";
import type { SendResponse } from "../../src/engine/ports.ts";

function response(status: number, body = "", headers: Record<string, string> = {}): SendResponse {
  return { status, body, headers: new Headers(headers) };
}

const refusal = (status: number, code: string) => response(status, `<Error><Code>${code}</Code></Error>`);

test.each([
  [0, "", "no_response"],
  [199, "", "refused"],
  [200, "", "done"],
  [203, "CallbackFailed", "done"],
  [299, "", "done"],
  [300, "", "refused"],
  [400, "EntityTooLarge", "refused"],
  [400, "InvalidDigest", "retry"],
  [400, "RequestTimeout", "retry"],
  [403, "AccessDenied", "sign_again"],
  [403, "", "sign_again"],
  [404, "NoSuchUpload", "refused"],
  [408, "", "busy"],
  [408, "RequestTimeout", "retry"],
  [409, "FileAlreadyExists", "done"],
  [409, "PositionNotEqualToLength", "refused"],
  [400, "FileAlreadyExists", "refused"],
  [429, "", "busy"],
  [499, "", "refused"],
  [500, "InternalError", "retry"],
  [501, "NotImplemented", "refused"],
  [502, "", "busy"],
  [503, "SlowDown", "busy"],
  [503, "NotImplemented", "refused"],
  [504, "", "busy"],
  [505, "", "retry"],
] as const)("after status %i with the code %j the part is %s", (status, code, outcome) => {
  expect(outcomeOf(code ? refusal(status, code) : response(status))).toBe(outcome);
});

test("of a part that OSS has taken, the checksums are kept that CORS shows", () => {
  const headers = { etag: '"E"', "x-oss-hash-crc64ecma": "7" };
  expect(donePart(2, 10, response(200, "", headers))).toEqual({
    number: 2,
    size: 10,
    etag: '"E"',
    crc64: "7",
  });
  expect(donePart(2, 10, response(200, "", { etag: '"E"' }))).toEqual({ number: 2, size: 10, etag: '"E"' });
  expect(donePart(2, 10, response(200))).toEqual({ number: 2, size: 10 });
});

describe("the error of a part", () => {
  test("has OSS's code, words and request id", () => {
    const body =
      "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No &lt;b&gt; &amp;lt; &quot;x&quot; &apos;y&apos;.</Message>" +
      "<RequestId>OF-BODY</RequestId><EC>0003-00000001</EC></Error>";
    const error = storageError(response(403, body, { "x-oss-request-id": "OF-HEADER", "retry-after": "7" }));
    expect(error).toMatchObject({
      name: "StorageError",
      code: "AccessDenied",
      title: "OSS refused a part.",
      detail: "No <b> &lt; \"x\" 'y'. (0003-00000001)",
      hint: "Try again. If it fails again, send the request ID to an administrator.",
      sentence: "storage_refused",
      status: 403,
      requestId: "OF-HEADER",
      retryAfter: 7,
    });
    expect(storageError(response(403, body)).requestId).toBe("OF-BODY");
  });

  test("without OSS's words says so", () => {
    const error = storageError(response(502, "<html>Bad gateway</html>"));
    expect(error).toMatchObject({ code: "http_502", detail: "OSS gave no reason.", status: 502 });
    expect([error.requestId, error.retryAfter]).toEqual([null, null]);
    expect(storageError(response(400, "<Error><Message>No.</Message></Error>")).detail).toBe("No.");
  });
});

describe("the answer of a callback", () => {
  test.each([
    [200, '{"film":7}', { status: 200, body: '{"film":7}' }],
    [203, "<Error/>", { status: 203, body: "<Error/>" }],
    [299, "x", { status: 299, body: "x" }],
  ])("of status %i is reported", (status, body, callback) => {
    expect(callbackReport(response(status, body))).toEqual({ callback });
  });

  test("is there only where OSS has taken the file and has said something", () => {
    expect(callbackReport(response(200))).toEqual({});
    expect(callbackReport(response(300, "x"))).toEqual({});
    expect(callbackReport(response(409, "<Error/>"))).toEqual({});
  });

  test("is reported up to 4,096 characters", () => {
    const { callback } = callbackReport(response(200, `${"x".repeat(4096)}y`));
    expect(callback?.body).toBe("x".repeat(4096));
  });
});
