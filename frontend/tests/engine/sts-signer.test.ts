// Signing in the browser: the server's time, and credentials that are renewed once for all parts.

import { describe, expect, test } from "vitest";
import type { Api, SignedBatch } from "../../src/engine/api.ts";
import { ApiError, NetworkError } from "../../src/engine/errors.ts";
import { StsSigner } from "../../src/engine/sts-signer.ts";
import { sha256 } from "../../src/hashing/sha256.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

describe('with signing "sts" the engine', () => {
  test("signs parts itself: three calls to the backend and the checkpoints", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 3600;
    const file = fileOf(500);
    await environment.clock.run(environment.open({ signing: "sts" }).upload(file).done);
    expectEachOnce(environment, 50);
    expect(environment.backend.count("POST", "credentials/")).toBe(1);
    expect(environment.backend.count("POST", "sign/")).toBe(0);
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
  });

  test("renews the credentials once for all parts, before they expire", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 900;
    environment.store.speed = 0.4; // a part in 25 seconds
    await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(5000)).done);
    const lives = environment.clock.now() / 900_000;
    expect(environment.backend.count("POST", "credentials/")).toBeGreaterThan(1);
    expect(environment.backend.count("POST", "credentials/")).toBeLessThanOrEqual(Math.ceil(lives * 1.6) + 1);
    expect(environment.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
  });

  test("uses the backend's signatures where the site issues no credentials", async () => {
    const environment = new TestEnvironment();
    await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(300)).done);
    expectEachOnce(environment, 30);
    expect(environment.backend.count("POST", "credentials/")).toBe(1);
    expect(environment.backend.count("POST", "sign/")).toBeGreaterThan(0);
  });

  test("uses the backend's signatures where the browser cannot sign", async () => {
    const environment = new TestEnvironment();
    environment.backend.credentialsLife = 3600;
    await sha256(new Uint8Array(1)); // To load and compile it takes time of which the clock of the test knows nothing.
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      await environment.clock.run(environment.open({ signing: "sts" }).upload(fileOf(100)).done);
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
    }
    expect(environment.backend.count("POST", "credentials/")).toBe(0);
    expectEachOnce(environment, 10);
  });
});

const NOON = Date.UTC(2044, 1, 29, 12);
const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

/** A signer whose credentials live so many seconds, by a server at which it is noon when the test begins. */
function setting(life = 3600) {
  const environment = new TestEnvironment();
  const { clock } = environment;
  const asked: unknown[] = [];
  const site = { fault: (): Error | undefined => undefined, life };
  const value = async (method: string, path: string, _: AbortSignal, body: unknown) => {
    asked.push([method, path, body]);
    await clock.sleep(2000, new AbortController().signal);
    const fault = site.fault();
    if (fault) throw fault;
    const secrets = {
      access_key_id: `STS.${asked.length}`,
      access_key_secret: "secret",
      security_token: "token",
    };
    const place = { bucket: "bucket", key: "files/1", region: "cn-hangzhou", upload_id: "M1" };
    return { ...secrets, ...place, expires_at: at(clock.now() / 1000 + site.life) };
  };
  const signer = new StsSigner({ environment, value } as unknown as Api, "17");
  const { signal } = new AbortController();
  const part = (method: "PUT" | "POST", url: string) => ({
    number: 1,
    method,
    url,
    headers: {},
    expires_at: at(900),
  });
  const batch = (...parts: SignedBatch["parts"]): SignedBatch => ({
    parts,
    server_time: at(clock.now() / 1000),
  });
  const response = () => ({ batch: batch(part("PUT", "https://oss.test/files/1?x=1")), at: clock.now() });
  const sign = (numbers: readonly number[], from: Parameters<StsSigner["sign"]>[1] = null) =>
    clock.run(signer.sign(numbers, from, signal));
  return { clock, asked, site, signer, sign, response, batch, part, signal };
}

const query = (url: string | undefined, name: string) => new URL(url ?? "").searchParams.get(name);

describe("the signer", () => {
  test("signs by the server's time, and says when the URLs expire", async () => {
    const { clock, sign, response, asked } = setting();
    await clock.pass(5000);
    const from = response();
    await clock.pass(60_000);
    const batch = await sign([2, 3], from);
    expect(asked).toEqual([["POST", "uploads/17/credentials/", {}]]);
    expect(batch?.parts.map(({ number, method, headers }) => ({ number, method, headers }))).toEqual([
      { number: 2, method: "PUT", headers: {} },
      { number: 3, method: "PUT", headers: {} },
    ]);
    const [first] = batch?.parts ?? [];
    expect(first?.url.split("?")[0]).toBe("https://oss.test/files/1");
    expect(query(first?.url, "x-oss-date")).toBe("20440229T120107Z");
    expect(query(first?.url, "x-oss-expires")).toBe("900");
    expect(first?.expires_at).toBe(at(67 + 900));
    expect(batch?.server_time).toBe(at(67));
  });

  test("signs no URL that outlives the credentials", async () => {
    const { clock, sign, response } = setting();
    await sign([1], response());
    await clock.pass(3_000_500);
    const batch = await sign([2]);
    expect(query(batch?.parts[0]?.url, "x-oss-expires")).toBe("599");
    expect(query(batch?.parts[0]?.url, "x-oss-credential")).toMatch(/^STS\.1\//);
  });

  test("asks for others once fewer than 300 seconds are left", async () => {
    const { clock, sign, response, asked } = setting();
    await sign([1], response());
    await clock.pass(3_300_000);
    expect(query((await sign([2]))?.parts[0]?.url, "x-oss-expires")).toBe("300");
    expect(asked).toHaveLength(1);
    await clock.pass(1);
    expect(query((await sign([3]))?.parts[0]?.url, "x-oss-credential")).toMatch(/^STS\.2\//);
    expect(asked).toHaveLength(2);
  });

  test("asks once for all that wait", async () => {
    const { clock, signer, response, signal, asked } = setting();
    const from = response();
    const batches = [1, 2, 3].map((number) => signer.sign([number], from, signal));
    expect((await clock.run(Promise.all(batches))).map((batch) => batch?.parts[0]?.number)).toEqual([
      1, 2, 3,
    ]);
    expect(asked).toHaveLength(1);
  });

  test("needs a batch of the backend that shows the URL of the object", async () => {
    const { clock, sign, batch, part, asked } = setting();
    expect(await sign([1])).toBeNull();
    expect(await sign([1], { batch: batch(), at: clock.now() })).toBeNull();
    const form = batch(part("POST", "https://oss.test/?form"));
    expect(await sign([1], { batch: form, at: clock.now() })).toBeNull();
    expect(asked).toEqual([]);
    const both = batch(part("POST", "https://oss.test/?form"), part("PUT", "https://oss.test/files/2?x"));
    expect((await sign([1], { batch: both, at: clock.now() }))?.parts[0]?.url).toMatch(
      /files\/2\?partNumber=1&/,
    );
    expect((await sign([1]))?.parts[0]?.url).toMatch(/files\/2\?partNumber=1&/);
  });

  test.each([
    ["are not issued", new ApiError({ code: "not_offered", title: "", detail: "", status: 403 })],
    ["are refused", new ApiError({ code: "forbidden", title: "", detail: "", status: 403 })],
  ])("leaves it to the backend from then on where credentials %s", async (_, error) => {
    const { sign, response, site, asked } = setting();
    site.fault = () => error;
    expect(await sign([1], response())).toBeNull();
    site.fault = () => undefined;
    expect(await sign([1], response())).toBeNull();
    expect(asked).toHaveLength(1);
  });

  test.each([
    ["no answer", new NetworkError("server_unreachable")],
    [
      "an error that passes",
      new ApiError({ code: "busy", title: "", detail: "", status: 503, retryable: true }),
    ],
    ["that the upload is gone", new ApiError({ code: "not_found", title: "", detail: "", status: 404 })],
  ])("passes on %s, and asks again", async (_, error) => {
    const { sign, response, site, asked } = setting();
    site.fault = () => error;
    await expect(sign([1], response())).rejects.toBe(error);
    site.fault = () => undefined;
    expect((await sign([1]))?.parts).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  test("after credentials that were refused once they expired, the backend signs", async () => {
    const { clock, sign, response, site } = setting(900);
    expect(await sign([1], response())).not.toBeNull();
    await clock.pass(700_000);
    site.fault = () => new ApiError({ code: "not_offered", title: "", detail: "", status: 403 });
    expect(await sign([2])).toBeNull();
  });
});
