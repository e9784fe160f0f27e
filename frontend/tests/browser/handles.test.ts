// Resuming with the file handle that the browser has kept.

import { expect, test } from "vitest";
import { expectEachOnce, fileOf, TestEnvironment } from "../environment.ts";

function handleOf(file: File, permission: PermissionState = "granted"): FileSystemFileHandle {
  const handle = { kind: "file", name: file.name, getFile: async () => file };
  return { ...handle, requestPermission: async () => permission } as unknown as FileSystemFileHandle;
}

async function interrupted(environment: TestEnvironment, handle?: FileSystemFileHandle) {
  const upload = environment.open().upload(fileOf(500), handle ? { handle } : {});
  await environment.arrive(10);
  upload.pause();
  await environment.clock.pass(1000);
  const page = environment.open();
  const [entry] = await environment.clock.run(page.unfinished());
  if (!entry) throw new Error("nothing is listed");
  return { page, entry };
}

test("only missing parts are sent, without choosing the file again", async () => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment, handleOf(fileOf(500)));
  const upload = await environment.clock.run(page.resume(entry));
  expect((await environment.clock.run(upload.done)).id).toBe("u1");
  expectEachOnce(environment, 50);
  expect(await environment.journal.list()).toEqual([]);
});

test("an upload resumed by its handle and paused again still has it", async () => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment, handleOf(fileOf(500)));
  const upload = await environment.clock.run(page.resume(entry));
  await environment.arrive(20);
  upload.pause();
  await environment.clock.pass(1000);
  const [again] = await environment.clock.run(environment.open().unfinished());
  expect(again?.handle).toBeDefined();
});

test.each([
  ["permission is denied", handleOf(fileOf(500), "denied"), "file_not_allowed"],
  ["the file has other content now", handleOf(fileOf(500, "film.mp4", "another")), "other_file"],
])("%s: resume rejects, and finished parts are kept", async (_, handle, code) => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment, handle);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code });
  const upload = await environment.clock.run(page.resume(entry, fileOf(500)));
  await environment.clock.run(upload.done);
  expectEachOnce(environment, 50);
});

test("a file that is gone rejects with file_changed", async () => {
  const environment = new TestEnvironment();
  const gone = {
    ...handleOf(fileOf(500)),
    getFile: async () => Promise.reject(new DOMException("", "NotFoundError")),
  };
  const { page, entry } = await interrupted(environment, gone as unknown as FileSystemFileHandle);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "file_changed" });
});

test("without a handle the file must be passed", async () => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "not_supported" });
});
