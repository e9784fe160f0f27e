import { expect, test } from "vitest";
import { canRetry } from "../../src/element/questions.ts";
import { TotalsCounter } from "../../src/element/totals.ts";
import type { State } from "../../src/engine/states.ts";

const of = (state: State, loaded: number, total: number, notice: object | null = null) => ({
  state,
  notice,
  progress: { kept: loaded, loaded, total, ratio: total ? loaded / total : 1, speed: null, eta: null },
});

test("all uploads together: how many, how far; aborted ones are not counted", () => {
  const all = [
    of("completed", 100, 100),
    of("uploading", 40, 100),
    of("queued", 0, 100),
    of("paused", 10, 50),
    of("failed", 0, 50),
    of("aborted", 70, 100),
  ];
  const totals = new TotalsCounter().count(all, 0);
  expect(totals).toMatchObject({ all: 5, done: 1, failed: 1, paused: 1, busy: 2 });
  expect(totals.progress).toMatchObject({ loaded: 150, total: 400 });
});

test("the speed is measured between two counts", () => {
  const counter = new TotalsCounter();
  for (let second = 0; second <= 20; second++)
    counter.count([of("uploading", 10 * second, 1000)], second * 1000);
  const { progress } = counter.count([of("uploading", 200, 1000)], 20_100);
  expect(progress.speed).toBeCloseTo(10, 0);
  expect(progress.eta).toBeCloseTo(80, 0);
});

test("while every active upload waits, the speed means nothing", () => {
  const isMoving = (...uploads: ReturnType<typeof of>[]) => new TotalsCounter().count(uploads, 0).moving;
  expect(isMoving(of("uploading", 5, 10, {}), of("queued", 0, 10))).toBe(false);
  expect(isMoving(of("uploading", 5, 10, {}), of("uploading", 5, 10))).toBe(true);
  expect(isMoving(of("paused", 5, 10))).toBe(false);
});

test("bytes that were found at OSS, or that an aborted upload takes away, do not count as speed", () => {
  const counter = new TotalsCounter();
  counter.count([of("preparing", 0, 1000)], 0);
  counter.resetSpeed();
  counter.count([of("uploading", 900, 1000)], 1000);
  expect(counter.count([of("uploading", 910, 1000)], 2000).progress.speed).toBeCloseTo(10, 0);
  counter.count([of("uploading", 0, 10)], 3000); // The large one was aborted.
  expect(counter.count([of("uploading", 5, 10)], 4000).progress.speed).toBeCloseTo(5, 0);
});

test("only what may help is offered again", () => {
  const failed = (code: string) => canRetry({ error: { code } });
  const ofTheFile = ["too_large", "invalid", "rejected", "stream_broken"];
  const ofTheUser = ["forbidden", "permission_denied"];
  const ofThePage = ["not_supported", "not_offered", "mixed_content", "csp_blocked"];
  expect([...ofTheFile, ...ofTheUser, ...ofThePage].filter(failed)).toEqual([]);
  const others = [
    "not_authenticated",
    "network",
    "storage_busy",
    "over_quota",
    "object_mismatch",
    "InvalidArgument",
  ];
  expect(others.filter(failed)).toEqual(others);
  expect(canRetry({ error: null })).toBe(false);
});
