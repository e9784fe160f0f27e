// Calls to the backend: headers, checkpoints, lost responses and refusals.

import { expect, test } from "vitest";
import { problem } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

test("unsafe calls carry the CSRF token, and all calls the host's headers", async () => {
  const environment = new TestEnvironment();
  const page = environment.open({ headers: async () => ({ Authorization: "Token t" }) });
  await environment.clock.run(page.upload(fileOf(5)).done);
  expect(
    environment.backend.calls.map(({ method, headers }) => [method, headers.get("x-csrftoken")]),
  ).toEqual([
    ["POST", "CSRF"],
    ["POST", "CSRF"],
  ]);
  expect(environment.backend.calls.every(({ headers }) => headers.get("authorization") === "Token t")).toBe(
    true,
  );
});

const csrfRefusal = () => problem(403, "csrf_failed");
const tokenOf = (headers: Headers, name = "x-csrftoken") => headers.get(name);

test("a token that the backend refuses is replaced by one that the backend gives, once", async () => {
  const environment = new TestEnvironment();
  environment.backend.fault = ({ path, headers }) => {
    if (path === "csrf/") return Response.json({ token: "NEW", header: "X-Anti-Forgery" });
    return tokenOf(headers, "x-anti-forgery") === "NEW" ? undefined : csrfRefusal();
  };
  await environment.clock.run(environment.open().upload(fileOf(5)).done);
  const { calls } = environment.backend;
  expect(calls.map(({ method, path }) => `${method} ${path}`).slice(0, 3)).toEqual([
    "POST uploads/",
    "GET csrf/",
    "POST uploads/",
  ]);
  expect(environment.backend.count("GET", "csrf/")).toBe(1);
  expect(calls.at(-1)?.headers.get("x-anti-forgery")).toBe("NEW");
});

test.each([
  ["is refused again", () => Response.json({ token: "NEW", header: "X-CSRFToken" }), 3],
  ["cannot be asked for", () => problem(404, "not_found"), 2],
])("a token that %s ends the upload with the refusal", async (_, answer, calls) => {
  const environment = new TestEnvironment();
  environment.backend.fault = ({ path }) => (path === "csrf/" ? answer() : csrfRefusal());
  const upload = environment.open().upload(fileOf(5));
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({ name: "ApiError", code: "csrf_failed", status: 403 });
  expect(environment.backend.calls).toHaveLength(calls);
});

test("the page's own token and header are used before any cookie", async () => {
  const environment = new TestEnvironment();
  const page = environment.open({ csrf: { token: "PAGE", header: "X-Anti-Forgery" } });
  await environment.clock.run(page.upload(fileOf(5)).done);
  expect(environment.backend.calls.map(({ headers }) => tokenOf(headers, "x-anti-forgery"))).toEqual([
    "PAGE",
    "PAGE",
  ]);
});

test("headers are asked for again after a refusal, once for all calls of that time", async () => {
  const environment = new TestEnvironment();
  const asked: boolean[] = [];
  let token = "expired";
  const headers = async (refused: boolean) => {
    asked.push(refused);
    if (refused) await environment.clock.sleep(100, new AbortController().signal);
    if (refused) token = "fresh";
    return { Authorization: `Bearer ${token}` };
  };
  environment.backend.fault = (call) =>
    call.headers.get("authorization") === "Bearer fresh" ? undefined : problem(401, "not_authenticated");
  const page = environment.open({ headers });
  const uploads = [page.upload(fileOf(5)), page.upload(fileOf(7, "other.mp4"))];
  await environment.clock.run(Promise.all(uploads.map(({ done }) => done)));
  expect(asked.filter(Boolean)).toHaveLength(1);
});

test("a refusal that comes when there are new headers asks for no others", async () => {
  const environment = new TestEnvironment();
  const asked: boolean[] = [];
  let token = "expired";
  const headers = (refused: boolean) => {
    asked.push(refused);
    if (refused) token = "fresh";
    return { Authorization: `Bearer ${token}` };
  };
  let refusals = 0;
  environment.backend.fault = async (call) => {
    if (call.headers.get("authorization") === "Bearer fresh") return undefined;
    await environment.clock.sleep(500 * refusals++, new AbortController().signal);
    return problem(401, "not_authenticated");
  };
  const page = environment.open({ headers });
  const calls = [page.unfinished(), page.unfinished()];
  await environment.clock.run(Promise.all(calls));
  expect(refusals).toBe(2);
  expect(asked.filter(Boolean)).toHaveLength(1);
});

test("headers that are refused twice are a LoginError", async () => {
  const environment = new TestEnvironment();
  environment.backend.fault = () => problem(401, "not_authenticated");
  const upload = environment.open({ headers: () => ({ Authorization: "Bearer x" }) }).upload(fileOf(5));
  await environment.reach(upload, "failed");
  expect(upload.error?.name).toBe("LoginError");
  expect(environment.backend.calls).toHaveLength(2);
});

test.each([undefined, "include", "omit"] as const)(
  "cookies are sent as the option %s says",
  async (option) => {
    const environment = new TestEnvironment();
    const modes: unknown[] = [];
    const { fetch } = environment;
    Object.assign(environment, {
      fetch: (...args: Parameters<typeof fetch>) => {
        modes.push(args[1]?.credentials);
        return fetch(...args);
      },
    });
    const page = environment.open(option ? { credentials: option } : {});
    await environment.clock.run(page.upload(fileOf(5)).done);
    expect(new Set(modes)).toEqual(new Set([option ?? "same-origin"]));
  },
);

test("each finished part is reported once, along with other calls", async () => {
  const environment = new TestEnvironment();
  await environment.clock.run(environment.open().upload(fileOf(640)).done);
  const reported = environment.backend.calls.flatMap(({ body }) =>
    (body?.done ?? []).map((part: { number: number }) => part.number),
  );
  expect(reported.toSorted((a: number, b: number) => a - b)).toEqual(
    Array.from({ length: 64 }, (_, index) => index + 1),
  );
  expect(environment.backend.count("POST", "/parts/")).toBe(0);
});

test("on a slow connection, where few URLs are requested, checkpoints are calls of their own", async () => {
  const environment = new TestEnvironment();
  environment.store.speed = 1;
  const upload = environment.open().upload(fileOf(160));
  await environment.arrive(8);
  expect(environment.backend.only.parts_done).toBeGreaterThanOrEqual(4);
  await environment.clock.run(upload.done);
});

test("an ETag that CORS hides is left out, and the upload is completed", async () => {
  const environment = new TestEnvironment();
  environment.store.exposesEtag = false;
  await environment.clock.run(environment.open().upload(fileOf(50)).done);
  const reported = environment.backend.calls.flatMap(({ body }) => body?.done ?? []);
  expect(reported.length).toBe(5);
  expect(reported.every((part: object) => !("etag" in part))).toBe(true);
});

test("a backend that cannot be reached for two minutes only delays the upload", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open().upload(fileOf(500));
  await environment.arrive(5);
  const back = environment.clock.now() + 120_000;
  environment.clock.chance = 1;
  environment.backend.fault = () => {
    if (environment.clock.now() < back) throw new TypeError("Failed to fetch");
    return undefined;
  };
  await environment.clock.run(upload.done);
  expect(environment.store.sent).toHaveLength(50);
});

test("a lost response to create leaves one upload, not two", async () => {
  const environment = new TestEnvironment();
  const { fetch } = environment.backend;
  let lost = false;
  Object.assign(environment, {
    fetch: async (...args: Parameters<typeof fetch>) => {
      const response = await fetch(...args);
      if (args[1]?.method !== "POST" || lost) return response;
      lost = true;
      throw new TypeError("Failed to fetch");
    },
  });
  await environment.clock.run(environment.open().upload(fileOf(50)).done);
  expect(environment.backend.only.state).toBe("completed");
});

test.each([
  [401, "not_authenticated"],
  [403, "not_authenticated"],
  [403, ""],
])("a login that has ended (%i %j) is a LoginError, and is not retried", async (status, code) => {
  const environment = new TestEnvironment();
  environment.backend.fault = () => problem(status, code);
  const upload = environment.open().upload(fileOf(50));
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({
    name: "LoginError",
    status,
    hint: expect.stringContaining("Log in again"),
  });
  expect(environment.backend.calls).toHaveLength(1);
});

test("an ApiError carries the backend's text, OSS's code and the request id", async () => {
  const environment = new TestEnvironment();
  const oss = { code: "AccessDenied", request_id: "REQ-7" };
  environment.backend.fault = ({ method }) =>
    method === "POST"
      ? problem(400, "storage_refused", { oss, errors: { size: ["Too large."] } })
      : undefined;
  const upload = environment.open().upload(fileOf(50));
  await environment.reach(upload, "failed");
  expect(upload.error).toMatchObject({
    ...{ name: "ApiError", code: "storage_refused", detail: "In words.", status: 400 },
    ...{ ossCode: "AccessDenied", requestId: "REQ-7", errors: { size: ["Too large."] } },
  });
});

test("an upload aborted elsewhere is aborted here too, when OSS no longer knows it", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open().upload(fileOf(500));
  await environment.arrive(5);
  environment.backend.only.state = "aborted";
  environment.store.fault = () => ({ status: 404, code: "NoSuchUpload" });
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "aborted" });
  expect([upload.state, await environment.journal.list()]).toEqual(["aborted", []]);
});

test("an unfinished upload of the same file to another destination is not resumed", async () => {
  const environment = new TestEnvironment();
  const first = environment.open({ destination: "films" }).upload(fileOf(500));
  await environment.arrive(5);
  first.pause();
  expect((await environment.clock.run(environment.open().upload(fileOf(500)).done)).id).toBe("u2");
});

test("the journal is listed while the backend cannot be reached, and entries of ended uploads are removed", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open().upload(fileOf(500));
  await environment.arrive(20);
  upload.pause();
  await environment.clock.pass(1000);
  environment.backend.fault = () => {
    throw new TypeError("Failed to fetch");
  };
  const [entry] = await environment.clock.run(environment.open().unfinished());
  expect(entry).toMatchObject({ id: "u1", filename: "film.mp4", size: 500 });
  expect(entry?.bytesDone).toBe(environment.backend.only.bytes_done);
  environment.backend.fault = () => undefined;
  environment.backend.only.state = "aborted";
  expect(await environment.clock.run(environment.open().unfinished())).toEqual([]);
  expect(await environment.journal.list()).toEqual([]);
});

test("an unfinished upload can be discarded without its file", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open().upload(fileOf(500));
  await environment.arrive(5);
  upload.pause();
  const page = environment.open();
  const [entry] = await environment.clock.run(page.unfinished());
  if (!entry) throw new Error("nothing is listed");
  await environment.clock.run(page.discard(entry));
  expect([environment.backend.only.state, await environment.journal.list()]).toEqual(["aborted", []]);
});

test.each([
  [{ signing: "ftp" }, "signing"],
  [{ integrity: "sha256" }, "integrity"],
  [{ parallel: 0 }, "parallel"],
  [{ parallel: 7 }, "parallel"],
  [{ credentials: "all" }, "credentials"],
])("an unsupported option is refused by name: %o", (options, name) => {
  expect(() => new TestEnvironment().open(options as never)).toThrow(
    new RegExp(`${name}: .* is not supported`),
  );
});
