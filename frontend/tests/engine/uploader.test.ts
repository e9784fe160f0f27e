// An uploader as a whole: its uploads, what it does to all of them, the events, and checkpoints.

import { describe, expect, test } from "vitest";
import type { Unfinished } from "../../src/engine/uploader.ts";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

describe("an uploader", () => {
  test("pauses, resumes, aborts and forgets all its uploads", async () => {
    const environment = new TestEnvironment();
    const page = environment.open();
    const uploads = [500, 2500, 2600].map((size) => page.upload(fileOf(size)));
    expect(page.uploads).toEqual(uploads);
    await environment.arrive(4);
    page.pauseAll();
    const states = () => page.uploads.map(({ state }) => state);
    expect(states()).toEqual(["paused", "paused", "paused"]);
    page.resumeAll();
    await environment.clock.run(uploads[0]?.done ?? Promise.reject());
    page.clear();
    expect(page.uploads).toEqual(uploads.slice(1));
    await environment.clock.run(page.abortAll());
    expect(states()).toEqual(["aborted", "aborted"]);
    expect([...environment.backend.rows.values()].map(({ state }) => state)).not.toContain("uploading");
    page.pauseAll();
    page.resumeAll();
    await page.abortAll();
    page.clear();
    expect(page.uploads).toEqual([]);
  });

  test("dispatches the events of its uploads after them, and says which upload", async () => {
    const environment = new TestEnvironment();
    const page = environment.open();
    const seen: string[] = [];
    page.addEventListener("accepted", ({ upload }) => {
      seen.push(`accepted ${upload.filename}`);
      upload.addEventListener("statechange", ({ state }) => seen.push(`upload ${state}`));
    });
    page.addEventListener("statechange", ({ upload, state }) =>
      seen.push(`page ${upload.filename} ${state}`),
    );
    await environment.clock.run(page.upload(fileOf(5, "a.bin")).done);
    expect(seen).toEqual([
      "accepted a.bin",
      ...["preparing", "uploading", "completing", "completed"].flatMap((state) => [
        `upload ${state}`,
        `page a.bin ${state}`,
      ]),
    ]);
  });
});

test("a part's event has what OSS said, and how often it was sent", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number, tries) =>
    number === 2 && tries === 1 ? { status: 503, code: "Busy" } : undefined;
  const upload = environment.open().upload(fileOf(25));
  const parts: unknown[] = [];
  upload.addEventListener("part", ({ number, size, etag, crc64, requestId, tries }) => {
    parts.push({
      number,
      size,
      etag,
      crc64: crc64 === environment.store.crc64s.get(`files/u1 ${number}`),
      requestId,
      tries,
    });
  });
  await environment.clock.run(upload.done);
  const known = { crc64: true, requestId: "REQ-OK" };
  expect(parts).toHaveLength(3);
  expect(parts).toEqual(
    expect.arrayContaining([
      { number: 1, size: 10, etag: '"E10"', tries: 1, ...known },
      { number: 2, size: 10, etag: '"E10"', tries: 2, ...known },
      { number: 3, size: 5, etag: '"E5"', tries: 1, ...known },
    ]),
  );
});

describe("a checkpoint", () => {
  test("is JSON that another page of the user resumes from, whatever its destination", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open({ destination: "films" }).upload(fileOf(500));
    expect(upload.checkpoint()).toBe(null);
    let kept = "";
    upload.addEventListener("checkpoint", ({ checkpoint }) => {
      kept = JSON.stringify(checkpoint);
    });
    await environment.arrive(7);
    upload.pause();
    await environment.clock.pass(1000);
    const checkpoint: Unfinished & { doneParts: unknown[] } = JSON.parse(kept);
    expect(checkpoint).toMatchObject({
      ...{ id: "u1", destination: "films", filename: "film.mp4", size: 500 },
      ...{ bucket: "bucket", key: "files/u1", uploadId: "Mu1", partSize: 10 },
    });
    expect(checkpoint.doneParts).toHaveLength(7);
    expect(checkpoint.doneParts[0]).toMatchObject({ number: 1, size: 10, etag: '"E10"' });
    const resumed = await environment.clock.run(environment.open().resume(checkpoint, fileOf(500)));
    expect((await environment.clock.run(resumed.done)).destination).toBe("films");
    expectEachOnce(environment, 50);
    expect(upload.checkpoint()?.doneParts).toHaveLength(7);
    expect(resumed.checkpoint()).toBe(null);
  });

  test("of a stream there is none", async () => {
    const environment = new TestEnvironment();
    const upload = environment.open().uploadStream(new Blob(["x".repeat(35)]).stream());
    const seen: unknown[] = [];
    upload.addEventListener("checkpoint", ({ checkpoint }) => seen.push(checkpoint));
    await environment.clock.run(upload.done);
    expect(new Set(seen)).toEqual(new Set([null]));
  });
});
