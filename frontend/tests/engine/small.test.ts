// Thousands of small files: begun and completed a hundred in a call, one request each, six at a time.

import { describe, expect, test } from "vitest";
import { Batch } from "../../src/engine/batch.ts";
import { Slots } from "../../src/engine/slots.ts";
import { FakeClock } from "../clock.ts";
import { fileOf, TestWorld } from "../world.ts";

test("five thousand files cost a hundred calls to the backend, and each arrives as it was", async () => {
  const world = new TestWorld();
  world.store.speed = 1_000_000;
  const uploader = world.open({ small: 1000 });
  const files = Array.from({ length: 5000 }, (_, index) => fileOf(9, `${index}.txt`, `${index};`));
  const uploads = files.map((file) => uploader.upload(file));
  const done = await world.clock.run(Promise.all(uploads.map((upload) => upload.done)));
  expect(done.every(({ state }) => state === "completed")).toBe(true);
  expect(world.backend.calls.length).toBeLessThanOrEqual(160);
  expect(world.store.sent).toHaveLength(5000);
  expect(world.store.mostInFlight).toBe(6);
  const row = world.backend.rows.get(done[4321]?.id ?? "");
  expect(row && (await world.backend.object(row))).toBe(await files[4321]?.text());
  expect(await world.journal.list()).toEqual([]);
}, 60_000);

test("one that the backend refuses fails alone, in its own words", async () => {
  const world = new TestWorld();
  world.backend.refusedName = "bad.txt";
  const uploader = world.open({ small: 1000 });
  const good = uploader.upload(fileOf(5, "good.txt"));
  const bad = uploader.upload(fileOf(5, "bad.txt"));
  bad.done.catch(() => {});
  await world.clock.run(good.done);
  await world.reach(bad, "failed");
  expect(bad.error).toMatchObject({ code: "too_large", status: 413 });
});

test("a large file is not kept waiting by small ones before it", async () => {
  const world = new TestWorld();
  const uploader = world.open({ small: 9 });
  for (let index = 0; index < 100; index++) uploader.upload(fileOf(5, `${index}`));
  const large = uploader.upload(fileOf(100));
  await world.clock.pass(1);
  expect(large.state).not.toBe("queued");
  await world.clock.run(large.done);
});

test("a small file that was aborted while it was begun is aborted at the backend", async () => {
  const world = new TestWorld();
  const upload = world.open({ small: 1000 }).upload(fileOf(5));
  upload.done.catch(() => {});
  await world.clock.run(upload.abort());
  expect(upload.state).toBe("aborted");
  expect([...world.backend.rows.values()].every(({ state }) => state === "aborted")).toBe(true);
});

describe("a batch", () => {
  test("goes when it is full, or when the first has waited", async () => {
    const clock = new FakeClock();
    const calls: number[][] = [];
    const batch = new Batch<number, number>(clock, 3, 20, async (asked) => {
      calls.push([...asked]);
      return asked.map((one) => (one === 5 ? new Error("no five") : one * 2));
    });
    const first = [1, 2, 3, 4].map((one) => batch.ask(one));
    expect(await clock.run(Promise.all(first))).toEqual([2, 4, 6, 8]);
    expect(calls).toEqual([[1, 2, 3], [4]]);
    const five = batch.ask(5);
    five.catch(() => {});
    expect(await clock.run(batch.ask(6))).toBe(12);
    await expect(five).rejects.toThrow("no five");
  });

  test("that cannot be sent fails for all of them", async () => {
    const batch = new Batch<number, number>(new FakeClock(), 2, 20, () => Promise.reject(new Error("away")));
    const asked = [batch.ask(1), batch.ask(2)];
    await Promise.all(asked.map((one) => expect(one).rejects.toThrow("away")));
  });
});

test("a place that is left goes to the next in line, and who gave up is passed over", async () => {
  const slots = new Slots(1);
  const { signal } = new AbortController();
  const leave = await slots.enter(signal);
  const gone = new AbortController();
  const given = slots.enter(gone.signal);
  const next = slots.enter(signal);
  gone.abort(new Error("gave up"));
  await expect(given).rejects.toThrow("gave up");
  leave();
  leave();
  (await next)();
  await slots.enter(signal);
});
