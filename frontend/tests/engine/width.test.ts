// Lanes: more while that makes the whole faster, fewer when it does not.

import { expect, test } from "vitest";
import { Width } from "../../src/engine/width.ts";

/** Parts of a line whose whole rate depends on how many lanes there are; the widths it went through. */
function drive(width: Width, rate: (lanes: number) => number, seconds: number, from = 0): number[] {
  const seen: number[] = [width.count];
  let now = from;
  while (now < from + seconds * 1000) {
    now += (1000 / rate(width.count)) * 1000;
    width.arrived(1000, now);
    if (seen.at(-1) !== width.count) seen.push(width.count);
  }
  return seen;
}

test("it climbs while each lane makes the whole faster, and never over the most", () => {
  const width = new Width(4, 6);
  expect(drive(width, (lanes) => 1000 * lanes, 120)).toEqual([4, 5, 6]);
});

test("a lane that brings nothing is given back, and not tried again for a while", () => {
  const width = new Width(4, 6);
  expect(drive(width, () => 4000, 50)).toEqual([4, 5, 4]);
  expect(drive(width, () => 4000, 60, 50_000)).toEqual([4, 5, 4]);
});

test("where more are worse it goes back, and where the line falls it goes down", () => {
  const width = new Width(4, 6);
  drive(width, (lanes) => 12_000 / lanes, 20);
  expect(width.count).toBe(4);
  drive(width, (lanes) => (lanes > 2 ? 500 : 1500), 400, 20_000);
  expect(width.count).toBeLessThan(4);
});

test("a stall costs a lane at once, down to one", () => {
  const width = new Width(3, 6);
  for (let index = 0; index < 5; index++) width.stalled(index * 1000);
  expect(width.count).toBe(1);
});

test("a pause says nothing about the line", () => {
  const width = new Width(4, 6);
  drive(width, () => 4000, 3);
  width.rest();
  width.arrived(1000, 3_600_000);
  expect(width.count).toBe(4);
});
