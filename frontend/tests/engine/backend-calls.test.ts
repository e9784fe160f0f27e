// What the engine and the backend say to each other when all is not well between them.

import { expect, test } from "vitest";
import { problem } from "../backend.ts";
import { fileOf, TestWorld } from "../world.ts";

test("unsafe calls carry the CSRF token, all calls the headers of the host", async () => {
  const world = new TestWorld();
  const page = world.open({ headers: async () => ({ Authorization: "Token t" }) });
  await world.clock.run(page.upload(fileOf(5)).done);
  expect(world.backend.calls.map(({ method, headers }) => [method, headers.get("x-csrftoken")])).toEqual([
    ["POST", "CSRF"],
    ["POST", "CSRF"],
  ]);
  expect(world.backend.calls.every(({ headers }) => headers.get("authorization") === "Token t")).toBe(true);
});

test("each finished part is told once, along with other calls", async () => {
  const world = new TestWorld();
  await world.clock.run(world.open().upload(fileOf(640)).done);
  const told = world.backend.calls.flatMap(({ body }) =>
    (body?.done ?? []).map((part: { number: number }) => part.number),
  );
  expect(told.toSorted((a: number, b: number) => a - b)).toEqual(
    Array.from({ length: 64 }, (_, index) => index + 1),
  );
  expect(world.backend.count("POST", "/parts/")).toBe(0);
});

test("on a slow line, whose URLs last long, the record is kept fresh by calls of its own", async () => {
  const world = new TestWorld();
  world.store.speed = 1;
  const upload = world.open().upload(fileOf(160));
  await world.arrive(8);
  expect(world.backend.only.parts_done).toBeGreaterThanOrEqual(4);
  await world.clock.run(upload.done);
});

test("an ETag that CORS hides is left out, and nothing is wrong", async () => {
  const world = new TestWorld();
  world.store.exposesEtag = false;
  await world.clock.run(world.open().upload(fileOf(50)).done);
  const told = world.backend.calls.flatMap(({ body }) => body?.done ?? []);
  expect(told.length).toBe(5);
  expect(told.every((part: object) => !("etag" in part))).toBe(true);
});

test("a backend that is away for two minutes delays the upload and no more", async () => {
  const world = new TestWorld();
  const upload = world.open().upload(fileOf(500));
  await world.arrive(5);
  const back = world.clock.now() + 120_000;
  world.clock.chance = 1;
  world.backend.fault = () => {
    if (world.clock.now() < back) throw new TypeError("Failed to fetch");
    return undefined;
  };
  await world.clock.run(upload.done);
  expect(world.store.sent).toHaveLength(50);
});

test("a lost answer to create leaves one upload, not two", async () => {
  const world = new TestWorld();
  const { fetch } = world.backend;
  let lost = false;
  Object.assign(world, {
    fetch: async (...args: Parameters<typeof fetch>) => {
      const response = await fetch(...args);
      if (args[1]?.method !== "POST" || lost) return response;
      lost = true;
      throw new TypeError("Failed to fetch");
    },
  });
  await world.clock.run(world.open().upload(fileOf(50)).done);
  expect(world.backend.only.state).toBe("completed");
});

test.each([
  [401, "not_authenticated"],
  [403, "not_authenticated"],
  [403, ""],
])("a login that has ended (%i %j) is told as such, and is not asked again", async (status, code) => {
  const world = new TestWorld();
  world.backend.fault = () => problem(status, code);
  const upload = world.open().upload(fileOf(50));
  await world.reach(upload, "failed");
  expect(upload.error).toMatchObject({
    name: "LoginError",
    status,
    hint: expect.stringContaining("Log in again"),
  });
  expect(world.backend.calls).toHaveLength(1);
});

test("a refusal arrives word for word, with OSS's code and request id", async () => {
  const world = new TestWorld();
  const oss = { code: "AccessDenied", request_id: "REQ-7" };
  world.backend.fault = ({ method }) =>
    method === "POST"
      ? problem(400, "storage_refused", { oss, errors: { size: ["Too large."] } })
      : undefined;
  const upload = world.open().upload(fileOf(50));
  await world.reach(upload, "failed");
  expect(upload.error).toMatchObject({
    ...{ name: "ApiError", code: "storage_refused", detail: "In words.", status: 400 },
    ...{ ossCode: "AccessDenied", requestId: "REQ-7", errors: { size: ["Too large."] } },
  });
});

test("an upload aborted elsewhere ends here too, when the storage no longer knows it", async () => {
  const world = new TestWorld();
  const upload = world.open().upload(fileOf(500));
  await world.arrive(5);
  world.backend.only.state = "aborted";
  world.store.fault = () => ({ status: 404, code: "NoSuchUpload" });
  await expect(world.clock.run(upload.done)).rejects.toMatchObject({ code: "aborted" });
  expect([upload.state, await world.journal.list()]).toEqual(["aborted", []]);
});

test("another client's upload of the same fingerprint but another destination is left alone", async () => {
  const world = new TestWorld();
  const first = world.open({ destination: "films" }).upload(fileOf(500));
  await world.arrive(5);
  first.pause();
  expect((await world.clock.run(world.open().upload(fileOf(500)).done)).id).toBe("u2");
});

test("without the backend, what this browser remembers is listed; with it, what is over is forgotten", async () => {
  const world = new TestWorld();
  const upload = world.open().upload(fileOf(500));
  await world.arrive(20);
  upload.pause();
  await world.clock.pass(1000);
  world.backend.fault = () => {
    throw new TypeError("Failed to fetch");
  };
  const [entry] = await world.clock.run(world.open().unfinished());
  expect(entry).toMatchObject({ id: "u1", filename: "film.mp4", size: 500 });
  expect(entry?.bytesDone).toBe(world.backend.only.bytes_done);
  world.backend.fault = () => undefined;
  world.backend.only.state = "aborted";
  expect(await world.clock.run(world.open().unfinished())).toEqual([]);
  expect(await world.journal.list()).toEqual([]);
});

test("an unfinished upload can be discarded without its file", async () => {
  const world = new TestWorld();
  const upload = world.open().upload(fileOf(500));
  await world.arrive(5);
  upload.pause();
  const page = world.open();
  const [entry] = await world.clock.run(page.unfinished());
  if (!entry) throw new Error("nothing is listed");
  await world.clock.run(page.discard(entry));
  expect([world.backend.only.state, await world.journal.list()]).toEqual(["aborted", []]);
});

test.each([
  [{ signing: "ftp" }, "signing"],
  [{ integrity: "sha256" }, "integrity"],
  [{ parallel: 0 }, "parallel"],
  [{ parallel: 7 }, "parallel"],
])("what this release cannot do is refused by name: %o", (options, name) => {
  expect(() => new TestWorld().open(options as never)).toThrow(new RegExp(`${name}: .* is not supported`));
});
