// One click takes an upload up where the browser has kept a handle of its file.

import { expect, test } from "vitest";
import { expectEachOnce, fileOf, TestWorld } from "../world.ts";

function handleOf(file: File, permission: PermissionState = "granted"): FileSystemFileHandle {
  const handle = { kind: "file", name: file.name, getFile: async () => file };
  return { ...handle, requestPermission: async () => permission } as unknown as FileSystemFileHandle;
}

async function interrupted(world: TestWorld, handle?: FileSystemFileHandle) {
  const upload = world.open().upload(fileOf(500), handle ? { handle } : {});
  await world.arrive(10);
  upload.pause();
  await world.clock.pass(1000);
  const page = world.open();
  const [entry] = await world.clock.run(page.unfinished());
  if (!entry) throw new Error("nothing is listed");
  return { page, entry };
}

test("without choosing the file again, only what is missing is sent", async () => {
  const world = new TestWorld();
  const { page, entry } = await interrupted(world, handleOf(fileOf(500)));
  const upload = await world.clock.run(page.resume(entry));
  expect((await world.clock.run(upload.done)).id).toBe("u1");
  expectEachOnce(world, 50);
  expect(await world.journal.list()).toEqual([]);
});

test("what is taken up by a handle and stopped again still has it", async () => {
  const world = new TestWorld();
  const { page, entry } = await interrupted(world, handleOf(fileOf(500)));
  const upload = await world.clock.run(page.resume(entry));
  await world.arrive(20);
  upload.pause();
  await world.clock.pass(1000);
  const [again] = await world.clock.run(world.open().unfinished());
  expect(again?.handle).toBeDefined();
});

test.each([
  ["the person says no", handleOf(fileOf(500), "denied"), "file_not_allowed"],
  ["it holds another content now", handleOf(fileOf(500, "film.mp4", "another")), "other_file"],
])("%s: it is said in words, and nothing is lost", async (_, handle, code) => {
  const world = new TestWorld();
  const { page, entry } = await interrupted(world, handle);
  await expect(world.clock.run(page.resume(entry))).rejects.toMatchObject({ code });
  const upload = await world.clock.run(page.resume(entry, fileOf(500)));
  await world.clock.run(upload.done);
  expectEachOnce(world, 50);
});

test("a file that is gone is told as such", async () => {
  const world = new TestWorld();
  const gone = {
    ...handleOf(fileOf(500)),
    getFile: async () => Promise.reject(new DOMException("", "NotFoundError")),
  };
  const { page, entry } = await interrupted(world, gone as unknown as FileSystemFileHandle);
  await expect(world.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "file_changed" });
});

test("without a handle the file must be given", async () => {
  const world = new TestWorld();
  const { page, entry } = await interrupted(world);
  await expect(world.clock.run(page.resume(entry))).rejects.toMatchObject({ code: "not_supported" });
});
