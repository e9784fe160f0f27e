// The promises of the engine, against a storage that checks every URL, header and byte.

import { describe, expect, test } from "vitest";
import type { StorageError } from "../src/errors.ts";
import { json } from "./backend.ts";
import { refusal } from "./store.ts";
import { fileOf, TestWorld } from "./world.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** No part that the storage took was ever taken twice. */
function expectEachOnce(world: TestWorld, count: number) {
  expect(world.store.accepted.toSorted((a, b) => a - b)).toEqual(numbers(count));
}

describe("a whole journey", () => {
  test.each([
    [11, 2],
    [100, 10],
    [995, 100],
  ])("%i bytes arrive as they were, each part once, four at a time at most", async (size, count) => {
    const world = new TestWorld();
    const file = fileOf(size);
    const result = await world.clock.run(world.open().upload(file).done);
    expect(result).toMatchObject({ state: "completed", method: "multipart", etag: "WHOLE" });
    expect(await world.backend.object(world.backend.only)).toBe(await file.text());
    expectEachOnce(world, count);
    expect(world.store.mostInFlight).toBe(Math.min(4, count));
    expect(world.journal.list()).toEqual([]);
  });

  test.each([0, 1, 10])(
    "%i bytes are one request, with exactly the headers that were signed",
    async (size) => {
      const world = new TestWorld();
      const file = fileOf(size);
      const upload = world.open().upload(file);
      expect(await world.clock.run(upload.done)).toMatchObject({ state: "completed", method: "put", size });
      expect(world.store.sent).toHaveLength(1);
      expect(world.backend.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
        "GET uploads/",
        "POST uploads/",
        "POST uploads/u1/complete/",
      ]);
      expect(upload.progress).toMatchObject({ loaded: size, total: size, ratio: 1 });
    },
  );

  test("progress only rises on a good line, and ends at the total", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(2000));
    const seen: number[] = [];
    upload.addEventListener("progress", ({ loaded, total, eta }) => {
      expect(loaded).toBeLessThanOrEqual(total);
      expect(eta ?? 0).toBeGreaterThanOrEqual(0);
      seen.push(loaded);
    });
    await world.clock.run(upload.done);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(2000);
  });

  test("an upload whose page cannot hash is begun without a fingerprint", async () => {
    const world = new TestWorld();
    const file = fileOf(30);
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    const compile = WebAssembly.compile;
    WebAssembly.compile = () => Promise.reject(new Error("forbidden by the page's policy"));
    try {
      expect(await world.clock.run(world.open().upload(file).done)).toMatchObject({ state: "completed" });
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
      WebAssembly.compile = compile;
    }
  });
});

describe("signed URLs", () => {
  test.each([
    [1000, "fast"],
    [40, "of a few seconds a part"],
  ])(
    "640 parts at %i B/s (%s) cost 22 calls to the backend at most, one for URLs at a time",
    async (speed) => {
      const world = new TestWorld();
      world.store.speed = speed;
      world.backend.partSize = 16;
      await world.clock.run(world.open().upload(fileOf(640 * 16)).done);
      expectEachOnce(world, 640);
      expect(world.backend.calls.length).toBeLessThanOrEqual(22);
      expect(world.backend.mostSigning).toBe(1);
    },
  );

  test("no part is started on a URL that ends before the part may", async () => {
    const world = new TestWorld();
    world.backend.life = 60_000;
    world.store.speed = 1 / 2; // 20 s a part: two of three URLs of the first batch grow old
    await world.clock.run(world.open().upload(fileOf(300)).done);
    expect(world.store.sent.filter(({ outcome }) => outcome !== "done")).toEqual([]);
    expectEachOnce(world, 30);
  });

  test("after hours of pause the URLs are asked for anew", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(300));
    await world.arrive(3);
    upload.pause();
    await world.clock.pass(5 * 3_600_000);
    upload.resume();
    await world.clock.run(upload.done);
    expect(world.store.sent.filter(({ outcome }) => outcome === "AccessDenied")).toEqual([]);
  });

  test("a refused URL is replaced, and the part sent on the new one", async () => {
    const world = new TestWorld();
    world.store.fault = (number, tries) =>
      number === 2 && tries < 4 ? { status: 403, code: "AccessDenied" } : undefined;
    await world.clock.run(world.open().upload(fileOf(50)).done);
    expect(world.store.tries(2)).toBe(4);
    expect(world.backend.count("POST", "parts/sign/")).toBe(3);
    expectEachOnce(world, 5);
  });

  test("fresh URLs refused five times are given up, with the storage's code and request id", async () => {
    const world = new TestWorld();
    world.store.fault = (number) => (number === 2 ? { status: 403, code: "AccessDenied" } : undefined);
    const upload = world.open().upload(fileOf(50));
    await world.reach(upload, "failed");
    expect(world.store.tries(2)).toBe(5);
    const { code, requestId, status, detail } = upload.error as StorageError;
    expect({ code, requestId, status, detail }).toEqual({
      ...{ code: "AccessDenied", requestId: "REQ-1", status: 403, detail: "No & never." },
    });
    await expect(upload.done).rejects.toBe(upload.error);
  });
});

describe("nothing is sent twice", () => {
  test("pausing stops every request at once, tells the backend, and resuming goes on", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(500));
    await world.arrive(20);
    upload.pause();
    const sent = world.store.sent.length;
    await world.clock.pass(60_000);
    expect([world.store.inFlight, world.store.sent.length]).toEqual([0, sent]);
    expect(world.backend.only.parts_done).toBe(world.store.accepted.length);
    upload.resume();
    await world.clock.run(upload.done);
    expectEachOnce(world, 50);
    expect(await world.backend.object(world.backend.only)).toBe(await fileOf(500).text());
  });

  test("after a reload the same file goes on; at most the parts in flight are sent again", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(500));
    await world.arrive(20);
    // The page is gone: nothing of it runs any more, nor does it say goodbye.
    world.backend.fault = () => json(503, {});
    first.pause();
    await world.clock.pass(1);
    world.backend.fault = () => undefined;
    const result = await world.clock.run(world.open().upload(fileOf(500)).done);
    expect(result.id).toBe("u1");
    expectEachOnce(world, 50);
    expect(world.store.sent.length).toBeLessThanOrEqual(50 + 4);
  });

  test("after a reload while it was being put together, it is finished and not begun again", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(100));
    await world.arrive(10);
    await world.clock.until(() => world.backend.count("POST", "complete/") === 1);
    // The page is gone before the answer, and so is the backend before it has written the end down.
    first.addEventListener("statechange", () => {
      world.backend.only.state = "completing";
    });
    await world.clock.run(first.done);
    expect(world.backend.only.state).toBe("completing");
    const result = await world.clock.run(world.open().upload(fileOf(100)).done);
    expect(result).toMatchObject({ id: "u1", state: "completed" });
    expectEachOnce(world, 10);
  });

  test("an upload that turns out to be finished is not sent again", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(500));
    await world.arrive(5);
    first.pause();
    await world.clock.pass(1000);
    world.backend.fault = ({ path, method }) => {
      if (method === "GET" && path.endsWith("parts/")) world.backend.only.state = "completed";
      return undefined;
    };
    const sent = world.store.sent.length;
    const again = world.open().upload(fileOf(500));
    expect(await world.clock.run(again.done)).toMatchObject({ id: "u1", state: "completed" });
    expect(world.store.sent.length).toBe(sent);
    first.resume();
    expect(await world.clock.run(first.done)).toMatchObject({ id: "u1", state: "completed" });
  });

  test("a failed upload that ended elsewhere is seen to be completed when it is resumed", async () => {
    const world = new TestWorld();
    world.store.fault = (number) => (number === 20 ? { status: 400, code: "InvalidArgument" } : undefined);
    const upload = world.open().upload(fileOf(500));
    await world.reach(upload, "failed");
    world.backend.only.state = "completed";
    upload.resume();
    expect(await world.clock.run(upload.done)).toMatchObject({ id: "u1", state: "completed" });
  });

  test("another file with the same name and size is begun as its own", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(500));
    await world.arrive(5);
    first.pause();
    const other = fileOf(500, "film.mp4", "another");
    expect((await world.clock.run(world.open().upload(other).done)).id).toBe("u2");
    expect(await world.backend.object(world.backend.rows.get("u2") as never)).toBe(await other.text());
  });

  test.each([
    ["other content", fileOf(500, "film.mp4", "another")],
    ["another size", fileOf(501)],
    ["another name", fileOf(500, "other.mp4")],
  ])("an unfinished upload refuses a file of %s, and takes the right one", async (_, wrong) => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(500));
    await world.arrive(5);
    first.pause();
    await world.clock.pass(1000);
    const page = world.open();
    const [entry] = await world.clock.run(page.unfinished());
    if (!entry) throw new Error("nothing is listed");
    await expect(world.clock.run(page.resume(entry, wrong))).rejects.toMatchObject({ code: "other_file" });
    const again = await world.clock.run(page.resume(entry, fileOf(500)));
    await world.clock.run(again.done);
    expectEachOnce(world, 50);
  });

  test("parts of the wrong size at the storage are sent again, the others are not", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(100));
    await world.arrive(4);
    first.pause();
    await world.clock.pass(1000);
    const held = world.store.hold("files/u1");
    const sound = [...held.keys()].filter((number) => number !== 2);
    held.set(2, new Blob(["short"]));
    await world.clock.run(world.open().upload(fileOf(100)).done);
    expect(world.store.accepted.filter((number) => number === 2)).toHaveLength(2);
    for (const number of sound) expect(world.store.accepted.filter((n) => n === number)).toHaveLength(1);
    expect(await world.backend.object(world.backend.only)).toBe(await fileOf(100).text());
  });
});

describe("trouble on the line", () => {
  test("a stalled part is taken back after 30 quiet seconds and sent again", async () => {
    const world = new TestWorld();
    world.store.fault = (number, tries) => (number === 3 && tries === 1 ? "stall" : undefined);
    const begun = world.clock.now();
    await world.clock.run(world.open().upload(fileOf(50)).done);
    expect(world.store.tries(3)).toBe(2);
    expect(world.clock.now() - begun).toBeGreaterThanOrEqual(30_000);
    expect(world.clock.now() - begun).toBeLessThan(40_000);
    expectEachOnce(world, 5);
  });

  test("slow is not stalled", async () => {
    const world = new TestWorld();
    world.store.speed = 1 / 4; // 40 s a part, with a sign of life halfway
    await world.clock.run(world.open().upload(fileOf(40)).done);
    expect(world.store.sent).toHaveLength(4);
  });

  test("a part whose answer is lost is sent again and counted once", async () => {
    const world = new TestWorld();
    world.store.fault = (number, tries) => (number === 3 && tries === 1 ? "lost" : undefined);
    const upload = world.open().upload(fileOf(50));
    let most = 0;
    upload.addEventListener("progress", ({ loaded }) => {
      most = Math.max(most, loaded);
    });
    await world.clock.run(upload.done);
    expect(world.store.tries(3)).toBe(2);
    expect(most).toBe(50);
  });

  test("offline for an hour: nothing is tried until the browser is online, then all goes on", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(500));
    await world.arrive(10);
    world.connection.online = false;
    world.store.fault = () => "silent";
    await world.clock.pass(10_000);
    const sent = world.store.sent.length;
    await world.clock.pass(3_600_000);
    expect(world.store.sent.length).toBe(sent);
    expect([upload.state, upload.notice]).toEqual(["uploading", "Waiting for the network."]);
    world.store.fault = () => undefined;
    world.connection.comeBack();
    await world.clock.run(upload.done);
    expectEachOnce(world, 50);
  });

  test.each([10, 500])(
    "a bucket that does not allow the page is told at once and in words (%i bytes)",
    async (size) => {
      const world = new TestWorld();
      world.store.fault = () => "silent";
      const upload = world.open().upload(fileOf(size));
      await world.reach(upload, "failed");
      expect(upload.error).toMatchObject({
        code: "cors_not_allowed",
        hint: "An administrator can mend it with: manage.py configure_bucket --origin https://page.test",
      });
      expect(world.store.sent.length).toBeLessThanOrEqual(6);
      expect(world.clock.now()).toBeLessThan(15_000);
    },
  );

  test("a storage that nobody reaches is tried for hours, by one lane at a time", async () => {
    const world = new TestWorld();
    world.connection.reachable = false;
    world.store.fault = () => "silent";
    const upload = world.open().upload(fileOf(500));
    await world.reach(upload, "uploading");
    await world.clock.pass(2 * 3_600_000);
    expect(upload.state).toBe("uploading");
    expect(world.store.sent.length).toBeLessThan(600);
    world.connection.reachable = true;
    world.store.fault = () => undefined;
    await world.clock.run(upload.done);
    expectEachOnce(world, 50);
  });

  test("a line that answered before is never taken for a CORS refusal", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(500));
    await world.arrive(5);
    world.store.fault = () => "silent";
    await world.clock.pass(600_000);
    expect(upload.state).toBe("uploading");
    world.store.fault = () => undefined;
    await world.clock.run(upload.done);
  });

  test.each([
    ["InternalError", 500],
    ["ServiceUnavailable", 503],
    ["RequestTimeout", 400],
    ["IncompleteBody", 400],
    ["TooManyRequests", 429],
  ])("%s (%i) is tried again, no sooner than Retry-After asks", async (code, status) => {
    const world = new TestWorld();
    const fault = { status, code, headers: { "Retry-After": "7" } };
    world.store.fault = (number, tries) => (number === 1 && tries < 3 ? fault : undefined);
    await world.clock.run(world.open().upload(fileOf(30)).done);
    const at = world.store.sent.filter(({ number }) => number === 1).map((sent) => sent.at);
    expect(at).toHaveLength(3);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(7000);
  });

  test("any other refusal ends it, keeps what was sent, and resume takes it up again", async () => {
    const world = new TestWorld();
    world.store.fault = (number) => (number === 20 ? { status: 400, code: "InvalidArgument" } : undefined);
    const upload = world.open().upload(fileOf(500));
    await world.reach(upload, "failed");
    await expect(upload.done).rejects.toMatchObject({ code: "InvalidArgument", requestId: "REQ-1" });
    expect(world.store.tries(20)).toBe(1);
    expect(world.store.inFlight).toBe(0);
    world.store.fault = () => undefined;
    upload.resume();
    expect(upload.error).toBeNull();
    await world.clock.run(upload.done);
    expectEachOnce(world, 50);
  });
});

describe("the end", () => {
  test("parts that the storage lacks are sent, and only those", async () => {
    const world = new TestWorld();
    let lost = false;
    world.backend.fault = ({ path }) => {
      if (path.endsWith("complete/") && !lost) {
        lost = true;
        world.store.hold("files/u1").delete(2);
        world.store.hold("files/u1").delete(5);
      }
      return undefined;
    };
    await world.clock.run(world.open().upload(fileOf(100)).done);
    expect(world.store.accepted.slice(10).toSorted()).toEqual([2, 5]);
    expect(world.backend.count("POST", "complete/")).toBe(2);
  });

  test("a storage that loses parts for ever is not fed for ever", async () => {
    const world = new TestWorld();
    world.backend.fault = ({ path }) => {
      if (path.endsWith("complete/")) world.store.hold("files/u1").delete(2);
      return undefined;
    };
    const upload = world.open().upload(fileOf(100));
    await world.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "parts_missing", status: 409 });
    expect(world.store.tries(2)).toBe(5);
  });

  test("202 asks again when Retry-After says", async () => {
    const world = new TestWorld();
    const asked: number[] = [];
    world.backend.fault = ({ path }) => {
      if (!path.endsWith("complete/")) return undefined;
      asked.push(world.clock.now());
      return asked.length < 3 ? json(202, world.backend.only, { "Retry-After": "9" }) : undefined;
    };
    await world.clock.run(world.open().upload(fileOf(50)).done);
    expect(asked).toHaveLength(3);
    expect((asked[2] ?? 0) - (asked[1] ?? 0)).toBeGreaterThanOrEqual(9000);
    expect(world.store.sent).toHaveLength(5);
  });

  test("cancelling stops the requests, deletes at the backend and forgets", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(500));
    await world.arrive(5);
    await world.clock.run(upload.abort());
    await expect(upload.done).rejects.toMatchObject({ code: "aborted" });
    expect([upload.state, world.backend.only.state, world.store.inFlight]).toEqual(["aborted", "aborted", 0]);
    expect(world.backend.count("DELETE", "uploads/u1/")).toBe(1);
    expect(world.journal.list()).toEqual([]);
  });

  test("cancelled while it is being begun, the upload that begins is deleted too", async () => {
    const world = new TestWorld();
    const upload = world.open().upload(fileOf(500));
    await world.clock.until(() => world.backend.count("POST", "uploads/") === 1);
    await world.clock.run(upload.abort());
    expect(world.backend.only.state).toBe("aborted");
    expect(world.store.sent).toEqual([]);
  });

  test("a file that was changed on disk is told in words, and is not tried again", async () => {
    const world = new TestWorld();
    const file = fileOf(500);
    const upload = world.open().upload(file);
    await world.arrive(5);
    Object.defineProperty(file, "lastModified", { value: 2 });
    await world.reach(upload, "failed");
    expect(upload.error).toMatchObject({ name: "FileError", code: "file_changed" });
    expect(upload.error?.detail).toContain("“film.mp4”");
  });

  test("a file that can no longer be read is told so, although the browser only says there was no answer", async () => {
    const world = new TestWorld();
    const file = fileOf(500);
    const slice = file.slice.bind(file);
    const upload = world.open().upload(file);
    await world.arrive(5);
    file.slice = (...range) => {
      const blob = slice(...range);
      blob.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));
      return blob;
    };
    world.store.fault = () => "silent";
    await world.reach(upload, "failed");
    expect(upload.error).toMatchObject({ code: "file_changed" });
  });
});

test("only so many files are under way at once; a paused one gives up its place", async () => {
  const world = new TestWorld();
  const page = world.open();
  const uploads = ["a", "b", "c"].map((name) => page.upload(fileOf(500, name, name)));
  const [a, , c] = uploads;
  await world.arrive(5);
  expect(c?.state).toBe("queued");
  a?.pause();
  await world.clock.until(() => c?.state === "uploading");
  a?.resume();
  expect(a?.state).toBe("queued");
  await world.clock.run(Promise.all(uploads.map(({ done }) => done)));
  expect(refusal({ status: 400, code: "X" }).body).toContain("<Code>X</Code>");
});
