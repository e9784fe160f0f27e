// The questions of a page to the backend, which tries what the page tries.

import { expect, test } from "vitest";
import { Api } from "../../src/engine/api.ts";
import { Diagnosis } from "../../src/engine/diagnosis.ts";
import { diagnosisOf, problem } from "../backend.ts";
import { TestEnvironment } from "../environment.ts";

const MINUTE = 60_000;

/** A page with uploads whose requests get no readable answer. `fail` resolves with why the upload waits. */
function page() {
  const environment = new TestEnvironment();
  const { backend, clock } = environment;
  backend.fault = () => Response.json(backend.diagnosis);
  const api = new Api(environment);
  return {
    backend,
    clock,
    asked: () => backend.count("POST", "diagnose/"),
    fail: (id: string, url = "https://bucket.oss.test/a", headers: Record<string, string> = {}) => {
      const request = { number: 1, method: "PUT", url, headers, expires_at: "" } as const;
      const failure = { request, startedAt: clock.now(), responded: () => true };
      return clock.run(new Diagnosis(api, id).examine(failure, new AbortController().signal));
    },
  };
}

test("uploads of a page share an answer, and each learns why it waits", async () => {
  const { asked, fail } = page();
  expect([await fail("u1"), await fail("u2")]).toEqual(Array(2).fill("Detail of storage_blocked."));
  expect(asked()).toBe(1);
});

test("other headers and other addresses are another question, because CORS rules and firewalls differ", async () => {
  const { asked, fail } = page();
  await fail("u1");
  await fail("u1", "https://bucket.oss.test/a", { "Content-MD5": "x" });
  await fail("u1", "https://fast.oss.test/a");
  expect(asked()).toBe(3);
});

test("a refusal of earlier trouble is not told again", async () => {
  const { backend, clock, fail } = page();
  backend.diagnosis = diagnosisOf("unreachable", "storage_unreachable");
  for (let minute = 0; minute < 4; minute++) {
    await clock.pass(MINUTE);
    await fail("u1");
  }
  backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
  await clock.pass(2 * MINUTE);
  await expect(fail("u1")).rejects.toMatchObject({ code: "cors_not_allowed" });
  await expect(fail("u2")).rejects.toMatchObject({ code: "cors_not_allowed" });
  await clock.pass(MINUTE);
  await fail("u2");
});

test("after a long time without trouble the first questions are near each other again", async () => {
  const { asked, clock, fail } = page();
  for (let minute = 0; minute < 60; minute++) {
    await clock.pass(MINUTE);
    await fail("u1");
  }
  await clock.pass(60 * MINUTE);
  const before = asked();
  await fail("u1");
  await clock.pass(10_000);
  await fail("u1");
  expect(asked() - before).toBe(2);
});

test("an upload that has ended does not keep the others from asking", async () => {
  const { backend, fail } = page();
  backend.fault = ({ path }) =>
    path.includes("u1") ? problem(410, "upload_gone") : Response.json(backend.diagnosis);
  await expect(fail("u1")).rejects.toMatchObject({ status: 410 });
  expect(await fail("u2")).toBe("Detail of storage_blocked.");
});
