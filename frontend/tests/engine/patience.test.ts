// OSS or the backend is busy for an hour: uploads wait, say when they try next, and end well.

import { describe, expect, test } from "vitest";
import { problem } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

const HOUR = 3_600_000;

/** An environment whose OSS refuses every part until it is told otherwise. */
function busyOss(status = 503, headers: Record<string, string> = {}) {
  const environment = new TestEnvironment();
  environment.store.fault = () => ({ status, code: "ServiceUnavailable", headers });
  return environment;
}

/** Until OSS, or the backend, was asked: what comes before takes turns of the event loop, and no time of the clock. */
const begun = ({ clock, store, backend }: TestEnvironment) =>
  clock.until(() => store.sent.length > 0 || backend.calls.length > 1);

describe("an OSS that is busy", () => {
  test.each([502, 503, 504, 408, 429])(
    "for an hour (%d) ends no upload, and is not asked by all parts at once",
    async (status) => {
      const environment = busyOss(status);
      const upload = environment.open().upload(fileOf(500));
      await begun(environment);
      await environment.clock.pass(HOUR);
      expect(upload.state).toBe("uploading");
      expect(upload.notice).toMatchObject({ name: expect.stringMatching(/^storage_(busy|probe)$/) });
      // Half of 30 s between two attempts, after the first few.
      expect(environment.store.sent.length).toBeLessThan(HOUR / 15_000 + 20);
      expect(environment.store.sent.length).toBeGreaterThan(200);
      environment.store.fault = () => undefined;
      await environment.clock.run(upload.done);
      expectEachOnce(environment, 50);
      expect(upload.notice).toBeNull();
    },
  );

  test("is asked no sooner than it says", async () => {
    const environment = busyOss(503, { "Retry-After": "90" });
    const upload = environment.open({ parallel: 1 }).upload(fileOf(500));
    await begun(environment);
    await environment.clock.pass(HOUR);
    const times = environment.store.sent.map(({ at }) => at);
    expect(times.slice(1).every((at, index) => at - (times[index] as number) >= 90_000)).toBe(true);
    await environment.clock.run(upload.abort());
  });

  test("and takes some parts meanwhile ends no upload either", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) =>
      number % 2 === 0 && tries <= 30 ? { status: 503, code: "SlowDown" } : undefined;
    await environment.clock.run(environment.open().upload(fileOf(100)).done);
    expectEachOnce(environment, 10);
  });

  test("ends the upload after as many attempts as the page allows", async () => {
    const environment = busyOss();
    const upload = environment.open({ retry: { attempts: 5 } }).upload(fileOf(10));
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "ServiceUnavailable", status: 503 });
    expect(environment.store.tries(1)).toBe(5);
  });
});

test("an OSS that cannot be reached ends the upload where the page limits attempts", async () => {
  const environment = new TestEnvironment();
  environment.connection.reachable = false;
  environment.store.fault = () => "no_response";
  const upload = environment.open({ retry: { attempts: 5 } }).upload(fileOf(10));
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({ code: "network" });
  expect(environment.store.tries(1)).toBe(5);
});

test("the seconds until the next attempt are counted down", async () => {
  const environment = busyOss(503, { "Retry-After": "60" });
  const upload = environment.open().upload(fileOf(10));
  await environment.clock.until(() => upload.notice !== null);
  const waits = [];
  for (let second = 0; second < 60; second += 20) {
    waits.push(upload.notice?.facts.wait);
    await environment.clock.pass(20_000);
  }
  expect(waits).toEqual([60, 40, 20]);
  await environment.clock.until(() => upload.notice !== null); // It was asked again.
  expect(upload.notice?.facts).toEqual({ code: "ServiceUnavailable", wait: 60 });
});

test("tryNow asks at once, and once", async () => {
  const environment = busyOss(503, { "Retry-After": "600" });
  const upload = environment.open().upload(fileOf(500));
  upload.tryNow(); // Nothing waits yet.
  await begun(environment);
  await environment.clock.pass(HOUR / 2);
  const before = environment.store.sent.length;
  upload.tryNow();
  await environment.clock.pass(1000);
  expect(environment.store.sent.length).toBe(before + 1);
  expect(upload.notice).toMatchObject({ name: "storage_busy" });
  environment.store.fault = () => undefined;
  upload.tryNow();
  const now = environment.clock.now();
  await environment.clock.run(upload.done);
  expect(environment.clock.now() - now).toBeLessThan(60_000);
});

test("a pause ends the wait", async () => {
  const environment = busyOss(503, { "Retry-After": "600" });
  const upload = environment.open().upload(fileOf(500));
  await begun(environment);
  await environment.clock.pass(HOUR / 2);
  const before = environment.store.sent.length;
  upload.pause();
  upload.tryNow();
  await environment.clock.pass(HOUR);
  expect(environment.store.sent.length).toBe(before);
  expect(upload.notice).toBeNull();
});

describe("a backend that is busy", () => {
  test("for an hour ends no upload", async () => {
    const environment = new TestEnvironment();
    environment.backend.fault = () => problem(503, "storage_busy");
    const upload = environment.open().upload(fileOf(100));
    await begun(environment);
    await environment.clock.pass(HOUR);
    expect(upload.state).toBe("preparing");
    environment.backend.fault = () => undefined;
    await environment.clock.run(upload.done);
    expect(environment.backend.rows.size).toBe(1);
  });

  test("ends an abort, which says so", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(3);
    environment.backend.fault = () => problem(503, "storage_busy");
    await expect(environment.clock.run(upload.abort())).rejects.toMatchObject({ code: "storage_busy" });
    expect(environment.clock.now()).toBeLessThan(HOUR / 6);
  });
});
