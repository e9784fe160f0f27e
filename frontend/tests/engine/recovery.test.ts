// The finer points of coming back: what is trusted again, what is not, and when enough is enough.

import { expect, test } from "vitest";
import { json } from "../backend.ts";
import { expectEachOnce, fileOf, TestWorld } from "../world.ts";

test("a file that was uploaded before is uploaded anew when it is chosen again", async () => {
  const world = new TestWorld();
  await world.clock.run(world.open().upload(fileOf(50)).done);
  const again = await world.clock.run(world.open().upload(fileOf(50)).done);
  expect(again.id).toBe("u2");
  expect(world.store.accepted).toHaveLength(10);
});

test.each([
  ["fingerprint", fileOf(500, "film.mp4", "another")],
  ["size", fileOf(400)],
])("a backend that gives an upload of another %s does not lead astray", async (_, other) => {
  const world = new TestWorld();
  const first = world.open().upload(fileOf(500));
  await world.arrive(5);
  first.pause();
  await world.clock.pass(1000);
  world.backend.fault = ({ body }) => (body?.resume ? json(200, world.backend.rows.get("u1")) : undefined);
  expect((await world.clock.run(world.open().upload(other).done)).id).toBe("u2");
});

test("a part that fails eight times while others get through is given up; what was sent is kept", async () => {
  const world = new TestWorld();
  world.store.fault = (number) => (number === 2 ? { status: 500, code: "InternalError" } : undefined);
  const upload = world.open().upload(fileOf(50));
  await world.reach(upload, "failed");
  expect(world.store.tries(2)).toBe(8);
  expect(upload.error).toMatchObject({ code: "InternalError", requestId: "REQ-1" });
  expect(world.store.accepted).toHaveLength(4);
});

test("a URL that grew old while its part waited is not tried again", async () => {
  const world = new TestWorld();
  world.backend.life = 60_000;
  const busy = { status: 503, code: "ServiceUnavailable", headers: { "Retry-After": "120" } };
  world.store.fault = (number, tries) => (number === 2 && tries === 1 ? busy : undefined);
  await world.clock.run(world.open().upload(fileOf(50)).done);
  expect(world.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
});

test("while a failed part waits for its next try, its bytes are not counted", async () => {
  const world = new TestWorld();
  const busy = { status: 503, code: "ServiceUnavailable", headers: { "Retry-After": "60" } };
  world.store.fault = (number, tries) => (number === 2 && tries === 1 ? busy : undefined);
  const upload = world.open().upload(fileOf(50));
  await world.arrive(4);
  await world.clock.pass(1000);
  expect(upload.progress.loaded).toBe(40);
  expect(upload.notice).toEqual({ name: "storage_busy", facts: { code: "ServiceUnavailable", wait: 60 } });
  await world.clock.run(upload.done);
});

test("a storage that was away for the first requests and is back is not taken for a CORS refusal", async () => {
  const world = new TestWorld();
  world.store.fault = (_, tries) => (tries === 1 && world.store.sent.length < 4 ? "silent" : undefined);
  await world.clock.run(world.open().upload(fileOf(500)).done);
  expect(world.connection.asked).toBeGreaterThan(0);
  expectEachOnce(world, 50);
});

test("after a failure the storage is asked what it holds, and what it lost is sent before completing", async () => {
  const world = new TestWorld();
  world.store.fault = (number) => (number === 20 ? { status: 400, code: "InvalidArgument" } : undefined);
  const upload = world.open().upload(fileOf(500));
  await world.reach(upload, "failed");
  world.store.hold("files/u1").delete(2);
  world.store.fault = () => undefined;
  upload.resume();
  await world.clock.run(upload.done);
  expect(world.store.accepted.filter((number) => number === 2)).toHaveLength(2);
  expect(world.backend.count("POST", "complete/")).toBe(1);
});

test("a backend that says nothing for a minute is asked again", async () => {
  const world = new TestWorld();
  const { fetch } = world;
  let calls = 0;
  const deaf: typeof fetch = (input, init) =>
    ++calls > 1
      ? fetch(input, init)
      : new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        });
  Object.assign(world, { fetch: deaf });
  await world.clock.run(world.open().upload(fileOf(50)).done);
  expect(world.clock.now()).toBeGreaterThanOrEqual(60_000);
  expect(world.clock.now()).toBeLessThan(70_000);
});
