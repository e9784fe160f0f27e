// Failures of network, OSS and file, and how the engine recovers.

import { describe, expect, test } from "vitest";
import { CorsError, NetworkError } from "../../src/engine/errors.ts";
import { diagnosisOf, json } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

describe("network and OSS", () => {
  test("a stalled request is aborted after 30 seconds, and its part is sent again", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) => (number === 3 && tries === 1 ? "stall" : undefined);
    const begun = environment.clock.now();
    await environment.clock.run(environment.open().upload(fileOf(50)).done);
    expect(environment.store.tries(3)).toBe(2);
    expect(environment.clock.now() - begun).toBeGreaterThanOrEqual(30_000);
    expect(environment.clock.now() - begun).toBeLessThan(40_000);
    expectEachOnce(environment, 5);
  });

  test("slow is not stalled", async () => {
    const environment = new TestEnvironment();
    environment.store.speed = 1 / 4; // 40 s a part, with a sign of life halfway
    await environment.clock.run(environment.open().upload(fileOf(40)).done);
    expect(environment.store.sent).toHaveLength(4);
  });

  test("a part whose response is lost is sent again and counted once", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) => (number === 3 && tries === 1 ? "lost" : undefined);
    const upload = environment.open().upload(fileOf(50));
    let most = 0;
    upload.addEventListener("progress", ({ loaded }) => {
      most = Math.max(most, loaded);
    });
    await environment.clock.run(upload.done);
    expect(environment.store.tries(3)).toBe(2);
    expect(most).toBe(50);
  });

  test("offline for an hour: nothing is sent until the browser is online, then the upload continues", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(10);
    environment.connection.online = false;
    environment.store.fault = () => "no_response";
    await environment.clock.pass(10_000);
    const sent = environment.store.sent.length;
    await environment.clock.pass(3_600_000);
    expect(environment.store.sent.length).toBe(sent);
    expect([upload.state, upload.notice?.name]).toEqual(["uploading", "offline"]);
    environment.store.fault = () => undefined;
    environment.connection.comeBack();
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test.each([10, 500])(
    "a bucket whose CORS rules lack the page is a CorsError within seconds (%i bytes)",
    async (size) => {
      const environment = new TestEnvironment();
      environment.backend.diagnosis = diagnosisOf("cors", "cors_not_allowed");
      environment.store.fault = () => "no_response";
      const upload = environment.open().upload(fileOf(size));
      await environment.reach(upload, "failed");
      expect(upload.error).toBeInstanceOf(CorsError);
      expect(upload.error).toMatchObject({
        code: "cors_not_allowed",
        hint: "An administrator can allow it with: manage.py configure_bucket --origin https://page.test",
      });
      expect(environment.store.sent.length).toBeLessThanOrEqual(6);
      expect(environment.clock.now()).toBeLessThan(15_000);
    },
  );

  test("while OSS cannot be reached, one request at a time probes it, for hours", async () => {
    const environment = new TestEnvironment();
    environment.connection.reachable = false;
    environment.store.fault = () => "no_response";
    const upload = environment.open().upload(fileOf(500));
    await environment.reach(upload, "uploading");
    await environment.clock.pass(2 * 3_600_000);
    expect(upload.state).toBe("uploading");
    expect(environment.store.sent.length).toBeLessThan(600);
    environment.connection.reachable = true;
    environment.store.fault = () => undefined;
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test("after one response a lost connection is never taken for a CORS refusal", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    environment.store.fault = () => "no_response";
    await environment.clock.pass(600_000);
    expect(upload.state).toBe("uploading");
    environment.store.fault = () => undefined;
    await environment.clock.run(upload.done);
  });

  test.each([
    ["InternalError", 500],
    ["ServiceUnavailable", 503],
    ["RequestTimeout", 400],
    ["IncompleteBody", 400],
    ["TooManyRequests", 429],
  ])("%s (%i) is retried, not before Retry-After", async (code, status) => {
    const environment = new TestEnvironment();
    const fault = { status, code, headers: { "Retry-After": "7" } };
    environment.store.fault = (number, tries) => (number === 1 && tries < 3 ? fault : undefined);
    await environment.clock.run(environment.open().upload(fileOf(30)).done);
    const at = environment.store.sent.filter(({ number }) => number === 1).map((sent) => sent.at);
    expect(at).toHaveLength(3);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(7000);
  });

  test.each(["url", "sts"] as const)(
    "after hours of sleep the device gets new URLs, and repeats only parts in flight (%s)",
    async (signing) => {
      const environment = new TestEnvironment();
      environment.backend.credentialsLife = 3600;
      const upload = environment.open({ signing }).upload(fileOf(500));
      await environment.arrive(10);
      environment.slept = 2 * 3_600_000;
      await environment.clock.run(upload.done);
      const refused = environment.store.sent.filter(({ outcome }) => outcome === "AccessDenied");
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThanOrEqual(12);
      expect(environment.backend.count("POST", "credentials/")).toBe(signing === "sts" ? 2 : 0);
      expectEachOnce(environment, 50);
    },
  );

  test("any other refusal fails the upload, keeps its parts, and can be resumed", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number) =>
      number === 20 ? { status: 400, code: "InvalidArgument" } : undefined;
    const upload = environment.open().upload(fileOf(500));
    await environment.reach(upload, "failed");
    await expect(upload.done).rejects.toMatchObject({ code: "InvalidArgument", requestId: "REQ-1" });
    expect(environment.store.tries(20)).toBe(1);
    expect(environment.store.inFlight).toBe(0);
    environment.store.fault = () => undefined;
    upload.resume();
    expect(upload.error).toBeNull();
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });
});

describe("complete and abort", () => {
  test("parts that OSS lacks are sent again, and only those", async () => {
    const environment = new TestEnvironment();
    let lost = false;
    environment.backend.fault = ({ path }) => {
      if (path.endsWith("complete/") && !lost) {
        lost = true;
        environment.store.hold("files/u1").delete(2);
        environment.store.hold("files/u1").delete(5);
      }
      return undefined;
    };
    await environment.clock.run(environment.open().upload(fileOf(100)).done);
    expect(environment.store.accepted.slice(10).toSorted()).toEqual([2, 5]);
    expect(environment.backend.count("POST", "complete/")).toBe(2);
  });

  test("an OSS that keeps losing parts fails the upload in the end", async () => {
    const environment = new TestEnvironment();
    environment.backend.fault = ({ path }) => {
      if (path.endsWith("complete/")) environment.store.hold("files/u1").delete(2);
      return undefined;
    };
    const upload = environment.open().upload(fileOf(100));
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "parts_missing", status: 409 });
    expect(environment.store.tries(2)).toBe(5);
  });

  test("after 202 the call is repeated at Retry-After", async () => {
    const environment = new TestEnvironment();
    const asked: number[] = [];
    environment.backend.fault = ({ path }) => {
      if (!path.endsWith("complete/")) return undefined;
      asked.push(environment.clock.now());
      return asked.length < 3 ? json(202, environment.backend.only, { "Retry-After": "9" }) : undefined;
    };
    await environment.clock.run(environment.open().upload(fileOf(50)).done);
    expect(asked).toHaveLength(3);
    expect((asked[2] ?? 0) - (asked[1] ?? 0)).toBeGreaterThanOrEqual(9000);
    expect(environment.store.sent).toHaveLength(5);
  });

  test.each([
    ["several parts", 50, {}],
    ["one request in a batch", 5, { small: 1000 }],
  ])("while a staged file is checked and copied the page is told: %s", async (_, size, options) => {
    const environment = new TestEnvironment();
    const stages = ["checking", "copying"];
    environment.backend.fault = ({ path }) => {
      if (!path.endsWith("complete/")) return undefined;
      const stage = stages.shift();
      if (!stage) return undefined;
      const row = { ...environment.backend.only, state: "completing", stage };
      return path.includes("batch") ? json(207, { uploads: [row] }) : json(202, row, { "Retry-After": "2" });
    };
    const upload = environment.open(options).upload(fileOf(size));
    const notices: (string | undefined)[] = [];
    upload.addEventListener("notice", () => notices.push(upload.notice?.name));
    const done = await environment.clock.run(upload.done);
    expect(done.state).toBe("completed");
    expect(notices.filter((name) => name && name !== "checking")).toEqual(["inspecting", "copying"]);
  });

  test("abort ends all requests, aborts at the backend and clears the journal", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    await environment.clock.run(upload.abort());
    await expect(upload.done).rejects.toMatchObject({ code: "aborted" });
    expect([upload.state, environment.backend.only.state, environment.store.inFlight]).toEqual([
      "aborted",
      "aborted",
      0,
    ]);
    expect(environment.backend.count("DELETE", "uploads/u1/")).toBe(1);
    expect(await environment.journal.list()).toEqual([]);
  });

  test("an upload whose object was deleted elsewhere ends as one that was aborted elsewhere", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    environment.backend.only.state = "deleted";
    await environment.reach(upload, "aborted");
    await expect(upload.done).rejects.toMatchObject({ code: "aborted" });
  });

  test("an upload aborted during create is aborted at the backend too", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.clock.until(() => environment.backend.count("POST", "uploads/") === 1);
    await environment.clock.run(upload.abort());
    expect(environment.backend.only.state).toBe("aborted");
    expect(environment.store.sent).toEqual([]);
  });

  test("a file that was changed on disk is a FileError, and is not retried", async () => {
    const environment = new TestEnvironment();
    const file = fileOf(500);
    const upload = environment.open().upload(file);
    await environment.arrive(5);
    Object.defineProperty(file, "lastModified", { value: 2 });
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ name: "FileError", code: "file_changed" });
    expect(upload.error?.detail).toContain("“film.mp4”");
  });

  test("a file whose checksum code cannot be loaded has not changed", async () => {
    const environment = new TestEnvironment();
    const hash = environment.hasher.hash;
    environment.hasher.hash = () => Promise.reject(new NetworkError("code_unreachable"));
    const upload = environment.open().upload(fileOf(500));
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ name: "NetworkError", code: "network", retryable: true });
    environment.hasher.hash = hash;
    upload.resume();
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
  });

  test("a file that can no longer be read is a FileError, although the browser reports only status 0", async () => {
    const environment = new TestEnvironment();
    const file = fileOf(500);
    const slice = file.slice.bind(file);
    const upload = environment.open().upload(file);
    await environment.arrive(5);
    file.slice = (...range) => {
      const blob = slice(...range);
      blob.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));
      return blob;
    };
    environment.store.fault = () => "no_response";
    await environment.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "file_changed" });
  });
});
