// Streams: uploaded while they are produced, slowed down by a slow network, complete at their end.

import { expect, test } from "vitest";
import { rangeOf, streamPlan } from "../../src/engine/parts.ts";
import { json } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import { crc64Of } from "../store.ts";

/** A stream whose chunks the test supplies. */
function tap(): {
  stream: ReadableStream<string>;
  give(text: string): void;
  end(): void;
  fail(): void;
  asked: number;
} {
  let controller: ReadableStreamDefaultController<string> | undefined;
  const made = {
    asked: 0,
    stream: new ReadableStream<string>(
      {
        start: (given) => {
          controller = given;
        },
        pull: () => {
          made.asked += 1;
        },
      },
      { highWaterMark: 0 },
    ),
    give: (text: string) => controller?.enqueue(text),
    end: () => controller?.close(),
    fail: () => controller?.error(new Error("the camera was unplugged")),
  };
  return made;
}

async function textOf(size: number): Promise<string> {
  return fileOf(size).text();
}

function streamOf(text: string, piece: number): ReadableStream<string> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= text.length) controller.close();
      else controller.enqueue(text.slice(at, at + piece));
      at += piece;
    },
  });
}

test.each([
  [0, 7],
  [5, 7],
  [10, 10],
  [95, 7],
  [1000, 333],
])("%i bytes in chunks of %i arrive unchanged", async (size, piece) => {
  const environment = new TestEnvironment();
  const text = await textOf(size);
  const upload = environment
    .open()
    .uploadStream(streamOf(text, piece), { filename: "a.webm", type: "video/webm" });
  const done = await environment.clock.run(upload.done);
  expect(done).toMatchObject({ state: "completed", size, filename: "a.webm", content_type: "video/webm" });
  expect(await environment.backend.object(environment.backend.only)).toBe(text);
  expect(upload.progress).toMatchObject({ loaded: size, total: size, ratio: 1 });
  const complete = environment.backend.calls.find(({ path }) => path.endsWith("complete/"));
  expect(complete?.body).toMatchObject({ size, crc64: await crc64Of(new Blob([text])) });
});

test("parts are sent while the stream is produced", async () => {
  const environment = new TestEnvironment();
  const recording = tap();
  const upload = environment.open().uploadStream(recording.stream);
  recording.give("0123456789abcde");
  await environment.arrive(1);
  expect(upload.state).toBe("uploading");
  recording.give("fghij");
  await environment.arrive(2);
  recording.end();
  expect((await environment.clock.run(upload.done)).size).toBe(20);
});

test("a slow network slows the stream down: only parts being sent are read", async () => {
  const environment = new TestEnvironment();
  environment.store.speed = 0.5;
  let read = 0;
  const endless = new ReadableStream<string>(
    {
      pull: (controller) => {
        read += 10;
        controller.enqueue("0123456789");
      },
    },
    { highWaterMark: 0 },
  );
  const upload = environment.open().uploadStream(endless);
  upload.done.catch(() => {});
  await environment.arrive(4);
  expect(read).toBeLessThanOrEqual(10 * (4 + 4 + 1));
  await environment.clock.run(upload.abort());
  expect(environment.backend.only.state).toBe("aborted");
});

test("a pause works while the stream gives nothing; no byte is lost or sent twice", async () => {
  const environment = new TestEnvironment();
  const recording = tap();
  const upload = environment.open().uploadStream(recording.stream);
  recording.give("0123456789");
  await environment.arrive(1);
  upload.pause();
  expect(upload.state).toBe("paused");
  recording.give("abcdefghij");
  await environment.clock.pass(10_000);
  upload.resume();
  await environment.arrive(2);
  recording.give("KLM");
  recording.end();
  await environment.clock.run(upload.done);
  expect(await environment.backend.object(environment.backend.only)).toBe("0123456789abcdefghijKLM");
  expect(environment.store.accepted.toSorted()).toEqual([1, 2, 3]);
});

test("a failed part is sent again from memory", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number, tries) =>
    number === 2 && tries <= 2 ? { status: 500, code: "InternalError" } : undefined;
  const text = await textOf(45);
  await environment.clock.run(environment.open().uploadStream(streamOf(text, 9)).done);
  expect(await environment.backend.object(environment.backend.only)).toBe(text);
});

test("a stream that errors fails the upload with code stream_broken", async () => {
  const environment = new TestEnvironment();
  const recording = tap();
  const upload = environment.open().uploadStream(recording.stream);
  recording.give("0123456789");
  await environment.arrive(1);
  recording.fail();
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({
    code: "stream_broken",
    detail: "the camera was unplugged",
  });
});

test("parts grow without gaps, and ten thousand hold hundreds of gigabytes", () => {
  const plan = streamPlan(8 << 20);
  let end = 0;
  for (const number of [1, 2, 999, 1000, 1001, 1002, 2000, 2001, 9999]) {
    const [range, next] = [rangeOf(plan, number), rangeOf(plan, number + 1)];
    expect(range.end).toBe(next.start);
    expect(range.start).toBeGreaterThanOrEqual(end);
    end = range.end;
  }
  expect(rangeOf(plan, 1).end).toBe(8 << 20);
  expect(rangeOf(plan, 1001).end - rangeOf(plan, 1001).start).toBe(16 << 20);
  expect(rangeOf(plan, 10_000).end).toBeGreaterThan(400 * 2 ** 30);
});

// tests/domain/test_plan.py has the same sizes: the backend signs for no more bytes than a part has.
test.each([
  [1, 0, 1],
  [2, 1, 1],
  [1000, 999, 1],
  [1001, 1000, 2],
  [1002, 1002, 2],
  [2001, 3000, 3],
  [3500, 7996, 4],
])("part %i of a stream begins at %i part sizes and has %i", (number, start, size) => {
  const plan = streamPlan(1 << 20);
  expect(rangeOf(plan, number)).toEqual({ start: start * (1 << 20), end: (start + size) * (1 << 20) });
});

test("with 'md5' a stream hashes only parts that it has given", async () => {
  const environment = new TestEnvironment();
  const text = await textOf(95);
  const upload = environment.open({ integrity: "md5" }).uploadStream(streamOf(text, 7));
  await environment.clock.run(upload.done);
  expect(await environment.backend.object(environment.backend.only)).toBe(text);
});

test("a part of a stream that arrives damaged is sent again", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (number, tries) => (number === 2 && tries === 1 ? "damaged" : undefined);
  const text = await textOf(45);
  await environment.clock.run(environment.open().uploadStream(streamOf(text, 9)).done);
  expect(await environment.backend.object(environment.backend.only)).toBe(text);
  expect(environment.store.tries(2)).toBe(2);
});

test("a damaged part whose bytes the stream no longer has never completes the upload", async () => {
  const environment = new TestEnvironment();
  const { backend, store } = environment;
  store.exposesCrc64 = false;
  store.fault = (number, tries) => (number === 1 && tries === 1 ? "damaged" : undefined);
  const missing = { title: "Refused", status: 409, code: "parts_missing", errors: { parts: [1] } };
  backend.fault = ({ path }) => (path.endsWith("complete/") ? json(409, missing) : undefined);
  const upload = environment.open().uploadStream(streamOf(await textOf(45), 9));
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "stream_broken" });
  backend.fault = () => undefined;
  upload.resume();
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "stream_broken" });
  expect(backend.only.state).toBe("uploading");
});

test("a stream whose abort the backend refused is not completed without its rest", async () => {
  const environment = new TestEnvironment();
  const { backend } = environment;
  const recording = tap();
  const upload = environment.open().uploadStream(recording.stream);
  upload.done.catch(() => {});
  recording.give("0123456789abc");
  await environment.arrive(1);
  backend.fault = ({ method }) =>
    method === "DELETE" ? json(403, { code: "not_authenticated" }) : undefined;
  await expect(environment.clock.run(upload.abort())).rejects.toMatchObject({ status: 403 });
  backend.fault = () => undefined;
  upload.resume();
  await expect(environment.clock.run(upload.done)).rejects.toMatchObject({ code: "stream_broken" });
  await environment.clock.run(upload.abort());
  expect(backend.only.state).toBe("aborted");
});
