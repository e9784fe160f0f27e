// Folders: many files of which a few hundred are uploads at a time, skipped when they have arrived before.

import { expect, test } from "vitest";
import "../../src/engine/folders.ts";
import { LoginError } from "../../src/engine/errors.ts";
import { deferred } from "../../src/engine/promises.ts";
import { problem } from "../backend.ts";
import { begin, folderOf, interrupted, page, reach, refuseCalls, reload } from "../folders.ts";

test("a folder of thousands of files is sent while only hundreds are uploads", async () => {
  const environment = page();
  const folder = await begin(environment, folderOf(1000));
  let most = 0;
  folder.addEventListener("upload", () => {
    most = Math.max(most, folder.uploads.length);
  });
  await reach(environment, folder, "completed");
  expect(most).toBeLessThanOrEqual(400);
  expect(folder.list).toMatchObject({ done: 1000, failed: 0, skipped: 0 });
  expect(new Set(folder.list.ids).size).toBe(1000);
  expect(folder.progress.ratio).toBe(1);
  expect(() => folder.list.file(7)).toThrow(RangeError);
  expect(folder.uploader.uploads).toEqual([]); // It would keep every file in memory.
  const row = environment.backend.rows.get(folder.list.ids[0] ?? "");
  expect(row?.relative_path).toMatch(/^holiday\/day \d\/\d+\.txt$/);
  expect(await environment.journal.list()).toEqual([]);
  expect(environment.backend.count("DELETE", "folder/")).toBe(0);
});

test("an interrupted folder is one entry, and what has arrived is skipped when it is chosen again", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(200));
  await environment.clock.until(() => first.list.done >= 100);
  first.pause();
  await environment.clock.pass(5000);
  const { done } = first.list;
  const [entry, ...others] = (await environment.clock.run(environment.open().unfinished())).filter(
    ({ folder }) => folder,
  );
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ filename: "holiday/", folder: { files: 200, filesDone: done } });
  reload(environment);
  const sent = environment.store.sent.length;
  const second = await begin(environment, folderOf(200));
  await reach(environment, second, "completed");
  expect(second.list).toMatchObject({ done: 200, skipped: done });
  expect(environment.store.sent.length - sent).toBe(200 - done);
  expect(new Set(second.list.ids).size).toBe(200);
  expect([...environment.backend.rows.values()].filter(({ state }) => state === "uploading")).toEqual([]);
  expect(await environment.journal.list()).toEqual([]);
});

test("on another device the backend's unfinished uploads tell that a folder was interrupted", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(500));
  await environment.clock.until(() => first.list.done >= 100); // Several pages of the backend's list.
  first.pause();
  await environment.clock.pass(5000);
  reload(environment);
  const { done } = first.list;
  expect(done).toBeLessThan(500);
  for (const { id } of await environment.journal.list()) await environment.journal.forget(id);
  const second = await begin(environment, folderOf(500));
  await reach(environment, second, "completed");
  expect(second.list).toMatchObject({ done: 500, skipped: done });
});

test("files that are too large for batch calls are skipped by their content", async () => {
  const environment = page();
  const first = await interrupted(environment);
  const { done } = first.list;
  const second = await begin(environment, folderOf(40, 30), 0);
  await reach(environment, second, "completed");
  expect(second.list.skipped).toBe(done);
});

test("a folder that was completed is sent again when it is chosen again", async () => {
  const environment = page();
  await reach(environment, await begin(environment, folderOf(20)), "completed");
  reload(environment);
  const again = await begin(environment, folderOf(20));
  await reach(environment, again, "completed");
  expect(again.list.skipped).toBe(0);
});

test("a file that was edited since is sent again", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(300));
  await environment.clock.until(() => first.list.done >= 100);
  first.pause();
  reload(environment);
  const edited = folderOf(300).map(({ file, path }) => ({
    file: new File([file], file.name, { lastModified: 2 }),
    path,
  }));
  const second = await begin(environment, edited);
  await reach(environment, second, "completed");
  expect(second.list.skipped).toBe(0);
});

test("what has failed is counted, and retried", async () => {
  const environment = page();
  environment.backend.refuses = (name) => name === "holiday/day 3/3.txt";
  const folder = await begin(environment, folderOf(30));
  await reach(environment, folder, "failed");
  expect(folder.list).toMatchObject({ done: 29, failed: 1 });
  expect(folder.error?.code).toBe("too_large");
  environment.backend.refuses = () => false;
  folder.resume();
  await reach(environment, folder, "failed"); // The code is said of the file itself: repeating is of no use.
  expect(folder.list.failed).toBe(1);
});

test("files that are refused one by one do not stop the others", async () => {
  const environment = page();
  environment.backend.refuses = (name) => Number(/(\d+)\.txt$/.exec(name)?.[1]) < 300;
  const folder = await begin(environment, folderOf(700));
  await reach(environment, folder, "failed");
  expect(folder.list).toMatchObject({ done: 400, failed: 300 });
});

test("a cause that concerns all files stops the folder, and a retry sends them all", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/batch/", 403, "over_quota");
  const folder = await begin(environment, folderOf(700));
  await reach(environment, folder, "failed");
  expect(folder.list.failed).toBeLessThan(500);
  allow();
  folder.resume();
  await reach(environment, folder, "completed");
  expect(folder.list.done).toBe(700);
});

test("a lost login stops a folder at once, and is what the folder says", async () => {
  const environment = page();
  let sent = 0;
  environment.store.fault = () => (sent++ === 0 ? { status: 400, code: "InvalidArgument" } : undefined);
  const folder = await begin(environment, folderOf(700));
  await environment.clock.until(() => folder.list.failed === 1);
  const before = environment.backend.fault;
  environment.backend.fault = () => problem(401, "not_authenticated");
  await reach(environment, folder, "failed");
  expect([...folder.list.errors.values()].map(({ code }) => code)).toEqual([
    "InvalidArgument",
    "not_authenticated",
  ]);
  expect(folder.error).toBeInstanceOf(LoginError);
  const [entry] = await environment.journal.list();
  expect(entry?.folder?.filesDone).toBe(folder.list.done);
  environment.backend.fault = before;
  folder.resume();
  expect(folder.error).toBeNull();
  await reach(environment, folder, "completed");
  expect(folder.list.done).toBe(700);
});

test("a paused folder stays paused when a file that is being completed loses the login", async () => {
  const environment = page();
  const before = environment.backend.fault;
  const answer = deferred<Response>();
  environment.backend.fault = (call) =>
    call.path === "uploads/batch/complete/" ? answer.promise : before(call);
  const folder = await begin(environment, folderOf(10));
  await environment.clock.until(() => environment.backend.count("POST", "batch/complete/") > 0);
  folder.pause();
  answer.resolve(problem(401, "not_authenticated"));
  await environment.clock.until(() => folder.list.failed > 0);
  environment.backend.fault = before;
  expect(folder.state).toBe("paused");
  folder.resume();
  await reach(environment, folder, "completed");
});

test("a lost login is never taken for a fault of the file, whatever its code", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/batch/", 401, "invalid_token");
  const folder = await begin(environment, folderOf(300));
  await reach(environment, folder, "failed");
  allow();
  folder.resume();
  await reach(environment, folder, "completed");
  expect(folder.list.done).toBe(300);
});

test("a page that resumes a folder as soon as it fails sends each file once", async () => {
  const environment = page();
  const before = environment.backend.fault;
  let lost = 3;
  environment.backend.fault = (call) =>
    call.path === "uploads/batch/" && lost-- > 0 ? problem(401, "not_authenticated") : before(call);
  const folder = await begin(environment, folderOf(200));
  folder.addEventListener("statechange", () => folder.state === "failed" && folder.resume());
  await reach(environment, folder, "completed");
  const states = [...environment.backend.rows.values()].map(({ state }) => state);
  expect(states.filter((state) => state === "completed")).toHaveLength(200);
  expect(states).not.toContain("uploading");
});

test("an aborted folder leaves nothing unfinished, and its completed files", async () => {
  const environment = page();
  const folder = await begin(environment, folderOf(200));
  await environment.clock.until(() => folder.list.done >= 50);
  await environment.clock.run(folder.abort());
  expect(folder.state).toBe("aborted");
  await environment.clock.pass(5000);
  const states = [...environment.backend.rows.values()].map(({ state }) => state);
  expect(states).not.toContain("uploading");
  expect(states.filter((state) => state === "completed").length).toBeGreaterThanOrEqual(50);
  expect(await environment.journal.list()).toEqual([]);
});

test("a folder that was interrupted is discarded by one call", async () => {
  const environment = page();
  const folder = await begin(environment, folderOf(30, 30), 0);
  await environment.clock.until(() => folder.list.done >= 5);
  folder.pause();
  const uploader = environment.open();
  const entry = (await environment.clock.run(uploader.unfinished())).find((one) => one.folder);
  if (!entry) throw new Error("No entry");
  await environment.clock.run(uploader.discard(entry));
  expect([...environment.backend.rows.values()].filter(({ state }) => state === "uploading")).toEqual([]);
  expect((await environment.journal.list()).filter(({ folder }) => folder)).toEqual([]);
});

test("what OSS holds of files that are being sent counts as kept, and a folder that waits says why", async () => {
  const environment = page();
  environment.store.fault = (number) =>
    number > 1 ? { status: 503, code: "SlowDown", headers: { "Retry-After": "60" } } : undefined;
  const folder = await begin(environment, folderOf(3, 30), 0);
  const noticed: (string | undefined)[] = [];
  folder.addEventListener("progress", () => noticed.push(folder.notice?.name));
  await environment.clock.until(() => folder.notice !== null);
  await environment.clock.pass(1000); // Until the others wait too.
  expect(folder.notice).toMatchObject({ name: "storage_busy", facts: { code: "SlowDown" } });
  expect(noticed.at(-1)).toBe("storage_busy");
  expect(folder.progress.kept).toBeGreaterThan(0);

  environment.store.fault = () => undefined;
  const before = environment.clock.now();
  folder.tryNow();
  await reach(environment, folder, "completed");
  expect(environment.clock.now() - before).toBeLessThan(30_000);
  expect(folder.notice).toBeNull();
  expect(folder.progress).toMatchObject({ kept: 90, loaded: 90, total: 90 });
});
