// The limit of the bandwidth, which all uploads of a page share.

import { describe, expect, test } from "vitest";
import { Bandwidth } from "../../src/engine/bandwidth.ts";
import { suitablePartSize } from "../../src/engine/line.ts";
import { Pacer } from "../../src/engine/pacer.ts";
import type { Clock } from "../../src/engine/ports.ts";
import { Semaphore } from "../../src/engine/queue.ts";
import { FakeClock } from "../clock.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

const NEVER = new AbortController().signal;

/** An environment in which a part takes a millisecond. */
function fastLine(): TestEnvironment {
  const environment = new TestEnvironment();
  environment.store.speed = 10_000;
  return environment;
}

/** Bits a second of the requests that started between two times, in milliseconds. */
function rateBetween({ store }: TestEnvironment, from: number, to: number): number {
  const started = store.sent.filter(({ at }) => at >= from && at < to);
  return (started.reduce((sum, { size }) => sum + size * 8, 0) / (to - from)) * 1000;
}

/** The rates of all stretches of three seconds between two times. */
function ratesOf(environment: TestEnvironment, from: number, to: number): number[] {
  const rates: number[] = [];
  for (let at = from; at + 3000 <= to; at += 50) rates.push(rateBetween(environment, at, at + 3000));
  return rates;
}

function expectRate(rates: readonly number[], limit: number): void {
  expect(rates.length).toBeGreaterThan(20);
  expect(Math.max(...rates)).toBeLessThanOrEqual(limit * 1.1);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(limit * 0.9);
}

describe("a limit to the bandwidth", () => {
  test("is obeyed within 10 % over any three seconds, by all uploads of the page together", async () => {
    const environment = fastLine();
    const page = environment.open({ bandwidth: 400 });
    const other = environment.open({ destination: "other", small: 50 });
    const files = [fileOf(400, "a"), fileOf(410, "b"), ...Array.from({ length: 10 }, () => fileOf(10))];
    const uploads = files.map((file, index) => (index % 2 ? page : other).upload(file));
    await environment.clock.run(Promise.all(uploads.map(({ done }) => done)));
    const [first, last] = [environment.store.sent[0]?.at ?? 0, environment.store.sent.at(-1)?.at ?? 0];
    expectRate(ratesOf(environment, first, last), 400);
  });

  test("may be changed and lifted while files are uploaded, without a burst", async () => {
    const environment = fastLine();
    const page = environment.open();
    const upload = page.upload(fileOf(3000));
    await environment.arrive(20);
    page.bandwidth = 800;
    const set = environment.clock.now() + 50; // What was in flight ends.
    await environment.clock.pass(6050);
    expectRate(ratesOf(environment, set, set + 6000), 800);
    page.bandwidth = 400;
    const halved = environment.clock.now();
    await environment.clock.pass(6000);
    expectRate(ratesOf(environment, halved, halved + 6000), 400);
    page.bandwidth = null;
    const lifted = environment.clock.now();
    await environment.clock.run(upload.done);
    expect(rateBetween(environment, lifted, lifted + 500)).toBeGreaterThan(10_000);
    expectEachOnce(environment, 300);
  });

  test("leaves no credit of the time in which nothing was sent", async () => {
    const environment = fastLine();
    const page = environment.open({ bandwidth: 400 });
    const upload = page.upload(fileOf(700));
    await environment.arrive(5);
    upload.pause();
    await environment.clock.pass(600_000);
    upload.resume();
    const resumed = environment.clock.now();
    await environment.clock.pass(10_000);
    expectRate(ratesOf(environment, resumed, resumed + 10_000), 400);
  });

  test("lets new uploads have parts of a quarter of a second, unless the page wishes for smaller ones", async () => {
    const environment = fastLine();
    const page = environment.open({ bandwidth: 20_000_000 });
    await environment.clock.run(page.upload(fileOf(30)).done);
    await environment.clock.run(page.upload(fileOf(40), { partSize: 200_000 }).done);
    page.bandwidth = null;
    await environment.clock.run(page.upload(fileOf(50)).done);
    const created = environment.backend.calls.filter(
      ({ method, path }) => `${method} ${path}` === "POST uploads/",
    );
    expect(created.map(({ body }) => body.part_size)).toEqual([625_000, 200_000, 32 * 2 ** 20]);
  });

  test.each([
    ["no smaller ones than OSS takes", 1_000_000, undefined, 102_400],
    ["those of the page where they are smaller", 1_000_000, 50_000, 50_000],
    ["no larger ones than without a limit", 1e12, undefined, undefined],
  ])("asks for %s", (_, limit, wish, size) => {
    const bandwidth = new Bandwidth(new FakeClock());
    bandwidth.limit = limit;
    const line = { speed: null, partSize: null };
    const settings = { line, bandwidth, ...(wish && { partSize: wish }) };
    expect(suitablePartSize(settings, 2 ** 40)).toBe(size);
    expect(suitablePartSize({ ...settings, line: { ...line, partSize: 40_000 } }, 2 ** 40)).toBe(40_000);
    expect(suitablePartSize(settings, null)).toBe(size);
  });

  test("does not hold up a pause or an abort", async () => {
    const environment = fastLine();
    const page = environment.open({ bandwidth: 1 });
    const [paused, aborted] = [page.upload(fileOf(100, "a")), page.upload(fileOf(110, "b"))];
    await environment.arrive(1);
    const now = environment.clock.now();
    aborted.done.catch(() => {});
    paused.pause();
    await environment.clock.run(aborted.abort());
    expect(aborted.state).toBe("aborted");
    expect(environment.clock.now() - now).toBeLessThan(1000);
  });

  test("does not count what a paused upload has not sent", async () => {
    const environment = new TestEnvironment();
    environment.store.speed = 1;
    const page = environment.open({ bandwidth: 8, parallel: 1 });
    const paused = page.upload(fileOf(100, "a"));
    await environment.clock.pass(1000);
    paused.pause();
    environment.store.speed = 10_000;
    const other = page.upload(fileOf(10, "b"));
    await environment.clock.run(other.done);
    expect(environment.clock.now()).toBeLessThan(8000);
  });

  test("must be positive", () => {
    const environment = new TestEnvironment();
    expect(() => environment.open({ bandwidth: -1 })).toThrow("bandwidth: -1");
    const page = environment.open();
    for (const wrong of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => {
        page.bandwidth = wrong;
      }).toThrow(`bandwidth: ${wrong}`);
    }
    expect(page.bandwidth).toBe(null);
    expect(() => page.upload(fileOf(5), { bandwidth: 5 } as object)).toThrow("bandwidth");
  });
});

test("requests get their turns in order, and one that was aborted loses its turn", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, 8000, new Semaphore(1));
  const started: string[] = [];
  const aborted = new AbortController();
  const ask = (name: string, signal = NEVER) =>
    pacer.acquire(1000, signal).then(
      () => started.push(`${name} at ${clock.now()}`),
      () => started.push(`${name} not`),
    );
  const all = [ask("a"), ask("b", aborted.signal), ask("c"), ask("d")];
  await clock.pass(100);
  aborted.abort();
  await clock.run(Promise.all(all));
  expect(started).toEqual(["a at 0", "b not", "c at 1000", "d at 2000"]);
});

test("bytes that were not sent are given back, but not more than were taken", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, 8000, new Semaphore(1));
  await pacer.acquire(10_000, NEVER);
  pacer.giveBack(9000);
  await clock.run(pacer.acquire(1000, NEVER));
  expect(clock.now()).toBe(1000);
  pacer.giveBack(1_000_000);
  await clock.run(pacer.acquire(1000, NEVER));
  await clock.run(pacer.acquire(1000, NEVER));
  expect(clock.now()).toBe(2000);
});

test.each([1000, 60_000])("a hidden tab with a timer every %i ms has all of the limit", async (grain) => {
  const clock = new FakeClock();
  const hidden: Clock = {
    now: () => clock.now(),
    random: () => clock.random(),
    sleep: (delay, signal) =>
      clock.sleep(Math.ceil((clock.now() + delay) / grain) * grain - clock.now(), signal),
  };
  const pacer = new Pacer(hidden, 8000, new Semaphore(1));
  let bytes = 0;
  const send = async () => {
    for (; clock.now() < 600_000; bytes += 250) {
      await pacer.acquire(250, NEVER);
      await clock.sleep(20, NEVER);
    }
  };
  await clock.run(Promise.all([send(), send(), send(), send()]));
  const rate = (bytes * 1000) / clock.now();
  expect(rate).toBeGreaterThan(900);
  expect(rate).toBeLessThan(1050);
});
