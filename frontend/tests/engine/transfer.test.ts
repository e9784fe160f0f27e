// Whole uploads, against an OSS that checks every URL, header and byte.

import { describe, expect, test } from "vitest";
import type { StorageError } from "../../src/engine/errors.ts";
import { sha256 } from "../../src/hashing/sha256.ts";
import { json } from "../backend.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

describe("a whole upload", () => {
  test.each([
    [11, 2],
    [100, 10],
    [995, 100],
  ])("%i bytes arrive unchanged, each part once, at most six at a time", async (size, count) => {
    const environment = new TestEnvironment();
    const file = fileOf(size);
    const result = await environment.clock.run(environment.open().upload(file).done);
    expect(result).toMatchObject({ state: "completed", method: "multipart", etag: "WHOLE" });
    expect(await environment.backend.object(environment.backend.only)).toBe(await file.text());
    expectEachOnce(environment, count);
    expect(environment.store.mostInFlight).toBeLessThanOrEqual(Math.min(6, count));
    expect(await environment.journal.list()).toEqual([]);
  });

  test.each([0, 1, 10])(
    "%i bytes are one request, with exactly the fields that were signed",
    async (size) => {
      const environment = new TestEnvironment();
      const file = fileOf(size);
      const upload = environment.open().upload(file);
      expect(await environment.clock.run(upload.done)).toMatchObject({
        state: "completed",
        method: "post",
        size,
      });
      expect(environment.store.sent).toHaveLength(1);
      expect(environment.backend.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
        "POST uploads/",
        "POST uploads/u1/complete/",
      ]);
      expect(upload.progress).toMatchObject({ loaded: size, total: size, ratio: 1 });
    },
  );

  test("progress only rises without failures, and ends at the total", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(2000));
    const seen: number[] = [];
    upload.addEventListener("progress", ({ loaded, total, eta }) => {
      expect(loaded).toBeLessThanOrEqual(total);
      expect(eta ?? 0).toBeGreaterThanOrEqual(0);
      seen.push(loaded);
    });
    await environment.clock.run(upload.done);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(2000);
  });

  test("a page that cannot hash creates uploads without a fingerprint", async () => {
    const environment = new TestEnvironment();
    const uploader = environment.open();
    await sha256(new Uint8Array(1)); // To load and compile it takes time of which the clock of the test knows nothing.
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    // Not compile(), whose result hash-wasm keeps, also for the other tests of this process.
    const instantiate = WebAssembly.instantiate;
    WebAssembly.instantiate = (): Promise<never> =>
      Promise.reject(new Error("forbidden by the page's policy"));
    try {
      for (const name of ["first.bin", "second.bin"])
        expect(await environment.clock.run(uploader.upload(fileOf(30, name)).done)).toMatchObject({
          state: "completed",
        });
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
      WebAssembly.instantiate = instantiate;
    }
    const rows = [...environment.backend.rows.values()];
    expect(rows.map(({ fingerprint }) => fingerprint)).toEqual(["", ""]);
  });
});

describe("signed URLs", () => {
  test.each([
    [1000, "fast"],
    [40, "of a few seconds a part"],
  ])(
    "640 parts at %i B/s (%s) cost at most 22 calls to the backend, one sign call at a time",
    async (speed) => {
      const environment = new TestEnvironment();
      environment.store.speed = speed;
      environment.backend.partSize = 16;
      await environment.clock.run(environment.open().upload(fileOf(640 * 16)).done);
      expectEachOnce(environment, 640);
      expect(environment.backend.calls.length).toBeLessThanOrEqual(22);
      expect(environment.backend.mostSigning).toBe(1);
    },
  );

  test("no part starts on a URL that may expire before it arrives", async () => {
    const environment = new TestEnvironment();
    environment.backend.life = 60_000;
    environment.store.speed = 1 / 2; // 20 s a part: two of three URLs of the first batch grow old
    await environment.clock.run(environment.open().upload(fileOf(300)).done);
    const outcomes = new Set(environment.store.sent.map(({ outcome }) => outcome));
    expect([...outcomes].filter((outcome) => outcome !== "aborted")).toEqual(["done"]); // Slow lines put parts back.
    expectEachOnce(environment, 30);
  });

  test("after hours of pause new URLs are requested", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(300));
    await environment.arrive(3);
    upload.pause();
    await environment.clock.pass(5 * 3_600_000);
    upload.resume();
    await environment.clock.run(upload.done);
    expect(environment.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
  });

  test("a refused URL is replaced, and the part sent on the new one", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number, tries) =>
      number === 2 && tries < 4 ? { status: 403, code: "AccessDenied" } : undefined;
    await environment.clock.run(environment.open().upload(fileOf(50)).done);
    expect(environment.store.tries(2)).toBe(4);
    const signed = environment.backend.calls.filter(({ path }) => path.endsWith("parts/sign/"));
    const told = signed.map(({ body }) => (body as { refused?: boolean }).refused);
    expect(told, "the server learns that its credentials may be invalid").toEqual([true, true, true]);
    expectEachOnce(environment, 5);
  });

  test("five refusals of fresh URLs fail the upload, with OSS's code and request id", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number) => (number === 2 ? { status: 403, code: "AccessDenied" } : undefined);
    const upload = environment.open().upload(fileOf(50));
    await environment.reach(upload, "failed");
    expect(environment.store.tries(2)).toBe(5);
    const { code, requestId, status, detail } = upload.error as StorageError;
    expect({ code, requestId, status, detail }).toEqual({
      ...{ code: "AccessDenied", requestId: "REQ-1", status: 403, detail: "No & never." },
    });
    await expect(upload.done).rejects.toBe(upload.error);
  });
});

describe("nothing is sent twice", () => {
  test("pause aborts every request and sends a checkpoint, and resume continues", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(20);
    upload.pause();
    const sent = environment.store.sent.length;
    await environment.clock.pass(60_000);
    expect([environment.store.inFlight, environment.store.sent.length]).toEqual([0, sent]);
    expect(environment.backend.only.parts_done).toBe(environment.store.accepted.length);
    upload.resume();
    await environment.clock.run(upload.done);
    expectEachOnce(environment, 50);
    expect(await environment.backend.object(environment.backend.only)).toBe(await fileOf(500).text());
  });

  test("after a reload the same file is resumed; at most the parts in flight are sent again", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(500));
    await environment.arrive(20);
    // The page is closed: none of its code runs any more, and no call reaches the backend.
    environment.backend.fault = () => json(503, {});
    first.pause();
    await environment.clock.pass(1);
    environment.backend.fault = () => undefined;
    const result = await environment.clock.run(environment.open().upload(fileOf(500)).done);
    expect(result.id).toBe("u1");
    expectEachOnce(environment, 50);
    expect(environment.store.sent.length).toBeLessThanOrEqual(50 + 4);
  });

  test("an upload reloaded while it was being completed is completed, not created again", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(100));
    await environment.arrive(10);
    await environment.clock.until(() => environment.backend.count("POST", "complete/") === 1);
    // The page is closed before the response, and the backend stops before it has recorded the end.
    first.addEventListener("statechange", () => {
      environment.backend.only.state = "completing";
    });
    await environment.clock.run(first.done);
    expect(environment.backend.only.state).toBe("completing");
    const result = await environment.clock.run(environment.open().upload(fileOf(100)).done);
    expect(result).toMatchObject({ id: "u1", state: "completed" });
    expectEachOnce(environment, 10);
  });

  test("an upload that has been completed meanwhile is not sent again", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    first.pause();
    await environment.clock.pass(1000);
    environment.backend.fault = ({ path, method }) => {
      if (method === "GET" && path.endsWith("parts/")) environment.backend.only.state = "completed";
      return undefined;
    };
    const sent = environment.store.sent.length;
    const again = environment.open().upload(fileOf(500));
    expect(await environment.clock.run(again.done)).toMatchObject({ id: "u1", state: "completed" });
    expect(environment.store.sent.length).toBe(sent);
    first.resume();
    expect(await environment.clock.run(first.done)).toMatchObject({ id: "u1", state: "completed" });
  });

  test("a failed upload that was completed elsewhere is completed when it is resumed", async () => {
    const environment = new TestEnvironment();
    environment.store.fault = (number) =>
      number === 20 ? { status: 400, code: "InvalidArgument" } : undefined;
    const upload = environment.open().upload(fileOf(500));
    await environment.reach(upload, "failed");
    environment.backend.only.state = "completed";
    upload.resume();
    expect(await environment.clock.run(upload.done)).toMatchObject({ id: "u1", state: "completed" });
  });

  test("another file with the same name and size is a new upload", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    first.pause();
    const other = fileOf(500, "film.mp4", "another");
    expect((await environment.clock.run(environment.open().upload(other).done)).id).toBe("u2");
    expect(await environment.backend.object(environment.backend.rows.get("u2") as never)).toBe(
      await other.text(),
    );
  });

  test.each([
    ["other content", fileOf(500, "film.mp4", "another")],
    ["another size", fileOf(501)],
    ["another name", fileOf(500, "other.mp4")],
  ])("resume refuses a file of %s, and takes the right one", async (_, wrong) => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    first.pause();
    await environment.clock.pass(1000);
    const page = environment.open();
    const [entry] = await environment.clock.run(page.unfinished());
    if (!entry) throw new Error("nothing is listed");
    await expect(environment.clock.run(page.resume(entry, wrong))).rejects.toMatchObject({
      code: "other_file",
    });
    const again = await environment.clock.run(page.resume(entry, fileOf(500)));
    await environment.clock.run(again.done);
    expectEachOnce(environment, 50);
  });

  test("held parts of the wrong size are sent again, the others are not", async () => {
    const environment = new TestEnvironment();
    const first = environment.open().upload(fileOf(100));
    await environment.arrive(4);
    first.pause();
    await environment.clock.pass(1000);
    const held = environment.store.hold("files/u1");
    const sound = [...held.keys()].filter((number) => number !== 2);
    held.set(2, new Blob(["short"]));
    await environment.clock.run(environment.open().upload(fileOf(100)).done);
    expect(environment.store.accepted.filter((number) => number === 2)).toHaveLength(2);
    for (const number of sound)
      expect(environment.store.accepted.filter((n) => n === number)).toHaveLength(1);
    expect(await environment.backend.object(environment.backend.only)).toBe(await fileOf(100).text());
  });
});

test("the number of files at once is limited, and a paused file frees its place", async () => {
  const environment = new TestEnvironment();
  const page = environment.open();
  const uploads = ["a", "b", "c"].map((name) => page.upload(fileOf(500, name, name)));
  const [a, , c] = uploads;
  await environment.arrive(5);
  expect(c?.state).toBe("queued");
  a?.pause();
  await environment.clock.until(() => c?.state === "uploading");
  a?.resume();
  expect(a?.state).toBe("queued");
  await environment.clock.run(Promise.all(uploads.map(({ done }) => done)));
});
