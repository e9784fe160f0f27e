// The ledger: each part is waiting, being sent or done, and is reported until the backend has acknowledged it.

import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/engine/ledger.ts";
import { type DonePart, planOf } from "../../src/engine/parts.ts";
import { crc64Of } from "../store.ts";

/** Parts of 10 bytes; the last one has 5. */
const PLAN = planOf(45, 10, 5);

const part = (number: number, more: Partial<DonePart> = {}): DonePart => ({
  number,
  size: number === 5 ? 5 : 10,
  etag: `"${number}"`,
  ...more,
});

/** A ledger of which these parts are done and reported. */
function ledgerWith(...numbers: number[]): Ledger {
  const ledger = new Ledger(PLAN);
  ledger.load(numbers.map((number) => part(number)));
  return ledger;
}

function numbersOf(parts: readonly DonePart[]): number[] {
  return parts.map(({ number }) => number);
}

test("parts are taken in order, each once, until none is left", () => {
  const ledger = new Ledger(PLAN);
  expect(ledger.waiting).toEqual([1, 2, 3, 4, 5]);
  expect([1, 2, 3, 4, 5, 6].map(() => ledger.take())).toEqual([1, 2, 3, 4, 5, undefined]);
});

test("`next` takes the part that `take` would", async () => {
  const ledger = new Ledger(PLAN);
  const { signal } = new AbortController();
  expect([await ledger.next(signal), ledger.take(), await ledger.next(signal)]).toEqual([1, 2, 3]);
});

test("a part that was put back is in its place again", () => {
  const ledger = new Ledger(PLAN);
  const [first, second] = [ledger.take(), ledger.take()] as [number, number];
  ledger.putBack(second);
  expect(ledger.waiting).toEqual([2, 3, 4, 5]);
  ledger.putBack(first);
  expect(ledger.waiting).toEqual([1, 2, 3, 4, 5]);
  while (ledger.take());
  for (const number of [3, 1, 5]) ledger.putBack(number);
  expect(ledger.waiting).toEqual([1, 3, 5]);
});

test("finished parts are counted with their bytes, and given in order", () => {
  const ledger = new Ledger(PLAN);
  for (const number of [5, 2, 1]) ledger.finish(part(number));
  expect([ledger.doneCount, ledger.doneBytes, ledger.complete]).toEqual([3, 25, false]);
  expect(numbersOf(ledger.done)).toEqual([1, 2, 5]);
  ledger.finish(part(2));
  expect([ledger.doneCount, ledger.doneBytes]).toEqual([3, 25]);
  for (const number of [3, 4]) ledger.finish(part(number));
  expect([ledger.doneCount, ledger.doneBytes, ledger.complete]).toEqual([5, 45, true]);
});

describe("of the parts that OSS lists", () => {
  test("those of the plan are done, and the others wait", () => {
    const ledger = ledgerWith(2, 5);
    expect(numbersOf(ledger.done)).toEqual([2, 5]);
    expect(ledger.waiting).toEqual([1, 3, 4]);
  });

  test.each([
    ["of another size", part(2, { size: 9 })],
    ["that is as long as the others, though it is the last", part(5, { size: 10 })],
    ["before the first", part(0)],
    ["after the last", part(6)],
  ])("a part %s is not done", (_, wrong) => {
    const ledger = new Ledger(PLAN);
    ledger.load([part(1), wrong]);
    expect(numbersOf(ledger.done)).toEqual([1]);
    expect(ledger.waiting).toEqual([2, 3, 4, 5]);
  });

  test("the list replaces what was known, and the backend need not be told of it", () => {
    const ledger = new Ledger(PLAN);
    for (const number of [1, 2, 3]) ledger.finish(part(number));
    ledger.load([part(3)]);
    expect(numbersOf(ledger.done)).toEqual([3]);
    expect(ledger.waiting).toEqual([1, 2, 4, 5]);
    expect(ledger.unreported()).toEqual([]);
  });
});

describe("the backend is told of a finished part", () => {
  test("again and again, until it has acknowledged it", () => {
    const ledger = new Ledger(PLAN);
    ledger.finish(part(1));
    expect(numbersOf(ledger.unreported())).toEqual([1]);
    const told = ledger.unreported();
    ledger.finish(part(2));
    expect(numbersOf(ledger.unreported())).toEqual([1, 2]);
    ledger.markReported(told);
    expect(numbersOf(ledger.unreported())).toEqual([2]);
  });

  test("a thousand parts at a time", () => {
    const ledger = new Ledger(planOf(20_020, 10, 2002));
    for (const number of ledger.waiting) ledger.finish({ number, size: 10 });
    const counts: number[] = [];
    for (let told = ledger.unreported(); told.length > 0; told = ledger.unreported()) {
      counts.push(told.length);
      ledger.markReported(told);
    }
    expect(counts).toEqual([1000, 1000, 2]);
  });

  test("once more when our checksum of it is known, and not with an older one", () => {
    const ledger = new Ledger(PLAN);
    ledger.finish(part(1));
    ledger.finish(part(2));
    ledger.markReported(ledger.unreported().filter(({ number }) => number === 1));
    ledger.addChecksums(
      new Map([
        [1, "11"],
        [2, "22"],
      ]),
    );
    const told = ledger.unreported().toSorted((a, b) => a.number - b.number);
    expect(told).toEqual([part(1, { crc64: "11" }), part(2, { crc64: "22" })]);
    expect(ledger.done).toEqual([part(1, { crc64: "11" }), part(2, { crc64: "22" })]);
  });

  test("not again where OSS gave the checksum, nor of a part that is not done", () => {
    const ledger = new Ledger(PLAN);
    ledger.finish(part(1, { crc64: "from OSS" }));
    ledger.markReported(ledger.unreported());
    ledger.addChecksums(
      new Map([
        [1, "ours"],
        [2, "22"],
      ]),
    );
    expect(ledger.unreported()).toEqual([]);
    expect(ledger.done).toEqual([part(1, { crc64: "from OSS" })]);
  });
});

describe("a part that OSS lacks after all", () => {
  test("is sent again, and not reported before", () => {
    const ledger = new Ledger(PLAN);
    while (ledger.take());
    for (const number of [1, 2, 3, 4, 5]) ledger.finish(part(number));
    expect(ledger.reopen([4, 2])).toBe(2);
    expect(ledger.waiting).toEqual([2, 4]);
    expect(numbersOf(ledger.done)).toEqual([1, 3, 5]);
    expect(numbersOf(ledger.unreported())).toEqual([1, 3, 5]);
    expect([ledger.complete, ledger.doneBytes]).toEqual([false, 25]);
  });

  test("is not queued twice where it was not done", () => {
    const ledger = ledgerWith(1);
    expect(ledger.reopen([1, 3])).toBe(1);
    expect(ledger.waiting).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("the CRC64 of the whole file", () => {
  const text = "0123456789abcdefghijABCDEFGHIJklmnopqrstKLMNO";
  const piece = async (number: number): Promise<DonePart> => {
    const bytes = new Blob([text]).slice((number - 1) * 10, number * 10);
    return { number, size: bytes.size, crc64: await crc64Of(bytes) };
  };

  test("is that of its parts, in whatever order they arrived", async () => {
    const ledger = new Ledger(PLAN);
    for (const number of [3, 1, 5, 4]) ledger.finish(await piece(number));
    expect(ledger.crc64).toBeUndefined();
    ledger.finish(await piece(2));
    expect(ledger.crc64).toBe(await crc64Of(new Blob([text])));
  });

  test("is unknown while that of one part is", async () => {
    const ledger = new Ledger(PLAN);
    for (const number of [1, 2, 3, 4]) ledger.finish(await piece(number));
    ledger.finish(part(5));
    expect(ledger.crc64).toBeUndefined();
  });
});
