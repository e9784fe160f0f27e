// Two tabs, one file: one uploads, the other watches.

import { expect, test } from "vitest";
import { expectEachOnce, fileOf, TestWorld } from "./world.ts";

test("the second tab sends nothing, and ends with the first", async () => {
  const world = new TestWorld();
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(500))];
  await world.arrive(10);
  expect(second.state).toBe("preparing");
  expect(second.notice).toMatch(/^Another tab is uploading this file/);
  const [one, two] = await world.clock.run(Promise.all([first.done, second.done]));
  expect(two.id).toBe(one.id);
  expectEachOnce(world, 50);
  expect(world.backend.rows.size).toBe(1);
});

test.each(["pause", "abort"] as const)("after a %s in the first, the second takes over", async (what) => {
  const world = new TestWorld();
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(500))];
  first.done.catch(() => {});
  await world.arrive(10);
  void first[what]();
  const done = await world.clock.run(second.done);
  expect(done.state).toBe("completed");
  if (what === "pause") expect(done.id).toBe("u1");
  expect(world.store.accepted.filter((number) => number === 1).length).toBe(what === "pause" ? 1 : 2);
});

test("a file that was completed long before is uploaded anew, not taken for the other tab's", async () => {
  const world = new TestWorld();
  await world.clock.run(world.open().upload(fileOf(500)).done);
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(500))];
  await world.arrive(60);
  void first.abort().catch(() => {});
  first.done.catch(() => {});
  expect((await world.clock.run(second.done)).id).toBe("u3");
});

test("who waits can be discarded", async () => {
  const world = new TestWorld();
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(500))];
  second.done.catch(() => {});
  await world.arrive(10);
  await world.clock.run(second.abort());
  expect(second.state).toBe("aborted");
  await world.clock.run(first.done);
});

test("other files go their own way", async () => {
  const world = new TestWorld();
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(300, "other.mp4"))];
  await world.clock.run(Promise.all([first.done, second.done]));
  expect(world.backend.rows.size).toBe(2);
});
