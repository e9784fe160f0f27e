// The browser signs by itself: the vendor's vectors, the server's time, credentials renewed once for all lanes.

import { describe, expect, test } from "vitest";
import file from "../../../tests/vectors/v4_presigned_urls.json";
import { canonicalQuery, percentEncode, presignParts, timestamp } from "../../src/engine/sts.ts";
import { expectEachOnce, fileOf, TestWorld } from "../world.ts";

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

test("there are vectors to hold it to", () => expect(parts.length).toBeGreaterThan(25));

test.each(parts)("$id", async ({ input, expected }) => {
  const time = Date.parse(input.signing_time.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:"));
  const number = Number(input.query.partNumber);
  const lent = {
    ...input,
    security_token: input.security_token ?? "",
    upload_id: input.query.uploadId ?? "",
    expires_at: "",
  };
  const [base = ""] = expected.url.split("?");
  const signed = await presignParts(lent, base, [number], time, input.expires);
  const url = new URL(signed.get(number) ?? "");
  expect(url.searchParams.get("x-oss-signature")).toBe(expected.signature);
  expect([...url.searchParams].sort()).toEqual([...new URL(expected.url).searchParams].sort());
});

test("what JavaScript leaves alone is encoded as OSS wants it", () => {
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

describe("the engine", () => {
  test("signs its parts itself: three calls to the backend and the checkpoints", async () => {
    const world = new TestWorld();
    world.backend.lends = 3600;
    const file = fileOf(500);
    await world.clock.run(world.open({ signing: "sts" }).upload(file).done);
    expectEachOnce(world, 50);
    expect(world.backend.count("POST", "credentials/")).toBe(1);
    expect(world.backend.count("POST", "sign/")).toBe(0);
    expect(await world.backend.object(world.backend.only)).toBe(await file.text());
  });

  test("renews the credentials once for all lanes, before they end", async () => {
    const world = new TestWorld();
    world.backend.lends = 900;
    world.store.speed = 0.4; // a part in 25 seconds
    await world.clock.run(world.open({ signing: "sts" }).upload(fileOf(5000)).done);
    const lives = world.clock.now() / 900_000;
    expect(world.backend.count("POST", "credentials/")).toBeGreaterThan(1);
    expect(world.backend.count("POST", "credentials/")).toBeLessThanOrEqual(Math.ceil(lives * 1.6) + 1);
    expect(world.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
  });

  test("falls back to the backend's signatures where the site lends nothing", async () => {
    const world = new TestWorld();
    await world.clock.run(world.open({ signing: "sts" }).upload(fileOf(300)).done);
    expectEachOnce(world, 30);
    expect(world.backend.count("POST", "credentials/")).toBe(1);
    expect(world.backend.count("POST", "sign/")).toBeGreaterThan(0);
  });

  test("falls back where the browser cannot sign", async () => {
    const world = new TestWorld();
    world.backend.lends = 3600;
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      await world.clock.run(world.open({ signing: "sts" }).upload(fileOf(100)).done);
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
    }
    expect(world.backend.count("POST", "credentials/")).toBe(0);
    expectEachOnce(world, 10);
  });
});
