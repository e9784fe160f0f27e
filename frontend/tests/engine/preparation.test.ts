// One file in two tabs: one uploads, the other waits.

import { expect, test } from "vitest";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

/** Two uploads of one file. Hashing is asynchronous, so either may be first. */
async function twoTabs(environment: TestEnvironment) {
  const before = environment.store.accepted.length;
  const tabs = [environment.open().upload(fileOf(500)), environment.open().upload(fileOf(500))];
  for (const tab of tabs) tab.done.catch(() => {});
  await environment.arrive(before + 10);
  const [busy, watching] = tabs.sort(
    (a, b) => Number(b.state === "uploading") - Number(a.state === "uploading"),
  );
  if (!busy || !watching) throw new Error("There are two.");
  return { busy, watching };
}

test("the second tab sends nothing, and is completed with the first", async () => {
  const environment = new TestEnvironment();
  const { busy, watching } = await twoTabs(environment);
  expect(watching.state).toBe("preparing");
  expect(watching.notice?.name).toBe("another_tab");
  const [one, two] = await environment.clock.run(Promise.all([busy.done, watching.done]));
  expect(two.id).toBe(one.id);
  expect([busy.id, watching.id]).toEqual([one.id, one.id]);
  expect(watching.progress).toMatchObject({ loaded: 500, total: 500, ratio: 1 });
  expectEachOnce(environment, 50);
  expect(environment.backend.rows.size).toBe(1);
});

test.each(["pause", "abort"] as const)("after a %s in the first tab, the second uploads", async (what) => {
  const environment = new TestEnvironment();
  const { busy, watching } = await twoTabs(environment);
  void busy[what]();
  const done = await environment.clock.run(watching.done);
  expect(done.id).toBe(what === "pause" ? "u1" : "u2");
  expect(environment.store.accepted.filter((number) => number === 1).length).toBe(what === "pause" ? 1 : 2);
});

test("an earlier completed upload of the same file is not taken for the other tab's", async () => {
  const environment = new TestEnvironment();
  await environment.clock.run(environment.open().upload(fileOf(500)).done);
  const { busy, watching } = await twoTabs(environment);
  void busy.abort();
  expect((await environment.clock.run(watching.done)).id).toBe("u3");
});

test("the waiting upload can be aborted", async () => {
  const environment = new TestEnvironment();
  const { busy, watching } = await twoTabs(environment);
  await environment.clock.run(watching.abort());
  expect(watching.state).toBe("aborted");
  await environment.clock.run(busy.done);
});

test("different files are uploaded independently", async () => {
  const environment = new TestEnvironment();
  const [first, second] = [
    environment.open().upload(fileOf(500)),
    environment.open().upload(fileOf(300, "other.mp4")),
  ];
  await environment.clock.run(Promise.all([first.done, second.done]));
  expect(environment.backend.rows.size).toBe(2);
});
