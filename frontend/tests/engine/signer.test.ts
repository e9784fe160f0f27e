import { expect, test } from "vitest";
import type { SignedBatch } from "../../src/engine/api.ts";
import { Signer, type SignerPorts } from "../../src/engine/signer.ts";
import { FakeClock } from "../clock.ts";

function setting(ports: Partial<SignerPorts> = {}) {
  const clock = new FakeClock();
  const asked: number[][] = [];
  const sizes: (number | undefined)[] = [];
  const sign = async (
    numbers: readonly number[],
    signal: AbortSignal,
    size?: number,
  ): Promise<SignedBatch> => {
    asked.push([...numbers]);
    sizes.push(size);
    await clock.sleep(100, signal);
    const server_time = "2044-02-29T12:00:00Z";
    const expires_at = "2044-02-29T12:15:00Z";
    const url = `https://oss.test/?asked=${asked.length}`;
    return {
      server_time,
      parts: numbers.map((number, index) => {
        const bound = index === 0 ? (size ?? 10) : 10;
        return { number, method: "PUT", url, headers: {}, size: bound, expires_at };
      }),
    };
  };
  const todo = Array.from({ length: 1000 }, (_, index) => index + 1);
  const signer = new Signer({
    clock,
    parallel: 4,
    upcoming: () => todo,
    rate: () => null,
    sign,
    onrefusal: () => {},
    ...ports,
  });
  const take = (number: number, size = 10) => {
    const at = todo.indexOf(number);
    if (at >= 0) todo.splice(at, 1);
    return signer.take(number, size, new AbortController().signal);
  };
  return { clock, asked, sizes, signer, take };
}

test("four parts that need URLs at once cost one request, in their order", async () => {
  const { clock, asked, take } = setting();
  const taken = await clock.run(Promise.all([1, 2, 3, 4].map((number) => take(number))));
  expect(taken.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  expect(asked).toEqual([Array.from({ length: 16 }, (_, index) => index + 1)]);
});

test.each([
  [null, 16],
  [0.01, 8],
  [1, 75],
  [50, 100],
])("at %d parts a second a batch has %i URLs, for about the next minute", async (rate, count) => {
  const { clock, asked, take } = setting({ rate: () => rate });
  await clock.run(take(1));
  expect(asked[0]).toHaveLength(count);
});

test("a part that is shorter than its URL allows gets another URL, for its size", async () => {
  const { clock, asked, sizes, take } = setting();
  await clock.run(take(1));
  const last = await clock.run(take(2, 3));
  expect([last.number, last.size]).toEqual([2, 3]);
  expect(sizes.slice(0, 2)).toEqual([undefined, 3]);
  expect(asked[1]?.[0]).toBe(2);
});

test("the next batch is requested before the last URL is taken", async () => {
  const { clock, asked, take } = setting();
  for (let number = 1; number <= 12; number++) await clock.run(take(number));
  expect(asked).toHaveLength(2);
  expect(asked[1]?.[0]).toBe(17);
});

test("a URL is fresh until shortly before its expiry by the server's clock, whatever the device's date", async () => {
  const { clock, signer, take } = setting();
  const part = await clock.run(take(1));
  await clock.pass(15 * 60_000 - 31_000);
  expect(signer.isFresh(part)).toBe(true);
  await clock.pass(1000);
  expect(signer.isFresh(part)).toBe(false);
});

test("a failed request rejects the waiting part, and the next part requests again", async () => {
  let broken = true;
  const { clock, take } = setting({
    sign: (numbers) => {
      if (broken) return Promise.reject(new Error("down"));
      return Promise.resolve({
        server_time: "2044-02-29T12:00:00Z",
        parts: numbers.map((number) => ({
          ...{ number, method: "PUT", url: "https://oss.test/", headers: {} },
          expires_at: "2044-02-29T12:15:00Z",
        })),
      });
    },
  });
  await expect(clock.run(take(1))).rejects.toThrow("down");
  broken = false;
  expect((await clock.run(take(1))).number).toBe(1);
});
