import { expect, test } from "vitest";
import { Count } from "../../src/element/totals.ts";
import type { State } from "../../src/engine/states.ts";

const of = (state: State, loaded: number, total: number) => ({
  state,
  progress: { loaded, total, ratio: total ? loaded / total : 1, speed: null, eta: null },
});

test("all uploads together: how many, how far; what was discarded counts no more", () => {
  const all = [
    of("completed", 100, 100),
    of("uploading", 40, 100),
    of("queued", 0, 100),
    of("paused", 10, 50),
    of("failed", 0, 50),
    of("aborted", 70, 100),
  ];
  const totals = new Count().look(all, 0);
  expect(totals).toMatchObject({ all: 5, done: 1, failed: 1, paused: 1, busy: 2 });
  expect(totals.progress).toMatchObject({ loaded: 150, total: 400 });
});

test("how fast: what was sent between two looks", () => {
  const count = new Count();
  for (let second = 0; second <= 20; second++)
    count.look([of("uploading", 10 * second, 1000)], second * 1000);
  const { progress } = count.look([of("uploading", 200, 1000)], 20_100);
  expect(progress.speed).toBeCloseTo(10, 0);
  expect(progress.eta).toBeCloseTo(80, 0);
});

test("what was found at the storage, or fell away, was not sent just now", () => {
  const count = new Count();
  count.look([of("preparing", 0, 1000)], 0);
  count.forgive();
  count.look([of("uploading", 900, 1000)], 1000);
  expect(count.look([of("uploading", 910, 1000)], 2000).progress.speed).toBeCloseTo(10, 0);
  count.look([of("uploading", 0, 10)], 3000); // The large one was discarded.
  expect(count.look([of("uploading", 5, 10)], 4000).progress.speed).toBeCloseTo(5, 0);
});
