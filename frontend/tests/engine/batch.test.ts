import { describe, expect, test } from "vitest";
import { Batch } from "../../src/engine/batch.ts";
import { FakeClock } from "../clock.ts";

describe("a batch", () => {
  test("is sent when it is full, or after its delay", async () => {
    const clock = new FakeClock();
    const calls: number[][] = [];
    const batch = new Batch<number, number>({
      clock,
      maxSize: 3,
      delayMs: 20,
      send: async (asked) => {
        calls.push([...asked]);
        return asked.map((one) => (one === 5 ? new Error("no five") : one * 2));
      },
    });
    const first = [1, 2, 3, 4].map((one) => batch.add(one));
    expect(await clock.run(Promise.all(first))).toEqual([2, 4, 6, 8]);
    expect(calls).toEqual([[1, 2, 3], [4]]);
    const five = batch.add(5);
    five.catch(() => {});
    expect(await clock.run(batch.add(6))).toBe(12);
    await expect(five).rejects.toThrow("no five");
  });

  test("that cannot be sent rejects all its items", async () => {
    const batch = new Batch<number, number>({
      clock: new FakeClock(),
      maxSize: 2,
      delayMs: 20,
      send: () => Promise.reject(new Error("away")),
    });
    const asked = [batch.add(1), batch.add(2)];
    await Promise.all(asked.map((one) => expect(one).rejects.toThrow("away")));
  });
});
