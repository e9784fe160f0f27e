// OSS's V4 signature of presigned part URLs, by the test vectors that the backend uses too.

import { expect, test } from "vitest";
import file from "../../../tests/vectors/v4_presigned_urls.json";
import { canonicalQuery, percentEncode, presignParts, timestamp } from "../../src/engine/signature-v4.ts";

interface Vector {
  id: string;
  input: {
    method: string;
    bucket: string;
    key: string;
    query: Record<string, string>;
    headers: Record<string, string>;
    additional_headers: string[];
    access_key_id: string;
    access_key_secret: string;
    security_token: string | null;
    region: string;
    signing_time: string;
    expires: number;
  };
  expected: { url: string; signature: string };
}

const parts = (file.vectors as unknown as Vector[]).filter(
  ({ input }) =>
    input.method === "PUT" &&
    Object.keys(input.query).sort().join() === "partNumber,uploadId" &&
    Object.keys(input.headers).length === 0 &&
    input.additional_headers.length === 0,
);

test("there are enough test vectors", () => expect(parts.length).toBeGreaterThan(25));

test.each(parts)("$id", async ({ input, expected }) => {
  const time = Date.parse(input.signing_time.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:"));
  const number = Number(input.query.partNumber);
  const credentials = {
    ...input,
    security_token: input.security_token ?? "",
    upload_id: input.query.uploadId ?? "",
    expires_at: "",
  };
  const [base = ""] = expected.url.split("?");
  const signed = await presignParts({ credentials, url: base, time, expires: input.expires }, [number]);
  const url = new URL(signed.get(number) ?? "");
  expect(url.searchParams.get("x-oss-signature")).toBe(expected.signature);
  expect([...url.searchParams].sort()).toEqual([...new URL(expected.url).searchParams].sort());
});

test("a traffic limit of the credentials is part of each URL and of its signature", async () => {
  const credentials = {
    access_key_id: "STS.1",
    access_key_secret: "secret",
    security_token: "token",
    expires_at: "",
    region: "cn-hangzhou",
    bucket: "films",
    key: "a",
    upload_id: "U",
  };
  const presign = async (traffic_limit: number | null) => {
    const signing = {
      credentials: { ...credentials, traffic_limit },
      url: "https://oss.test/a",
      time: 0,
      expires: 60,
    };
    return new URL((await presignParts(signing, [1])).get(1) ?? "").searchParams;
  };
  const limited = await presign(819_200);
  expect(limited.get("x-oss-traffic-limit")).toBe("819200");
  const unlimited = await presign(null);
  expect(unlimited.has("x-oss-traffic-limit")).toBe(false);
  expect(unlimited.get("x-oss-signature")).not.toBe(limited.get("x-oss-signature"));
});

test("characters that encodeURIComponent leaves are encoded as OSS requires", () => {
  expect(percentEncode("a b!'()*~-_.ü")).toBe("a%20b%21%27%28%29%2A~-_.%C3%BC");
  expect(
    canonicalQuery([
      ["b", ""],
      ["a", "/"],
      ["B", "x"],
    ]),
  ).toBe("B=x&a=%2F&b");
  expect(timestamp(Date.UTC(2026, 0, 15, 8, 30, 0, 999))).toBe("20260115T083000Z");
});
