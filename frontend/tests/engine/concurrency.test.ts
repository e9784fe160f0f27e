// More parts at once while that makes the upload faster, fewer when it does not.

import { expect, test } from "vitest";
import { ConcurrencyController } from "../../src/engine/concurrency.ts";
import { Semaphore } from "../../src/engine/queue.ts";

/** Sends parts over a network whose rate depends on the level, and gives the levels in order. */
function levelsOf(
  controller: ConcurrencyController,
  rate: (level: number) => number,
  seconds: number,
  from = 0,
): number[] {
  const seen: number[] = [controller.level];
  let now = from;
  while (now < from + seconds * 1000) {
    now += (1000 / rate(controller.level)) * 1000;
    controller.recordArrival(1000, now);
    if (seen.at(-1) !== controller.level) seen.push(controller.level);
  }
  return seen;
}

test("the level rises while that makes the upload faster, up to the maximum", () => {
  const controller = new ConcurrencyController(4, 6);
  expect(levelsOf(controller, (level) => 1000 * level, 120)).toEqual([4, 5, 6]);
});

test("a level that brings nothing is left, and not tried again for a while", () => {
  const controller = new ConcurrencyController(4, 6);
  expect(levelsOf(controller, () => 4000, 50)).toEqual([4, 5, 4]);
  expect(levelsOf(controller, () => 4000, 60, 50_000)).toEqual([4, 5, 4]);
});

test("the level falls where more is slower, and when the rate falls", () => {
  const controller = new ConcurrencyController(4, 6);
  levelsOf(controller, (level) => 12_000 / level, 20);
  expect(controller.level).toBe(4);
  levelsOf(controller, (level) => (level > 2 ? 500 : 1500), 400, 20_000);
  expect(controller.level).toBeLessThan(4);
});

test("each stall lowers the level at once, down to one", () => {
  const controller = new ConcurrencyController(3, 6);
  for (let index = 0; index < 5; index++) controller.recordStall(index * 1000);
  expect(controller.level).toBe(1);
});

test("a pause does not change the level", () => {
  const controller = new ConcurrencyController(4, 6);
  levelsOf(controller, () => 4000, 3);
  controller.restart();
  controller.recordArrival(1000, 3_600_000);
  expect(controller.level).toBe(4);
});

test("a released place goes to the next in line, and an aborted waiter is passed over", async () => {
  const semaphore = new Semaphore(1);
  const { signal } = new AbortController();
  const release = await semaphore.acquire(signal);
  const gone = new AbortController();
  const given = semaphore.acquire(gone.signal);
  const next = semaphore.acquire(signal);
  gone.abort(new Error("aborted"));
  await expect(given).rejects.toThrow("aborted");
  release();
  release();
  (await next)();
  await semaphore.acquire(signal);
});
