// One click takes an upload up where the browser has kept a handle of its file.

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

test("without choosing the file again, only what is missing is sent", async () => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment, handleOf(fileOf(500)));
  const upload = await environment.clock.run(page.resume(entry));
  expect((await environment.clock.run(upload.done)).id).toBe("u1");
  expectEachOnce(environment, 50);
  expect(await environment.journal.list()).toEqual([]);
});

test("what is taken up by a handle and stopped again still has it", async () => {
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
  ["the person says no", handleOf(fileOf(500), "denied"), "file_not_allowed"],
  ["it holds another content now", handleOf(fileOf(500, "film.mp4", "another")), "other_file"],
])("%s: it is said in words, and nothing is lost", async (_, handle, code) => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment, handle);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code });
  const upload = await environment.clock.run(page.resume(entry, fileOf(500)));
  await environment.clock.run(upload.done);
  expectEachOnce(environment, 50);
});

test("a file that is gone is told as such", async () => {
  const environment = new TestEnvironment();
  const gone = {
    ...handleOf(fileOf(500)),
    getFile: async () => Promise.reject(new DOMException("", "NotFoundError")),
  };
  const { page, entry } = await interrupted(environment, gone as unknown as FileSystemFileHandle);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "file_changed" });
});

test("without a handle the file must be given", async () => {
  const environment = new TestEnvironment();
  const { page, entry } = await interrupted(environment);
  await expect(environment.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "not_supported" });
});
