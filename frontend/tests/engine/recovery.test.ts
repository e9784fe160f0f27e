// Recovery in special cases: what is resumed, what is repeated, and when a retry ends.

import { expect, test } from "vitest";
import { json } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

test("a completed file is uploaded again when it is chosen again", async () => {
  const environment = new TestEnvironment();
  await environment.clock.run(environment.open().upload(fileOf(50)).done);
  const again = await environment.clock.run(environment.open().upload(fileOf(50)).done);
  expect(again.id).toBe("u2");
  expect(environment.store.accepted).toHaveLength(10);
});

test.each([
  ["fingerprint", fileOf(500, "film.mp4", "another")],
  ["size", fileOf(400)],
])("an upload of another %s that the backend returns is not resumed", async (_, other) => {
  const environment = new TestEnvironment();
  const first = environment.open().upload(fileOf(500));
  await environment.arrive(5);
  first.pause();
  await environment.clock.pass(1000);
  environment.backend.fault = ({ body }) =>
    body?.resume ? json(200, environment.backend.rows.get("u1")) : undefined;
  expect((await environment.clock.run(environment.open().upload(other).done)).id).toBe("u2");
});

test("a part that fails eight times while others arrive fails the upload; finished parts are kept", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number) => (number === 2 ? { status: 500, code: "InternalError" } : undefined);
  const upload = environment.open().upload(fileOf(50));
  await environment.reach(upload, "failed");
  expect(environment.store.tries(2)).toBe(8);
  expect(upload.error).toMatchObject({ code: "InternalError", requestId: "REQ-1" });
  expect(environment.store.accepted).toHaveLength(4);
});

test("a URL that expired while its part waited is not used", async () => {
  const environment = new TestEnvironment();
  environment.backend.life = 60_000;
  const busy = { status: 503, code: "ServiceUnavailable", headers: { "Retry-After": "120" } };
  environment.store.fault = (number, tries) => (number === 2 && tries === 1 ? busy : undefined);
  await environment.clock.run(environment.open().upload(fileOf(50)).done);
  expect(environment.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
});

test("the bytes of a part that waits for a retry are not counted", async () => {
  const environment = new TestEnvironment();
  const busy = { status: 503, code: "ServiceUnavailable", headers: { "Retry-After": "60" } };
  environment.store.fault = (number, tries) => (number === 2 && tries === 1 ? busy : undefined);
  const upload = environment.open().upload(fileOf(50));
  await environment.arrive(4);
  await environment.clock.pass(1000);
  expect(upload.progress.loaded).toBe(40);
  expect(upload.notice).toEqual({ name: "storage_busy", facts: { code: "ServiceUnavailable", wait: 59 } });
  await environment.clock.run(upload.done);
});

test("an outage of OSS during the first requests is not taken for a CORS refusal", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (_, tries) =>
    tries === 1 && environment.store.sent.length < 4 ? "no_response" : undefined;
  await environment.clock.run(environment.open().upload(fileOf(500)).done);
  expect(environment.connection.asked).toBeGreaterThan(0);
  expectEachOnce(environment, 50);
});

test("after a failure OSS's list of parts is loaded, and missing parts are sent before completing", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number) =>
    number === 20 ? { status: 400, code: "InvalidArgument" } : undefined;
  const upload = environment.open().upload(fileOf(500));
  await environment.reach(upload, "failed");
  environment.store.hold("files/u1").delete(2);
  environment.store.fault = () => undefined;
  upload.resume();
  await environment.clock.run(upload.done);
  expect(environment.store.accepted.filter((number) => number === 2)).toHaveLength(2);
  expect(environment.backend.count("POST", "complete/")).toBe(1);
});

test("a call without a response for a minute is repeated", async () => {
  const environment = new TestEnvironment();
  const { fetch } = environment;
  let calls = 0;
  const deaf: typeof fetch = (input, init) =>
    ++calls > 1
      ? fetch(input, init)
      : new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        });
  Object.assign(environment, { fetch: deaf });
  await environment.clock.run(environment.open().upload(fileOf(50)).done);
  expect(environment.clock.now()).toBeGreaterThanOrEqual(60_000);
  expect(environment.clock.now()).toBeLessThan(70_000);
});

test("what a callback completes while the answer of OSS is lost does not fail", async () => {
  const environment = new TestEnvironment();
  environment.backend.partSize = 100;
  environment.store.fault = (_, tries) => (tries === 1 ? "lost" : { status: 403, code: "AccessDenied" });
  environment.backend.fault = ({ path }) => {
    if (path.endsWith("sign/") && environment.store.tries(1) > 0)
      environment.backend.only.state = "completing";
    return undefined;
  };
  const upload = environment.open().upload(fileOf(50));
  await environment.clock.run(upload.done);
  expect(upload.state).toBe("completed");
  expect(environment.store.tries(1)).toBe(2);
});

test.each([50, 450])(
  "an upload of %i bytes that is open again after it was being completed is sent",
  async (size) => {
    const environment = new TestEnvironment();
    const { backend, store } = environment;
    backend.partSize = 100;
    store.fault = (_, tries) => (tries === 1 ? { status: 403, code: "AccessDenied" } : undefined);
    let refused = 0;
    backend.fault = ({ path }) => {
      const isSigning = path.endsWith("sign/") && store.sent.length > 0;
      if (refused === 0 && !isSigning) return undefined;
      backend.only.state = refused++ === 0 ? "completing" : "uploading";
      return undefined;
    };
    const upload = environment.open().upload(fileOf(size));
    await environment.clock.run(upload.done);
    expect(refused).toBeGreaterThan(1);
    expect(upload.state).toBe("completed");
  },
);
