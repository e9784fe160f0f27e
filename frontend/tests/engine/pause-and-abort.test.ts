// Pause and abort at any moment: nothing hangs, and no lock or notice is left.

import { expect, test } from "vitest";
import { Signer } from "../../src/engine/signer.ts";
import { createUpload, type Upload } from "../../src/engine/upload.ts";
import { problem } from "../backend.ts";
import { breathe, FakeClock } from "../clock.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

const never = new AbortController().signal;

/** An upload that was paused while its fingerprint was computed, before it requested the lock. */
async function pausedEarly(environment: TestEnvironment): Promise<Upload> {
  const upload = environment.open().upload(fileOf(500));
  await breathe();
  expect(upload.state).toBe("preparing");
  upload.pause();
  await environment.clock.pass(100);
  for (let turn = 0; turn < 20; turn++) await breathe();
  return upload;
}

test("an upload paused during its fingerprint can be resumed", async () => {
  const environment = new TestEnvironment();
  const upload = await pausedEarly(environment);
  upload.resume();
  expect((await environment.clock.run(upload.done)).state).toBe("completed");
});

test("an upload paused during its fingerprint does not block other tabs", async () => {
  const environment = new TestEnvironment();
  await pausedEarly(environment);
  expect((await environment.clock.run(environment.open().upload(fileOf(500)).done)).state).toBe("completed");
});

test("a paused upload shows no notice of a retry", async () => {
  const environment = new TestEnvironment();
  environment.backend.fault = ({ path }) => (path === "uploads/" ? problem(503, "storage_busy") : undefined);
  const upload = environment.open().upload(fileOf(500));
  await environment.clock.until(() => environment.backend.calls.some(({ method }) => method === "POST"));
  upload.pause();
  await environment.clock.pass(60_000);
  expect([upload.state, upload.notice]).toEqual(["paused", null]);
});

test("a small file aborted while it is being completed is completed", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open({ small: 1000 }).upload(fileOf(5));
  await environment.reach(upload, "completing");
  await environment.clock.run(upload.abort());
  expect(upload.state).toBe("completed");
});

test("a batch of URLs requested by an aborted run does not fail the next run", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const sign = async (numbers: readonly number[], signal: AbortSignal) => {
    if (++calls === 2) await clock.sleep(2000, never); // hashing, which nobody can stop
    signal.throwIfAborted();
    const time = Date.UTC(2044, 1, 1);
    const more = { method: "PUT" as const, url: "x", expires_at: new Date(time + 900_000).toISOString() };
    return {
      parts: numbers.slice(0, 1).map((number) => ({ number, ...more })),
      server_time: new Date(time).toISOString(),
    };
  };
  const signer = new Signer({
    clock,
    parallel: 2,
    upcoming: () => [2, 3, 4],
    rate: () => null,
    sign,
    onrefusal() {},
  });
  const first = new AbortController();
  await signer.take(1, 10, first.signal); // looks ahead
  first.abort(new Error("paused"));
  expect((await clock.run(signer.take(2, 10, never))).number).toBe(2);
});

test("loading the code for streams is retried", async () => {
  const environment = new TestEnvironment();
  let tries = 0;
  const load = async () => {
    if (++tries < 3) throw new TypeError("Failed to fetch dynamically imported module");
    const { PatientFeed, StreamSource } = await import("../../src/engine/stream.ts");
    return new StreamSource(new PatientFeed(new Blob(["hello"]).stream()), "a", "");
  };
  const upload = createUpload(
    { name: "a", type: "", load, cancel: async () => {} },
    environment.settings(),
    {},
  );
  expect((await environment.clock.run(upload.done)).size).toBe(5);
});

test("an upload that waits for its code can be aborted", async () => {
  const environment = new TestEnvironment();
  const cancelled: unknown[] = [];
  const load = () => new Promise<never>(() => {});
  const cancel = async (reason: unknown) => void cancelled.push(reason);
  const upload = createUpload({ name: "a", type: "", load, cancel }, environment.settings(), {});
  await environment.clock.pass(100);
  await environment.clock.run(upload.abort());
  expect([upload.state, cancelled.length]).toEqual(["aborted", 1]);
});

test("a lost response to create creates one upload of a stream", async () => {
  const environment = new TestEnvironment();
  const { fetch } = environment.backend;
  let lost = false;
  const forgetful: typeof fetch = async (...args) => {
    const response = await fetch(...args);
    if (args[1]?.method !== "POST" || lost) return response;
    lost = true;
    throw new TypeError("Failed to fetch");
  };
  Object.assign(environment, { fetch: forgetful });
  const stream = new Blob(["x".repeat(35)]).stream();
  await environment.clock.run(environment.open().uploadStream(stream).done);
  expect(environment.backend.only.state).toBe("completed");
});
