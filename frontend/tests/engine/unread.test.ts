// When the browser, or a missing CORS rule, is blamed for requests that get no readable answer: not on a bad line, and
// not late.

import { describe, expect, test } from "vitest";
import { Api } from "../../src/engine/api.ts";
import { Diagnosis } from "../../src/engine/diagnosis.ts";
import { diagnosisOf } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

const HOUR = 3_600_000;

const remote = { id: "u1", destination: "default" };
const request = { number: 1, method: "PUT", url: "https://bucket.oss.test/a", expires_at: "" } as const;

describe("requests that a bad line loses", () => {
  /** Examines one request after another that got no readable response, although OSS can be reached. */
  function loser(environment = new TestEnvironment()) {
    const { backend, clock, connection } = environment;
    backend.fault = () => Response.json(backend.diagnosis);
    const diagnosis = new Diagnosis(new Api(environment), remote);
    const { signal } = new AbortController();
    const examine = (startedAt: number, responded: boolean) =>
      clock.run(diagnosis.examine({ request, startedAt, responded: () => responded }, signal));
    return {
      backend,
      clock,
      connection,
      examine,
      lose: async (count: number, milliseconds = 100, responded = false) => {
        for (let number = 1; number <= count; number++) {
          await clock.pass(milliseconds);
          await examine(clock.now(), responded);
        }
      },
    };
  }

  test("are no reason to blame the browser before there are several, and the backend was asked again", async () => {
    const { backend, clock, lose } = loser();
    await lose(10);
    expect(backend.count("POST", "diagnose/")).toBe(1);
    await clock.pass(10_000);
    await expect(lose(1)).rejects.toMatchObject({ code: "storage_blocked" });
    expect(backend.count("POST", "diagnose/")).toBe(2);
    await lose(1); // Whoever tries again is not blamed for the first one that is lost.
  });

  test.each(["three with long pauses", "those that were sent together"])("%s are too few", async (which) => {
    const { clock, examine, lose } = loser();
    const startedAt = clock.now() + 1;
    if (which === "three with long pauses") await lose(3, 60_000);
    else
      for (let number = 1; number <= 10; number++) {
        await clock.pass(60_000);
        await examine(startedAt, false);
      }
  });

  test.each(["OSS is not reached", "OSS has answered", "the backend does not reach OSS either"])(
    "are counted anew where %s",
    async (what) => {
      const { backend, clock, connection, lose } = loser();
      await lose(3, 60_000);
      connection.reachable = what !== "OSS is not reached";
      if (what.startsWith("the backend"))
        backend.diagnosis = diagnosisOf("unreachable", "storage_unreachable");
      await lose(2, 60_000, what === "OSS has answered");
      connection.reachable = true;
      backend.diagnosis = diagnosisOf("reachable", "storage_blocked");
      await clock.pass(HOUR);
      await lose(3, 60_000);
      await expect(lose(1, 60_000)).rejects.toMatchObject({ code: "storage_blocked" });
    },
  );

  test("trouble that comes and goes for hours is asked about seldom", async () => {
    const { backend, connection, lose } = loser();
    for (let round = 0; round < 90; round++) {
      connection.reachable = round % 4 !== 3;
      await lose(1, HOUR / 30);
    }
    expect(backend.count("POST", "diagnose/")).toBeLessThan(30);
  });
});

test("a file that no address of its bucket takes fails in words, although one of them is dead", async () => {
  const environment = new TestEnvironment();
  const origins = [1, 2, 3].map((number) => `https://${number}.oss.test`);
  environment.backend.origins = origins;
  environment.store.fault = () => "no_response";
  Object.assign(environment.connection, { reaches: async (origin: string) => origin !== origins[1] });
  const upload = environment.open({ integrity: "none" }).upload(fileOf(5));
  await environment.reach(upload, "failed");
  expect(upload.error?.code).toBe("storage_blocked");
  expect(environment.clock.now()).toBeLessThan(5 * 60_000);
});

test.each([
  ["at once", 0],
  ["after seconds", 6],
])("files of several parts whose requests fail %s are all told why", async (_, seconds) => {
  const environment = new TestEnvironment();
  const { clock, store } = environment;
  store.fault = () => "no_response";
  store.speed = seconds === 0 ? 1_000_000 : 10 / seconds;
  const uploader = environment.open({ parallel: 2 });
  const uploads = Array.from({ length: 10 }, (_, number) => uploader.upload(fileOf(50, `${number}.bin`)));
  await clock.until(() => uploads.every(({ state }) => state === "failed"));
  expect(new Set(uploads.map(({ error }) => error?.code))).toEqual(new Set(["storage_blocked"]));
  expect(clock.now()).toBeLessThan(2 * 60_000);
  expect(environment.backend.count("POST", "diagnose/")).toBeLessThan(20);
});

test("hundreds of small files ask once for all, and are told within a minute", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = () => "no_response";
  const uploader = environment.open({ small: 1000 });
  const uploads = Array.from({ length: 300 }, (_, number) => uploader.upload(fileOf(5, `${number}.txt`)));
  await environment.clock.until(() => uploads.filter(({ state }) => state === "failed").length >= 100);
  expect(environment.clock.now()).toBeLessThan(60_000);
  expect(environment.backend.count("POST", "diagnose/")).toBeLessThan(10);
});
