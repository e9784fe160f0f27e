// Interrupted streams: listed with what can be kept of them, kept or discarded, and bounded while they run.

import { expect, test } from "vitest";
import { keptParts } from "../../src/engine/kept-stream.ts";
import { LiveFeed } from "../../src/engine/live-stream.ts";
import { rangeOf } from "../../src/engine/parts.ts";
import { StreamSource } from "../../src/engine/stream.ts";
import type { Upload } from "../../src/engine/upload.ts";
import type { Unfinished } from "../../src/engine/uploader.ts";
import { problem } from "../backend.ts";
import { FakeLocks, TestEnvironment } from "../environment.ts";
import { emptyRow } from "../row.ts";
import { MemoryStreamStore } from "../stream-store.ts";

const ROW = {
  id: "u1",
  upload_id: "M1",
  method: "multipart" as const,
  size: null,
  part_size: 10,
  part_count: null,
  filename: "a.webm",
  content_type: "video/webm",
};

/** A camera: it gives what it films, whether or not somebody reads. */
class FakeCamera {
  #controller: ReadableStreamDefaultController<Blob> | undefined;
  cancelled: unknown = null;
  readonly stream = new ReadableStream<Blob>({
    start: (controller) => {
      this.#controller = controller;
    },
    cancel: (reason) => {
      this.cancelled = reason;
    },
  });

  film(...texts: string[]): void {
    for (const text of texts) this.#controller?.enqueue(new Blob([text]));
  }

  end(): void {
    this.#controller?.close();
  }

  fail(): void {
    this.#controller?.error(new Error("the camera was unplugged"));
  }
}

function record(environment: TestEnvironment): [FakeCamera, Upload] {
  const camera = new FakeCamera();
  const options = { filename: "a.webm", type: "video/webm", live: true };
  return [camera, environment.open().uploadStream(camera.stream, options)];
}

async function onlyEntry(environment: TestEnvironment): Promise<Unfinished> {
  const [entry, ...others] = await environment.clock.run(environment.open().unfinished());
  expect(others).toEqual([]);
  return entry as Unfinished;
}

function objectOf({ backend }: TestEnvironment): Promise<string> {
  return backend.object(backend.only);
}

test("what OSS and this browser have of a lost recording is listed, and kept", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456", "789abcde", "fghij", "KLM");
  await environment.arrive(2);
  environment.lose(upload);
  const entry = await onlyEntry(environment);
  expect(entry).toMatchObject({ filename: "a.webm", stream: true, size: 23, bytesDone: 20 });
  const kept = environment.open().keep(entry);
  const done = await environment.clock.run(kept.done);
  expect(done).toMatchObject({ id: upload.id, state: "completed", size: 23 });
  expect(await objectOf(environment)).toBe("0123456789abcdefghijKLM");
  expect(environment.store.accepted).toEqual([1, 2, 3]);
  expect(environment.disk?.files.size).toBe(0);
  expect(await environment.journal.list()).toEqual([]);
});

test.each([
  [true, 23],
  [false, 10],
])("while the backend cannot be reached, no more is promised than is kept (live: %o)", async (live, size) => {
  const environment = new TestEnvironment();
  const camera = new FakeCamera();
  const upload = environment.open().uploadStream(camera.stream, { filename: "a.webm", live });
  environment.store.fault = (number) => (number === 2 ? { status: 503, code: "Busy" } : undefined);
  camera.film("0123456789", "abcdefghij", "KLM");
  await environment.arrive(1);
  await environment.clock.pass(1000);
  environment.lose(upload);
  environment.backend.fault = () => {
    throw new TypeError("Failed to fetch");
  };
  expect(await onlyEntry(environment)).toMatchObject({ stream: true, size });
  environment.backend.fault = () => undefined;
  environment.store.fault = () => undefined;
  const kept = environment.open().keep(await onlyEntry(environment));
  expect(await environment.clock.run(kept.done)).toMatchObject({ size });
});

test("another browser keeps what OSS has, up to the first gap", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number) => (number === 2 ? { status: 503, code: "Busy" } : undefined);
  const [camera, upload] = record(environment);
  camera.film("0123456789", "abcdefghij", "KLMNOPQRST");
  await environment.arrive(2);
  environment.lose(upload);
  environment.disk = new MemoryStreamStore();
  const entry = await onlyEntry(environment);
  expect(entry).toMatchObject({ size: 10, bytesDone: 10 });
  expect(await environment.clock.run(environment.open().keep(entry).done)).toMatchObject({ size: 10 });
  expect(await objectOf(environment)).toBe("0123456789");
});

test("a gap that this browser can fill is filled", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number) => (number === 2 ? { status: 503, code: "Busy" } : undefined);
  const [camera, upload] = record(environment);
  camera.film("0123456789", "abcdefghij", "KLMNOPQRST", "uv");
  await environment.arrive(2);
  environment.lose(upload);
  environment.store.fault = () => undefined;
  const entry = await onlyEntry(environment);
  expect(entry).toMatchObject({ size: 32, bytesDone: 20 });
  await environment.clock.run(environment.open().keep(entry).done);
  expect(await objectOf(environment)).toBe("0123456789abcdefghijKLMNOPQRSTuv");
});

test("a discarded recording leaves nothing at OSS or on the device", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789abc");
  await environment.arrive(1);
  environment.lose(upload);
  const entry = await onlyEntry(environment);
  await environment.clock.run(environment.open().discard(entry));
  expect(environment.backend.only.state).toBe("aborted");
  expect(environment.disk?.files.size).toBe(0);
});

test("a recording that a page still makes is running, also while it is paused", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789abc");
  await environment.arrive(1);
  expect(await onlyEntry(environment)).toMatchObject({ stream: true, isRunning: true });
  upload.pause();
  const entry = await onlyEntry(environment);
  expect(entry).toMatchObject({ isRunning: true });
  const kept = environment.open().keep(entry);
  await environment.clock.pass(60_000);
  expect(kept.state).toBe("preparing");
  upload.resume();
  camera.end();
  expect(await environment.clock.run(kept.done)).toMatchObject({ state: "completed", size: 13 });
  expect(await objectOf(environment)).toBe("0123456789abc");
});

test("a recording whose beginning was kept elsewhere is not called complete, and keeps the rest", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789", "abc");
  await environment.arrive(1);
  const { locks, disk } = environment;
  Object.assign(environment, { locks: new FakeLocks(), disk: new MemoryStreamStore() }); // Another device.
  const entry = await onlyEntry(environment);
  await environment.clock.run(environment.open().keep(entry).done);
  Object.assign(environment, { locks, disk });
  camera.film("defghijKLM");
  camera.end();
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "stream_broken" });
  expect(disk?.files.size).toBe(1);
  await environment.clock.run(upload.abort());
  expect(upload.state).toBe("completed");
  expect(disk?.files.size).toBe(0);
});

test("a part that OSS has lost is not replaced by nothing when a recording is kept", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789", "abcdefghij");
  await environment.arrive(2);
  environment.lose(upload);
  const entry = await onlyEntry(environment);
  const lost = problem(409, "parts_missing", { errors: { parts: [1] } });
  environment.backend.fault = ({ path }) => (path.endsWith("complete/") ? lost.clone() : undefined);
  const kept = environment.open().keep(entry);
  await expect(environment.clock.run(kept.done)).rejects.toMatchObject({ code: "stream_broken" });
  expect(environment.backend.only.state).toBe("uploading");
  expect(environment.store.accepted).toEqual([1, 2]);
});

test("a recording that was aborted elsewhere is not begun anew when it is kept", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789abc");
  await environment.arrive(1);
  environment.lose(upload);
  const entry = await onlyEntry(environment);
  environment.backend.only.state = "aborted";
  const kept = environment.open().keep(entry);
  await expect(environment.clock.run(kept.done)).rejects.toMatchObject({ code: "wrong_state" });
  expect(environment.backend.rows.size).toBe(1);
});

test("what is stored of recordings that have ended elsewhere is removed at the next start", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789abc");
  await environment.arrive(1);
  environment.lose(upload);
  await environment.clock.pass(100); // A lost page is a paused one here, which reports its parts first.
  environment.backend.only.state = "aborted";
  expect(await environment.clock.run(environment.open().unfinished())).toEqual([]);
  await environment.clock.until(() => environment.disk?.files.size === 0);
  expect(await environment.journal.list()).toEqual([]);
});

test("what is stored is removed later where the backend does not answer at first", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789abc");
  await environment.arrive(1);
  environment.lose(upload);
  await environment.clock.pass(100);
  environment.backend.only.state = "aborted";
  environment.backend.fault = ({ path }) =>
    path === `uploads/${upload.id}/` ? problem(503, "storage_busy") : undefined;
  expect(await environment.clock.run(environment.open().unfinished())).toEqual([]);
  await environment.clock.pass(60_000);
  environment.backend.fault = () => undefined;
  expect(environment.disk?.files.size).toBe(1);
  expect(await environment.clock.run(environment.open().unfinished())).toEqual([]);
  await environment.clock.until(() => environment.disk?.files.size === 0);
  expect(await environment.journal.list()).toEqual([]);
});

test("a camera that is faster than the network fills the disk, not the memory", async () => {
  const environment = new TestEnvironment();
  environment.store.speed = 0.5;
  const [camera, upload] = record(environment);
  const disk = environment.disk as MemoryStreamStore;
  camera.film(...Array.from({ length: 100 }, () => "0123456789"));
  await environment.arrive(2);
  const [folder] = disk.files.values();
  expect(folder?.size).toBeGreaterThanOrEqual(94);
  camera.end();
  environment.store.speed = 1000;
  expect(await environment.clock.run(upload.done)).toMatchObject({ size: 1000 });
  expect(disk.files.size).toBe(0);
});

test.each(["none", "full"])("with a disk that is %s, a fast camera must wait", async (kind) => {
  const disk = new MemoryStreamStore();
  disk.isFull = true;
  let asked = 0;
  const pull = (controller: ReadableStreamDefaultController<Blob>) => {
    asked += 1;
    controller.enqueue(new Blob(["0123456789"]));
  };
  const stream = new ReadableStream<Blob>({ pull }, { highWaterMark: 0 });
  const source = new StreamSource(
    new LiveFeed(stream, kind === "none" ? null : disk, 40),
    "a.webm",
    "video/webm",
  );
  const environment = new TestEnvironment();
  const remote = { ...emptyRow(ROW, { ...ROW, destination: "a", metadata: {} }, "") };
  source.begin(remote, { api: { environment }, onprogress: () => {} });
  await environment.clock.pass(0);
  expect(asked).toBe(5); // What memory takes, and the chunk that is one too many.
  const { plan } = source.ledger(remote);
  const { signal } = new AbortController();
  expect(await source.cut(plan, () => 1, signal)).toBe(1);
  await environment.clock.pass(0);
  expect(asked).toBe(5);
  source.release(rangeOf(plan, 1));
  await environment.clock.pass(0);
  expect(asked).toBe(6);
  await source.cancel(null);
});

test("the limit is told while a recording runs, which ends there in order", async () => {
  const environment = new TestEnvironment();
  environment.backend.streamLimit = 26;
  const [camera, upload] = record(environment);
  camera.film("0123456789");
  await environment.arrive(1);
  expect(upload.progress.room).toEqual({ bytesLeft: 16, secondsLeft: null });
  await environment.clock.pass(5_000);
  camera.film("abcdefgh");
  await environment.clock.until(() => upload.progress.room?.bytesLeft === 8);
  expect(upload.progress.room?.secondsLeft).toBeCloseTo(5, 0);
  camera.film("ijKLM", "NOPQ", "rst");
  expect(await environment.clock.run(upload.done)).toMatchObject({ size: 23 });
  expect(upload.progress.endedEarly).toMatchObject({ reason: "limit" });
  expect(camera.cancelled).toBeInstanceOf(Error);
  const signed = environment.backend.calls.filter(({ path }) => path.endsWith("parts/sign/"));
  const numbers = signed.flatMap(({ body }) => body.parts.map(({ number }: { number: number }) => number));
  expect(numbers.length).toBeGreaterThan(0);
  expect(Math.max(...numbers)).toBe(3);
  expect(await objectOf(environment)).toBe("0123456789abcdefghijKLM");
  expect(upload.progress).not.toHaveProperty("room");
});

test("a camera that breaks ends the recording, which is kept", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.film("0123456789", "abc");
  await environment.arrive(1);
  camera.fail();
  expect(await environment.clock.run(upload.done)).toMatchObject({ size: 13 });
  expect(upload.progress.endedEarly).toEqual({ reason: "interrupted", detail: "the camera was unplugged" });
});

test("a camera that never gives anything fails the upload", async () => {
  const environment = new TestEnvironment();
  const [camera, upload] = record(environment);
  camera.fail();
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "stream_broken" });
});

const PART = 100_000;
const [A, B] = [10, 4].map((size) => new Blob([new Uint8Array(size)]));
test.each([
  ["nothing", [], [], [0, 0, 0]],
  ["parts without a gap", [10, 10], [], [20, 20, 2]],
  ["a short last part", [10, 3], [], [13, 13, 2]],
  ["parts of another client", [7, 12, 9], [], [28, 28, 3]],
  ["a part after a gap", [10, null, 10], [], [10, 10, 1]],
  ["a gap that is half filled", [10, null, 10], [{ start: 10, blob: B }], [14, 10, 2]],
  ["a gap that is filled", [10, null, 10], [{ start: 10, blob: A }], [30, 20, 3]],
  ["bytes that do not continue", [10], [{ start: 13, blob: A }], [10, 10, 1]],
  ["bytes that begin before", [10], [{ start: 6, blob: A }], [16, 10, 2]],
  [
    "only bytes of this browser",
    [],
    [
      { start: 0, blob: A },
      { start: 10, blob: B },
    ],
    [14, 0, 2],
  ],
] as const)("what can be kept: %s", (_, sizes, stored, [size, bytesDone, count]) => {
  const held = sizes.flatMap((size, at) => (size === null ? [] : [{ number: at + 1, size: size * PART }]));
  const chunks = stored.map(({ start, blob }) => ({
    start: start * PART,
    blob: { size: (blob as Blob).size * PART } as Blob,
  }));
  const kept = keptParts(10 * PART, held, chunks);
  expect([kept.size / PART, kept.bytesDone / PART, kept.sizes.length]).toEqual([size, bytesDone, count]);
});
