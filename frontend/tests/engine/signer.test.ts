import { expect, test } from "vitest";
import type { SignedBatch, SignedPart } from "../../src/engine/api.ts";
import { type FreshPart, Signer, type SignerPorts } from "../../src/engine/signer.ts";
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

test("after a refusal no URL that was signed before is used, and all are refused once", async () => {
  let refusals = 0;
  const { clock, asked, signer, take } = setting({ onrefusal: () => refusals++ });
  const [first, second] = await clock.run(Promise.all([take(1), take(2)]));
  signer.refuse(first as FreshPart);
  signer.refuse(second as FreshPart);
  expect(refusals).toBe(1);
  const third = await clock.run(take(3));
  expect(asked).toHaveLength(2);
  expect(third.url).toBe("https://oss.test/?asked=2");
  signer.refuse(third);
  expect(refusals).toBe(2);
  expect((await clock.run(take(4))).url).toBe("https://oss.test/?asked=3");
});

test("a URL of a short life may start a request until a fifth of it is left", async () => {
  const { clock, signer, take } = setting();
  const [part] = [100].map((seconds) => ({
    ...{ number: 1, method: "PUT" as const, url: "https://oss.test/", headers: {}, size: 10 },
    expires_at: new Date(Date.UTC(2044, 1, 29, 12) + seconds * 1000).toISOString(),
  }));
  signer.accept({ server_time: "2044-02-29T12:00:00Z", parts: [part as SignedPart] });
  const taken = await take(1);
  await clock.pass(79_000);
  expect(signer.isFresh(taken)).toBe(true);
  await clock.pass(1000);
  expect(signer.isFresh(taken)).toBe(false);
});

test("URLs that have expired while nothing was sent are requested again", async () => {
  const { clock, asked, take } = setting();
  await clock.run(take(1));
  await clock.pass(15 * 60_000);
  const part = await clock.run(take(2));
  expect([part.number, part.url]).toEqual([2, "https://oss.test/?asked=2"]);
  expect(asked[1]).toEqual(Array.from({ length: 16 }, (_, index) => index + 2));
});

test("while one request for URLs runs there is no other, and none when all parts have URLs", async () => {
  const { clock, asked, take } = setting();
  await clock.run(Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((number) => take(number))));
  for (const number of [9, 10, 11, 12, 13, 14]) void take(number);
  await clock.pass(50);
  expect(asked).toHaveLength(2);
  const left = [2, 3];
  const few = setting({ upcoming: () => left });
  await few.clock.run(few.take(1));
  left.shift();
  await few.clock.run(few.take(2));
  expect(few.asked).toEqual([[1, 2, 3]]);
});

test("an aborted upload gets no URL", async () => {
  const { clock, asked, signer } = setting();
  const aborted = AbortSignal.abort(new Error("gone"));
  await expect(clock.run(signer.take(1, 10, aborted))).rejects.toThrow("gone");
  expect(asked).toEqual([]);
});
