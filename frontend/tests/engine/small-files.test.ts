// Thousands of small files: created and completed a hundred in a call, sent six at a time.

import { expect, test } from "vitest";
import { fileOf, TestEnvironment } from "../environment.ts";

test("five thousand files cost about a hundred calls to the backend, and arrive unchanged", async () => {
  const environment = new TestEnvironment();
  environment.store.speed = 1_000_000;
  const uploader = environment.open({ small: 1000 });
  const files = Array.from({ length: 5000 }, (_, index) => fileOf(9, `${index}.txt`, `${index};`));
  const uploads = files.map((file) => uploader.upload(file));
  const done = await environment.clock.run(Promise.all(uploads.map((upload) => upload.done)));
  expect(done.every(({ state }) => state === "completed")).toBe(true);
  expect(environment.backend.calls.length).toBeLessThanOrEqual(160);
  expect(environment.store.sent).toHaveLength(5000);
  expect(environment.store.mostInFlight).toBe(6);
  const row = environment.backend.rows.get(done[4321]?.id ?? "");
  expect(row && (await environment.backend.object(row))).toBe(await files[4321]?.text());
  expect(await environment.journal.list()).toEqual([]);
});

test("a file that the backend refuses fails alone, with its own error", async () => {
  const environment = new TestEnvironment();
  environment.backend.refuses = (name) => name === "bad.txt";
  const uploader = environment.open({ small: 1000 });
  const good = uploader.upload(fileOf(5, "good.txt"));
  const bad = uploader.upload(fileOf(5, "bad.txt"));
  bad.done.catch(() => {});
  await environment.clock.run(good.done);
  await environment.reach(bad, "failed");
  expect(bad.error).toMatchObject({ code: "too_large", status: 413 });
});

test("small files do not keep a large file in the queue", async () => {
  const environment = new TestEnvironment();
  const uploader = environment.open({ small: 9 });
  for (let index = 0; index < 100; index++) uploader.upload(fileOf(5, `${index}`));
  const large = uploader.upload(fileOf(100));
  await environment.clock.pass(1);
  expect(large.state).not.toBe("queued");
  await environment.clock.run(large.done);
});

test("a small file that was aborted during create is aborted at the backend", async () => {
  const environment = new TestEnvironment();
  const upload = environment.open({ small: 1000 }).upload(fileOf(5));
  upload.done.catch(() => {});
  await environment.clock.run(upload.abort());
  expect(upload.state).toBe("aborted");
  expect([...environment.backend.rows.values()].every(({ state }) => state === "aborted")).toBe(true);
});

test("a form that arrived although its answer was lost completes", async () => {
  const environment = new TestEnvironment();
  environment.store.fault = (_, tries) =>
    tries === 1 ? "lost" : { status: 409, code: "FileAlreadyExists", headers: {} };
  const upload = environment.open({ small: 1000 }).upload(fileOf(5));
  expect((await environment.clock.run(upload.done)).state).toBe("completed");
  expect(environment.store.sent).toHaveLength(2);
});

test.each([
  [
    { status: 200, body: '{"id": 7}' },
    { status: 200, body: '{"id": 7}' },
  ],
  [
    { status: 203, body: "<Error><Code>CallbackFailed</Code></Error>" },
    { status: 203, body: "<Error><Code>CallbackFailed</Code></Error>" },
  ],
  [
    { status: 200, body: "x".repeat(5000) },
    { status: 200, body: "x".repeat(4096) },
  ],
  [{ status: 200, body: "" }, undefined],
])("OSS's answer %o to a file in one request is reported", async (answer, report) => {
  for (const small of [0, 1000]) {
    const environment = new TestEnvironment();
    environment.store.callback = answer;
    await environment.clock.run(environment.open({ small }).upload(fileOf(5)).done);
    const completes = environment.backend.calls.filter(({ path }) => path.endsWith("complete/"));
    const { body } = completes.at(-1) ?? { body: null };
    expect((small ? body.uploads[0] : body).callback).toEqual(report);
  }
});
