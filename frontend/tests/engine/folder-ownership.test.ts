// To which tab a folder belongs: one tab at a time sends its files, and no other aborts them.

import { afterEach, expect, test, vi } from "vitest";
import "../../src/engine/folders.ts";
import { LoginError } from "../../src/engine/errors.ts";
import type { FolderUpload } from "../../src/engine/folder-upload.ts";
import { deferred } from "../../src/engine/promises.ts";
import { problem } from "../backend.ts";
import { breathe } from "../clock.ts";
import type { TestEnvironment } from "../environment.ts";
import { begin, folderOf, interrupted, page, reach, refuseCalls } from "../folders.ts";

afterEach(() => vi.restoreAllMocks());

/** Another tab completes the folder of 20 files, and `folder` goes on after that: nothing is sent twice. */
async function expectSentOnce(environment: TestEnvironment, folder: FolderUpload): Promise<void> {
  await reach(environment, await begin(environment, folderOf(20)), "completed");
  folder.resume();
  await reach(environment, folder, "completed");
  expect([folder.list.done, folder.list.skipped]).toEqual([20, 20]);
}

function completedRows({ backend }: TestEnvironment) {
  return [...backend.rows.values()].filter(({ state }) => state === "completed");
}

/** The notices of a folder whenever it says that its state has changed, beginning with the state. */
function noticesOf(folder: FolderUpload): string[] {
  const found: string[] = [];
  folder.addEventListener("statechange", () =>
    found.push(`${folder.state} ${folder.notice?.name ?? ""}`.trim()),
  );
  return found;
}

test("a second tab waits until the first has uploaded the folder, says so, and sends nothing again", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(100));
  const second = await begin(environment, folderOf(100));
  await environment.clock.until(() => second.notice !== null);
  expect(second.notice?.name).toBe("another_tab");
  await reach(environment, first, "completed");
  expect(second.list.done).toBe(0);
  await reach(environment, second, "completed");
  expect(second.notice).toBeNull();
  expect(second.list.skipped).toBe(100);
  expect(environment.backend.rows.size).toBe(100);
  // What the first tab may have begun at its end, and nobody will complete.
  expect(environment.backend.count("DELETE", "folder/")).toBe(1);
});

test("a folder that a lost login keeps from beginning begins once it is resumed", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/folder/", 401, "refused");
  const folder = await begin(environment, folderOf(10));
  await reach(environment, folder, "failed");
  expect(folder.error).toBeInstanceOf(LoginError);
  allow();
  folder.resume();
  await reach(environment, folder, "completed");
});

test.each(["is resumed", "tries at once"])(
  "a folder that waits for the backend says so, and %s",
  async (how) => {
    const environment = page();
    const allow = refuseCalls(environment, "uploads/folder/", 503, "refused");
    const folder = await begin(environment, folderOf(10));
    await environment.clock.until(() => folder.notice?.name === "server_down");
    const noticed = noticesOf(folder);
    const before = environment.clock.now();
    allow();
    if (how === "is resumed") {
      folder.pause();
      folder.resume();
      expect(noticed).toEqual(["paused", "preparing"]);
    } else folder.tryNow();
    await reach(environment, folder, "uploading");
    expect(environment.clock.now() - before).toBeLessThan(100);
    await reach(environment, folder, "completed");
  },
);

test("a folder that is paused while its files are compared goes on with the others", async () => {
  const environment = page();
  const first = await interrupted(environment);
  const second = await begin(environment, folderOf(40, 30), 0);
  const { digest } = crypto.subtle;
  vi.spyOn(crypto.subtle, "digest").mockImplementationOnce(async (...hashed) => {
    second.pause();
    second.resume();
    for (let turn = 0; turn < 100; turn++) await breathe(); // A slow disk.
    return digest.apply(crypto.subtle, hashed);
  });
  await reach(environment, second, "completed");
  expect(second.list).toMatchObject({ done: 40, skipped: first.list.done });
  expect(second.list.ids).toHaveLength(40);
});

test("no tab takes a folder over that is being aborted", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/folder/", 503, "refused");
  const first = await begin(environment, folderOf(100));
  const second = await begin(environment, folderOf(100));
  await environment.clock.until(() => second.notice?.name === "another_tab");
  allow();
  const aborted = first.abort();
  const states: string[] = [];
  second.addEventListener("statechange", () => states.push(`${first.state}, ${second.state}`));
  await environment.clock.run(aborted);
  await reach(environment, second, "completed");
  expect(states).toEqual(["aborted, uploading", "aborted, completed"]);
  expect(second.list).toMatchObject({ done: 100, failed: 0 });
});

test("a tab that waits for another one may be paused or aborted, and aborts nothing of that one", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(300));
  const second = await begin(environment, folderOf(300));
  await environment.clock.until(() => first.list.done >= 50);
  const record = vi.spyOn(environment.journal, "record");
  second.pause();
  expect(record).not.toHaveBeenCalled();
  await environment.clock.run(second.abort());
  expect([first.state, second.state]).toEqual(["uploading", "aborted"]);
  expect(await environment.journal.list()).toHaveLength(1);
  await reach(environment, first, "completed");
  expect(first.list).toMatchObject({ done: 300, failed: 0 });
  expect(environment.backend.count("DELETE", "folder/")).toBe(0);
});

test("a folder whose abort is refused is uploaded whole when it is resumed", async () => {
  const environment = page();
  const folder = await begin(environment, folderOf(900));
  await environment.clock.until(() => folder.list.done >= 200);
  const allow = refuseCalls(environment, "uploads/folder/", 401, "refused");
  const refused = folder.abort().catch(({ name }) => name);
  expect(await environment.clock.run(refused)).toBe("LoginError");
  expect(folder.state).toBe("failed");
  expect(folder.uploads.filter(({ state }) => state !== "completing")).toEqual([]);
  allow();
  folder.resume();
  await reach(environment, folder, "completed");
  expect(folder.list).toMatchObject({ done: 900, failed: 0 });
  expect(new Set(completedRows(environment).map(({ relative_path }) => relative_path)).size).toBe(900);
});

test("a folder that has failed leaves its place, and finds what was uploaded meanwhile", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/batch/", 403, "over_quota");
  const first = await begin(environment, folderOf(700));
  await reach(environment, first, "failed");
  expect(first.uploads).toEqual([]);
  await environment.clock.pass(1000); // A batch call may be under way.
  const { length } = environment.backend.calls;
  await environment.clock.pass(60_000);
  expect(environment.backend.calls).toHaveLength(length); // It rests.

  allow();
  const second = await begin(environment, folderOf(700));
  await environment.clock.until(() => second.list.done >= 300);
  first.resume();
  await environment.clock.until(() => first.notice?.name === "another_tab");
  second.pause();
  await environment.clock.pass(5000);
  const { done } = second.list;
  await environment.clock.run(second.abort());
  await reach(environment, first, "completed");
  const { failed, skipped } = first.list;
  expect({ done: first.list.done, failed, skipped }).toEqual({ done: 700, failed: 0, skipped: done });
  expect(completedRows(environment)).toHaveLength(700);
});

test("a folder that has failed sends nothing again that another tab has completed", async () => {
  const environment = page();
  environment.store.fault = (number) => (number === 1 ? { status: 403, code: "AccessDenied" } : undefined);
  const first = await begin(environment, folderOf(20));
  await reach(environment, first, "failed");
  environment.store.fault = () => undefined;
  await expectSentOnce(environment, first);
});

test("a folder that could not begin sends nothing that another tab has uploaded meanwhile", async () => {
  const environment = page();
  const allow = refuseCalls(environment, "uploads/folder/", 401, "refused");
  const first = await begin(environment, folderOf(20));
  await reach(environment, first, "failed");
  allow();
  await expectSentOnce(environment, first);
});

test("a folder that is paused before it has its place sends nothing that another tab has uploaded", async () => {
  const environment = page();
  const first = await begin(environment, folderOf(20));
  first.pause();
  await expectSentOnce(environment, first);
});

test("a folder that has failed keeps its place until its last files are completed, so that none is sent twice", async () => {
  const environment = page();
  const before = environment.backend.fault;
  const first = await begin(environment, folderOf(900));
  await environment.clock.until(() => first.uploads.some(({ state }) => state === "completing"));
  const answer = deferred<undefined>();
  environment.backend.fault = (call) => {
    if (call.path === "uploads/batch/") return problem(403, "over_quota");
    return call.path === "uploads/batch/complete/" ? answer.promise : before(call);
  };
  await reach(environment, first, "failed");
  expect(new Set(first.uploads.map(({ state }) => state))).toEqual(new Set(["completing"]));
  const second = await begin(environment, folderOf(900));
  await environment.clock.until(() => second.notice?.name === "another_tab");
  environment.backend.fault = before;
  answer.resolve(undefined);
  await reach(environment, second, "completed");
  expect(first.uploads).toEqual([]);
  expect(completedRows(environment)).toHaveLength(900);
});

test("a file that cannot be read does not keep the others from being compared", async () => {
  const environment = page();
  const first = await interrupted(environment);
  const second = await begin(environment, folderOf(40, 30), 0);
  vi.spyOn(crypto.subtle, "digest").mockRejectedValueOnce(new DOMException("gone", "NotReadableError"));
  await reach(environment, second, "completed");
  expect(second.list).toMatchObject({ done: 40, skipped: first.list.done - 1 });
});

test("a file that is completed while the folder's unfinished uploads are aborted is not sent again", async () => {
  const environment = page();
  const first = await interrupted(environment);
  const { backend } = environment;
  const before = backend.fault;
  let late = [...backend.rows.values()].find(({ state }) => state === "uploading");
  expect(late).toBeDefined();
  backend.fault = (call) => {
    if (call.method === "DELETE" && late) late.state = "completed";
    if (call.method === "DELETE") late = undefined;
    return before(call);
  };
  const second = await begin(environment, folderOf(40, 30), 0);
  await reach(environment, second, "completed");
  expect(second.list.skipped).toBe(first.list.done + 1);
  expect(completedRows(environment)).toHaveLength(40);
});
