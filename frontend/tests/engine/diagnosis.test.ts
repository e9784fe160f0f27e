// OSS gives no readable answer although the browser is online: the engine finds out why, and ends or tries again.

import { describe, expect, test } from "vitest";
import { Api } from "../../src/engine/api.ts";
import { Diagnosis } from "../../src/engine/diagnosis.ts";
import { CorsError } from "../../src/engine/errors.ts";
import { deferred } from "../../src/engine/promises.ts";
import type { Upload } from "../../src/engine/upload.ts";
import { diagnosisOf, problem } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

const HOUR = 3_600_000;

const remote = { id: "u1", destination: "default" };
const request = { number: 1, method: "PUT", url: "https://bucket.oss.test/a", expires_at: "" } as const;

/** An upload whose parts from `first` on get no readable answer. */
function unreadable(first = 1, size = 500): [TestEnvironment, Upload] {
  const environment = new TestEnvironment();
  environment.store.fault = (number) => (number >= first ? "no_response" : undefined);
  return [environment, environment.open().upload(fileOf(size))];
}

describe("what the backend finds", () => {
  test.each([
    ["before the first answer", 1],
    ["after some parts", 20],
  ])("a refusal fails the upload with its code and cure: %s", async (_, first) => {
    const [environment, upload] = unreadable(first);
    environment.backend.diagnosis = diagnosisOf("refused", "PublicEndpointForbidden");
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({
      name: "StorageError",
      code: "PublicEndpointForbidden",
      title: "Title of PublicEndpointForbidden.",
      detail: "Detail of PublicEndpointForbidden.",
      hint: "For an administrator: Cure of PublicEndpointForbidden.",
      requestId: "REQ-9",
    });
    expect(environment.backend.count("POST", "diagnose/")).toBe(1);
    expect(environment.clock.now()).toBeLessThan(30_000);
  });

  test("an upload that failed so keeps its parts, and continues once the cause is mended", async () => {
    const [environment, upload] = unreadable(20);
    environment.backend.diagnosis = diagnosisOf("refused", "UserDisable");
    await environment.reach(upload, "failed");
    environment.store.fault = () => undefined;
    upload.resume();
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test("a CORS rule that is missing is told even after an answer", async () => {
    const [environment, upload] = unreadable(20);
    environment.backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
    await environment.reach(upload, "failed");
    expect(upload.error).toBeInstanceOf(CorsError);
    expect(upload.error).toMatchObject({ requestId: "REQ-9", facts: { origin: "https://page.test" } });
  });

  test("the headers of the request are told, because CORS rules name headers too", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = () => "no_response";
    environment.backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
    const upload = environment.open({ integrity: "md5" }).upload(fileOf(500));
    await environment.reach(upload, "failed");
    const call = environment.backend.calls.find(({ path }) => path.endsWith("diagnose/"));
    expect(call?.body).toEqual({ headers: ["Content-MD5"] });
  });

  test.each([
    ["a refusal that passes", diagnosisOf("refused", "ServiceUnavailable", true)],
    ["an address that nobody reaches", diagnosisOf("unreachable", "storage_unreachable")],
    ["an OSS that only this browser does not reach", diagnosisOf("reachable", "storage_blocked")],
    ["an address that the backend cannot try", diagnosisOf("unknown", "storage_unknown")],
    ["a backend that does not know the call", null],
  ])("%s is waited for, and the backend is asked seldom", async (_, diagnosis) => {
    const [environment, upload] = unreadable();
    environment.connection.reachable = false;
    environment.backend.diagnosis = diagnosis;
    await environment.reach(upload, "uploading");
    const notices: string[] = [];
    upload.addEventListener("notice", ({ message }) => notices.push(message));
    await environment.clock.pass(HOUR);
    expect(upload.state).toBe("uploading");
    expect(environment.backend.count("POST", "diagnose/")).toBeLessThan(15);
    const said = diagnosis?.detail ?? "OSS cannot be reached.";
    expect(notices.filter((message) => message.startsWith(`${said} Trying again in`)).length).toBeGreaterThan(
      10,
    );
    environment.store.fault = () => undefined;
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test("a refusal that passes is waited for, although OSS answers other requests", async () => {
    const [environment, upload] = unreadable();
    environment.backend.diagnosis = diagnosisOf("refused", "AccessDenied", true);
    await environment.reach(upload, "uploading");
    await environment.clock.pass(HOUR);
    expect(upload.state).toBe("uploading");
    environment.store.fault = () => undefined;
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test("trouble that turns into a refusal is told", async () => {
    const [environment, upload] = unreadable();
    environment.connection.reachable = false;
    environment.backend.diagnosis = diagnosisOf("unreachable", "storage_unreachable");
    await environment.reach(upload, "uploading");
    await environment.clock.pass(HOUR);
    environment.backend.diagnosis = diagnosisOf("refused", "UserDisable");
    await environment.reach(upload, "failed");
    expect(upload.error?.code).toBe("UserDisable");
    expect(environment.clock.now()).toBeLessThan(2 * HOUR);
  });

  test.each([
    ["reachable", "storage_blocked"],
    ["unknown", "storage_unknown"],
  ] as const)(
    "OSS that answers any request but those of the page ends the upload in words: %s",
    async (verdict, code) => {
      const [environment, upload] = unreadable();
      environment.backend.diagnosis = diagnosisOf(verdict, code);
      await environment.reach(upload, "failed");
      expect(upload.error).toMatchObject({ code, hint: `For an administrator: Cure of ${code}.` });
    },
  );

  test("a backend without a network is waited for and asked again: CORS is not blamed for it", async () => {
    const [environment, upload] = unreadable();
    environment.backend.diagnosis = diagnosisOf("unreachable", "storage_unreachable");
    const notices: string[] = [];
    upload.addEventListener("notice", ({ message }) => notices.push(message));
    await environment.reach(upload, "uploading");
    await environment.clock.pass(HOUR);
    expect([upload.state, upload.error]).toEqual(["uploading", null]);
    expect(notices).toContainEqual(expect.stringMatching(/^Detail of storage_unreachable\. Trying again in/));
    environment.backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
    await environment.reach(upload, "failed");
    expect(upload.error).toBeInstanceOf(CorsError);
    expect(environment.clock.now()).toBeLessThan(1.5 * HOUR);
  });

  test("without the backend's word CORS is taken for the cause", async () => {
    const [environment, upload] = unreadable();
    environment.backend.diagnosis = null;
    await environment.reach(upload, "failed");
    expect(upload.error?.code).toBe("cors_not_allowed");
  });

  test("an upload that has ended elsewhere ends here too", async () => {
    const [environment, upload] = unreadable();
    environment.backend.fault = ({ path }) => {
      if (!path.endsWith("diagnose/")) return undefined;
      environment.backend.only.state = "aborted";
      return problem(409, "wrong_state");
    };
    await environment.reach(upload, "aborted");
    await expect(upload.done).rejects.toMatchObject({ code: "aborted" });
  });

  test.each([true, false])(
    "a backend that is asked too often does not fail the upload (OSS reachable: %s)",
    async (reachable) => {
      const [environment, upload] = unreadable();
      environment.connection.reachable = reachable;
      environment.backend.fault = ({ path }) =>
        path.endsWith("diagnose/") ? problem(429, "throttled") : undefined;
      await environment.reach(upload, "uploading");
      await environment.clock.pass(HOUR);
      expect(upload.state).toBe("uploading");
    },
  );

  test("offline nobody is asked", async () => {
    const [environment, upload] = unreadable();
    // The device loses its network while requests are under way: the second one fails when the browser knows it.
    let failed = 0;
    environment.store.fault = () => {
      failed += 1;
      environment.connection.online = failed < 2;
      return "no_response";
    };
    await environment.clock.until(() => upload.notice?.name === "offline");
    await environment.clock.pass(HOUR);
    expect(failed).toBeGreaterThan(1);
    expect([environment.connection.asked, environment.backend.count("POST", "diagnose/")]).toEqual([0, 0]);
    expect(upload.notice?.name).toBe("offline");
  });

  test("a pause during the question keeps the upload paused", async () => {
    const [environment, upload] = unreadable();
    environment.backend.diagnosis = diagnosisOf("refused", "UserDisable");
    await environment.clock.until(() => environment.backend.count("POST", "diagnose/") === 1);
    upload.pause();
    await environment.clock.pass(60_000);
    expect([upload.state, upload.error]).toEqual(["paused", null]);
  });
});

describe("what the browser forbids", () => {
  test.each([
    ["mixed_content", "(OSS_ENDPOINT, or"],
    ["csp_blocked", "connect-src"],
    ["local_network_denied", "local network"],
  ] as const)("%s is told with its cure, and the backend is not asked", async (cause, cure) => {
    const [environment, upload] = unreadable();
    environment.connection.reachable = false;
    environment.connection.blocked = cause;
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ name: "StorageError", code: cause, sentence: cause });
    expect(`${upload.error?.detail} ${upload.error?.hint}`).toContain(cure);
    expect(upload.error?.detail).toContain("https://bucket.oss.test");
    expect(environment.backend.count("POST", "diagnose/")).toBe(0);
  });

  test("an OSS that answers the backend alone may have a private address", async () => {
    const [environment, upload] = unreadable();
    environment.connection.reachable = false;
    environment.connection.blockedIfPrivate = "local_network_denied";
    await environment.reach(upload, "failed");
    expect(upload.error?.code).toBe("local_network_denied");
  });

  test("an environment that cannot tell is asked nothing", async () => {
    const [environment, upload] = unreadable();
    Object.assign(environment.connection, { blockedBy: undefined });
    environment.backend.diagnosis = diagnosisOf("refused", "UserDisable");
    await environment.reach(upload, "failed");
    expect(upload.error?.code).toBe("UserDisable");
  });
});

describe("a refusal that can be read", () => {
  test.each([
    ["NoSuchBucket", 404, "refused_site", "configuration of the site"],
    ["SecondLevelDomainForbidden", 403, "refused_site", "configuration of the site"],
    ["UserDisable", 403, "refused_account", "account"],
    ["InvalidArgument", 400, "storage_refused", "Try again"],
    ["SomethingNew", 400, "storage_refused", "Try again"],
  ])("%s says who must act", async (code, status, sentence, hint) => {
    const environment = new TestEnvironment();
    environment.store.fault = () => ({ status, code });
    const upload = environment.open().upload(fileOf(500));
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ name: "StorageError", code, status, sentence, requestId: "REQ-1" });
    expect(upload.error?.hint).toContain(hint);
  });
});

test("a part that is not needed any more does not end the examination of others", async () => {
  const environment = new TestEnvironment();
  const { promise: reached, resolve: answer } = deferred<boolean>();
  Object.assign(environment.connection, { reaches: () => reached });
  const diagnosis = new Diagnosis(new Api(environment), remote);
  const failure = { request, startedAt: 0, responded: () => true };
  const superseded = new AbortController();
  const first = diagnosis.examine(failure, superseded.signal);
  const second = diagnosis.examine(failure, new AbortController().signal);
  superseded.abort();
  await expect(first).rejects.toBe(superseded.signal.reason);
  answer(false);
  expect(await environment.clock.run(second)).toBe("");
});
