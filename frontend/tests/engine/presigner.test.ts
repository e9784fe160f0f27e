// Who signs URLs, what the backend is told with a request for them, and what happens after a refusal.

import { expect, test } from "vitest";
import type { Api, RemoteUpload, SignedBatch } from "../../src/engine/api.ts";
import { ApiError, NetworkError } from "../../src/engine/errors.ts";
import type { DonePart } from "../../src/engine/parts.ts";
import { makeRetry } from "../../src/engine/retry.ts";
import { Presigner, type PresignerPorts } from "../../src/engine/signer.ts";
import { Waiting } from "../../src/engine/waiting.ts";
import { TestEnvironment } from "../environment.ts";
import { emptyRow } from "../row.ts";

const URL_OF_PART = "https://bucket.oss.test/files/1?partNumber=1&signature=x";
const DONE: DonePart = { number: 1, size: 10 };

function setting(more: Partial<PresignerPorts> = {}) {
  const environment = new TestEnvironment();
  const { clock, connection } = environment;
  const calls: { parts: unknown; done: unknown; more: unknown }[] = [];
  const reported: DonePart[] = [];
  const site = { fault: (): Error | undefined => undefined, issued: 0 };
  const after = (seconds: number) => new Date(environment.serverTime() + seconds * 1000).toISOString();
  const api = {
    environment,
    sign: async (_: string, parts: { number: number }[], done: unknown, __: unknown, told: object) => {
      calls.push({ parts, done, more: JSON.parse(JSON.stringify(told)) });
      const fault = site.fault();
      if (fault) throw fault;
      const signed = parts.map(({ number }) => {
        return { number, method: "PUT", url: URL_OF_PART, headers: {}, expires_at: after(900) };
      });
      return { parts: signed, server_time: after(0) } as SignedBatch;
    },
    value: async () => {
      site.issued += 1;
      const secrets = { access_key_id: "STS.1", access_key_secret: "secret", security_token: "token" };
      const { bucket, key } = remote;
      return { ...secrets, bucket, key, region: "cn-hangzhou", upload_id: "M1", expires_at: after(3600) };
    },
  } as unknown as Api;
  const own = {
    id: "1",
    upload_id: "M1",
    method: "multipart",
    size: 100,
    part_size: 10,
    part_count: 10,
  } as const;
  const body = { destination: "default", filename: "a", content_type: "", metadata: {} };
  const remote: RemoteUpload = emptyRow(own, body, after(0));
  const presigner = new Presigner({
    api,
    remote,
    signing: "url",
    md5: null,
    crc64: null,
    parallel: 2,
    unreported: () => [DONE],
    onreported: (parts) => reported.push(...parts),
    retry: makeRetry({ connection, waiting: new Waiting(clock, () => {}) }),
    ...more,
  });
  const sign = (numbers: readonly number[], size?: number) =>
    clock.run(presigner.sign(numbers, new AbortController().signal, size));
  return { environment, clock, calls, reported, site, presigner, sign, remote };
}

test("the backend signs, and is told of finished parts with it", async () => {
  const { sign, calls, reported } = setting();
  const { parts } = await sign([2, 3]);
  expect(parts.map(({ number }) => number)).toEqual([2, 3]);
  expect(calls).toEqual([{ parts: [{ number: 2 }, { number: 3 }], done: [DONE], more: {} }]);
  expect(reported).toEqual([DONE]);
});

test("a request that failed has reported nothing", async () => {
  const { sign, site, reported } = setting();
  site.fault = () => new ApiError({ code: "wrong_state", title: "", detail: "", status: 409 });
  await expect(sign([2])).rejects.toMatchObject({ code: "wrong_state" });
  expect(reported).toEqual([]);
});

test("a request without an answer is repeated", async () => {
  const { sign, site, calls } = setting();
  site.fault = () => (calls.length === 1 ? new NetworkError("server_unreachable") : undefined);
  await sign([2]);
  expect(calls).toHaveLength(2);
});

test("the size of the first part goes with it", async () => {
  const { sign, calls } = setting();
  await sign([2, 3], 7);
  expect(calls[0]?.parts).toEqual([{ number: 2, size: 7 }, { number: 3 }]);
});

test("MD5s are computed for few parts at a time, and the URLs are for these", async () => {
  const { sign, calls } = setting({ md5: async (number) => `md5 ${number}` });
  await sign([1, 2, 3, 4, 5, 6]);
  expect(calls[0]?.parts).toEqual([1, 2, 3, 4].map((number) => ({ number, content_md5: `md5 ${number}` })));
});

test("the checksum of a file in one request is told before it is sent", async () => {
  const { sign, calls } = setting({ crc64: async () => "123" });
  await sign([1]);
  expect(calls[0]?.more).toEqual({ crc64: "123" });
});

test("after a refusal the backend is told of it until it has answered", async () => {
  const { sign, site, calls, presigner } = setting();
  presigner.reset();
  site.fault = () => new ApiError({ code: "wrong_state", title: "", detail: "", status: 409 });
  await expect(sign([2])).rejects.toBeInstanceOf(ApiError);
  site.fault = () => undefined;
  await sign([2]);
  await sign([3]);
  expect(calls.map(({ more }) => more)).toEqual([{ refused: true }, { refused: true }, {}]);
});

test("with temporary credentials the first batch comes from the backend, and no other", async () => {
  const { sign, site, calls } = setting({ signing: "sts" });
  await sign([1]);
  const { parts } = await sign([2, 3]);
  expect([calls.length, site.issued]).toEqual([1, 1]);
  expect(parts.map(({ number }) => number)).toEqual([2, 3]);
  const url = new URL(parts[0]?.url ?? "");
  expect(url.origin + url.pathname).toBe("https://bucket.oss.test/files/1");
  expect([url.searchParams.get("partNumber"), url.searchParams.get("uploadId")]).toEqual(["2", "M1"]);
});

test("after a refusal the backend signs, and then other credentials do", async () => {
  const { sign, site, calls, presigner } = setting({ signing: "sts" });
  await sign([1]);
  await sign([2]);
  presigner.reset();
  await sign([3]);
  await sign([4]);
  expect(calls.map(({ parts }) => parts)).toEqual([[{ number: 1 }], [{ number: 3 }]]);
  expect(site.issued).toBe(2);
});

test("a batch that came with the new upload is enough to sign with temporary credentials", async () => {
  const { sign, calls, presigner, environment } = setting({ signing: "sts" });
  const now = new Date(environment.serverTime()).toISOString();
  const part = { number: 1, method: "PUT" as const, url: URL_OF_PART, headers: {}, expires_at: now };
  presigner.remember({ parts: [part], server_time: now });
  await sign([2]);
  expect(calls).toEqual([]);
});

test.each<[string, Partial<PresignerPorts>]>([
  ["URLs are asked for", { signing: "url" }],
  ["an MD5 is bound into each URL", { signing: "sts", md5: async () => "md5" }],
])("the backend signs every batch where %s", async (_, more) => {
  const { sign, calls, site } = setting(more);
  await sign([1]);
  await sign([2]);
  expect([calls.length, site.issued]).toEqual([2, 0]);
});

test("the backend signs a file in one request", async () => {
  const { remote } = setting();
  const { sign, calls, site } = setting({ signing: "sts", remote: { ...remote, method: "post" } });
  await sign([1]);
  await sign([1]);
  expect([calls.length, site.issued]).toEqual([2, 0]);
});
