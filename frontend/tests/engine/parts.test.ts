import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/engine/ledger.ts";
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

const ledger = () => new Ledger(planOf(45, 10, 5));

test("held parts are loaded, unless their size or number is not in the plan", () => {
  const known = ledger();
  known.load([
    { number: 1, size: 10 },
    { number: 2, size: 9 },
    { number: 5, size: 5 },
    { number: 6, size: 10 },
    { number: 0, size: 10 },
  ]);
  expect([known.waiting, known.doneCount, known.doneBytes]).toEqual([[2, 3, 4], 2, 15]);
  expect(known.unreported()).toEqual([]);
});

test("parts are taken in order, and a part put back keeps its place", () => {
  const known = ledger();
  const [one, two] = [known.take(), known.take()];
  known.putBack(two ?? 0);
  known.putBack(one ?? 0);
  expect(known.waiting).toEqual([1, 2, 3, 4, 5]);
  known.putBack(9);
  expect(known.waiting.at(-1)).toBe(9);
});

test("a finished part is unreported until acknowledged, and again when it was sent again meanwhile", () => {
  const known = ledger();
  known.finish({ number: 1, size: 10, etag: "A" });
  const telling = known.unreported();
  known.reopen([1, 3]);
  known.finish({ number: 1, size: 10, etag: "B" });
  known.markReported(telling);
  expect(known.unreported()).toEqual([{ number: 1, size: 10, etag: "B" }]);
  known.markReported(known.unreported());
  expect(known.unreported()).toEqual([]);
});

test("reopen counts only parts that were done", () => {
  const known = ledger();
  for (let number = known.take(); number; number = known.take()) known.finish({ number, size: 10 });
  expect(known.complete).toBe(true);
  expect(known.reopen([2, 2, 9])).toBe(1);
  expect([known.waiting, known.complete]).toEqual([[2], false]);
});
