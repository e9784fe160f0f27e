// Two tabs, one file: one uploads, the other watches.

import { expect, test } from "vitest";
import { expectEachOnce, fileOf, TestWorld } from "../world.ts";

/** Both have chosen the file; hashing is truly asynchronous, so that either may be first. */
async function twoTabs(world: TestWorld) {
  const before = world.store.accepted.length;
  const tabs = [world.open().upload(fileOf(500)), world.open().upload(fileOf(500))];
  for (const tab of tabs) tab.done.catch(() => {});
  await world.arrive(before + 10);
  const [busy, watching] = tabs.sort(
    (a, b) => Number(b.state === "uploading") - Number(a.state === "uploading"),
  );
  if (!busy || !watching) throw new Error("There are two.");
  return { busy, watching };
}

test("the second tab sends nothing, and ends with the first", async () => {
  const world = new TestWorld();
  const { busy, watching } = await twoTabs(world);
  expect(watching.state).toBe("preparing");
  expect(watching.notice?.name).toBe("another_tab");
  const [one, two] = await world.clock.run(Promise.all([busy.done, watching.done]));
  expect(two.id).toBe(one.id);
  expect([busy.id, watching.id]).toEqual([one.id, one.id]);
  expectEachOnce(world, 50);
  expect(world.backend.rows.size).toBe(1);
});

test.each(["pause", "abort"] as const)("after a %s in the first, the second takes over", async (what) => {
  const world = new TestWorld();
  const { busy, watching } = await twoTabs(world);
  void busy[what]();
  const done = await world.clock.run(watching.done);
  expect(done.id).toBe(what === "pause" ? "u1" : "u2");
  expect(world.store.accepted.filter((number) => number === 1).length).toBe(what === "pause" ? 1 : 2);
});

test("a file that was completed long before is uploaded anew, not taken for the other tab's", async () => {
  const world = new TestWorld();
  await world.clock.run(world.open().upload(fileOf(500)).done);
  const { busy, watching } = await twoTabs(world);
  void busy.abort();
  expect((await world.clock.run(watching.done)).id).toBe("u3");
});

test("who waits can be discarded", async () => {
  const world = new TestWorld();
  const { busy, watching } = await twoTabs(world);
  await world.clock.run(watching.abort());
  expect(watching.state).toBe("aborted");
  await world.clock.run(busy.done);
});

test("other files go their own way", async () => {
  const world = new TestWorld();
  const [first, second] = [world.open().upload(fileOf(500)), world.open().upload(fileOf(300, "other.mp4"))];
  await world.clock.run(Promise.all([first.done, second.done]));
  expect(world.backend.rows.size).toBe(2);
});
