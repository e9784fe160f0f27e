import { expect, test } from "vitest";
import { ProgressMeter } from "../../src/engine/progress.ts";

test("bytes finished and in flight are added up, never above the total", () => {
  const meter = new ProgressMeter(100);
  meter.advance(1, 30, 50, 0);
  expect(meter.read()).toMatchObject({ loaded: 30, total: 100, ratio: 0.3 });
  meter.advance(1, 999, 50, 10);
  expect(meter.loaded).toBe(50);
  meter.advance(2, 999, 50, 20);
  expect(meter.loaded).toBe(100);
  meter.finish(1, 50, 30);
  meter.finish(2, 50, 40);
  expect(meter.read()).toMatchObject({ loaded: 100, ratio: 1 });
});

test("a repeated part takes back its own bytes", () => {
  const meter = new ProgressMeter(100);
  meter.finish(1, 50, 0);
  meter.advance(2, 40, 50, 10);
  meter.drop(2);
  meter.drop(1);
  expect(meter.loaded).toBe(50);
});

test("a steady speed is measured exactly, and gives the remaining time", () => {
  const meter = new ProgressMeter(100_000);
  expect(meter.read()).toMatchObject({ speed: null, eta: null });
  for (let second = 0; second <= 20; second++) meter.advance(1, second * 1000, 100_000, second * 1000);
  const { speed, eta } = meter.read();
  expect(speed).toBeCloseTo(1000, 6);
  expect(eta).toBeCloseTo(80, 6);
});

test("bytes that OSS held before do not count as speed", () => {
  const meter = new ProgressMeter(100_000, 90_000);
  meter.advance(2, 0, 10_000, 0);
  meter.advance(2, 500, 10_000, 1000);
  expect(meter.read().speed).toBeCloseTo(500, 6);
});

test("a pause does not count as slowness", () => {
  const meter = new ProgressMeter(100_000);
  for (let second = 0; second <= 5; second++) meter.advance(1, second * 1000, 100_000, second * 1000);
  meter.restart();
  expect(meter.speed).toBeNull();
  meter.advance(1, 6000, 100_000, 3_600_000);
  meter.advance(1, 7000, 100_000, 3_601_000);
  expect(meter.speed).toBeCloseTo(1000, 6);
});

test("an empty file has ratio 1 from the start", () => {
  expect(new ProgressMeter(0).read()).toEqual({
    kept: 0,
    loaded: 0,
    total: 0,
    ratio: 1,
    speed: null,
    eta: null,
  });
});

test("loaded never exceeds the total", () => {
  const meter = new ProgressMeter(100, 90);
  meter.advance(2, 50, 50, 0);
  expect(meter.loaded).toBe(100);
});
