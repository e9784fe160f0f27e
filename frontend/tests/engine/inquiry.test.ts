// The questions of a page to the backend, which tries what the page tries.

import { expect, test } from "vitest";
import { Api } from "../../src/engine/api.ts";
import { Diagnosis } from "../../src/engine/diagnosis.ts";
import type { SignedRequest } from "../../src/engine/ports.ts";
import { deferred } from "../../src/engine/promises.ts";
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
    fail: (id: string, differently: Partial<SignedRequest> = {}, destination = "default") => {
      const url = "https://bucket.oss.test/a";
      const request = { number: 1, method: "PUT", url, expires_at: "", ...differently } as const;
      const failure = { request, startedAt: clock.now(), responded: () => true };
      return clock.run(
        new Diagnosis(api, { id, destination }).examine(failure, new AbortController().signal),
      );
    },
  };
}

test("uploads of a page share an answer, and each learns why it waits", async () => {
  const { asked, fail } = page();
  expect([await fail("u1"), await fail("u2")]).toEqual(Array(2).fill("Detail of storage_blocked."));
  expect(asked()).toBe(1);
});

test("what CORS rules, firewalls and policies may treat differently is another question", async () => {
  const { asked, fail } = page();
  await fail("u1");
  await fail("u1", { headers: { "Content-MD5": "x" } });
  await fail("u1", { url: "https://fast.oss.test/a" });
  await fail("u1", { method: "POST", fields: {} });
  await fail("u1", {}, "clips");
  expect(asked()).toBe(5);
});

test("a refusal of earlier trouble is not told again, while another upload asks", async () => {
  const { backend, clock, fail } = page();
  backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
  await expect(fail("u1")).rejects.toMatchObject({ code: "cors_not_allowed" });
  await expect(fail("u2")).rejects.toMatchObject({ code: "cors_not_allowed" });
  await clock.pass(60 * MINUTE);
  const { promise, resolve } = deferred<Response>();
  backend.fault = () => promise;
  const asking = fail("u1");
  await fail("u2");
  resolve(Response.json(diagnosisOf("reachable", "storage_blocked")));
  await asking;
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

test("a cause that does not pass is told each time, however often", async () => {
  const { backend, clock, fail } = page();
  backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
  for (let minute = 0; minute < 20; minute++) {
    await expect(fail("u1")).rejects.toMatchObject({ code: "cors_not_allowed" });
    await clock.pass(MINUTE);
  }
});

test.each([429, 503])(
  "what was told before a question that got the answer %d is not told again",
  async (status) => {
    const { backend, clock, fail } = page();
    backend.diagnosis = diagnosisOf("refused", "UserDisable");
    await expect(fail("u1")).rejects.toMatchObject({ code: "UserDisable" });
    backend.fault = () => problem(status, "later");
    await clock.pass(MINUTE);
    expect(await fail("u2")).toBe("");
  },
);
