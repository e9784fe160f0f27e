import { describe, expect, test } from "vitest";
import { planOf, rangeOf, sizeOf } from "../../src/engine/parts.ts";

describe("the bytes of a part", () => {
  test.each([
    [0, 10, 1],
    [1, 10, 1],
    [9, 10, 1],
    [10, 10, 1],
    [11, 10, 2],
    [100, 10, 10],
    [101, 10, 11],
    [48_828_125 * 2 ** 20, 5 * 2 ** 30, 9537],
  ])("%i bytes in parts of %i are covered once, in order, without a gap", (size, partSize, count) => {
    const plan = planOf(size, partSize, count);
    let covered = 0;
    for (let number = 1; number <= count; number++) {
      const { start, end } = rangeOf(plan, number);
      expect(start).toBe(covered);
      expect(sizeOf(plan, number)).toBe(end - start);
      if (number < count) expect(end - start).toBe(partSize);
      covered = end;
    }
    expect(covered).toBe(size);
  });

  test.each([0, -1, 3, 1.5, Number.NaN])("part %d of 2 does not exist", (number) => {
    expect(() => rangeOf(planOf(20, 10, 2), number)).toThrow(RangeError);
  });
});

test.each([
  [21, 10, 2],
  [20, 10, 3],
  [0, 10, 0],
  [20, 0, 1],
  [20, -10, 2],
  [20, 0.5, 40],
  [Number.NaN, 10, 1],
])("a plan that does not cover the file is refused: %d bytes, %d each, %d parts", (size, partSize, count) => {
  expect(() => planOf(size, partSize, count)).toThrow(RangeError);
});
