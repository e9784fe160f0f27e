// Folders in a page whose clock, network, OSS and backend are in memory.

import type { FolderUpload } from "../src/engine/folder-upload.ts";
import type { State } from "../src/engine/states.ts";
import { problem } from "./backend.ts";
import { FakeLocks, fileOf, TestEnvironment } from "./environment.ts";
import { serveFolders } from "./folder-backend.ts";

export function folderOf(count: number, size = 9) {
  return Array.from({ length: count }, (_, index) => ({
    file: fileOf(size, `${index}.txt`, `${index};`),
    path: `holiday/day ${index % 7}/${index}.txt`,
  }));
}

export function page(): TestEnvironment {
  const environment = new TestEnvironment();
  environment.store.speed = 1_000_000;
  serveFolders(environment.backend);
  return environment;
}

/** A page after a reload: the browser has released the locks. */
export function reload(environment: TestEnvironment): void {
  Object.assign(environment, { locks: new FakeLocks() });
}

export async function begin(environment: TestEnvironment, files: ReturnType<typeof folderOf>, small = 1000) {
  const folders = await environment.open({ small }).folders();
  return folders.upload("holiday", files);
}

/** Refuses calls to this path, until the result is called. */
export function refuseCalls(
  { backend }: TestEnvironment,
  path: string,
  status: number,
  code: string,
): () => void {
  const before = backend.fault;
  backend.fault = (call) => (call.path === path ? problem(status, code) : before(call));
  return () => {
    backend.fault = before;
  };
}

/**
 * A folder of 40 files of several parts, which a page began and left when 15 or more had arrived and some had begun.
 * Other threads hash the files: how far the others are by then differs from run to run.
 */
export async function interrupted(environment: TestEnvironment): Promise<FolderUpload> {
  const folder = await begin(environment, folderOf(40, 30), 0);
  const isUnderWay = () => folder.uploads.some(({ state }) => state === "uploading");
  await environment.clock.until(() => folder.list.done >= 15 && isUnderWay());
  folder.pause();
  await environment.clock.pass(5000);
  reload(environment);
  return folder;
}

export function reach({ clock }: TestEnvironment, folder: FolderUpload, state: State): Promise<void> {
  return clock.until(() => folder.state === state);
}
