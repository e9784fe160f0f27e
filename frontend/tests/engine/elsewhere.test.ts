// Uploads of other tabs, and those that somebody else has aborted.

import { expect, test } from "vitest";
import { AbortedError } from "../../src/engine/errors.ts";
import { json } from "../backend.ts";
import { fileOf, TestEnvironment } from "../environment.ts";

test("an upload that a tab is sending is listed as such, until it stops", async () => {
  const environment = new TestEnvironment();
  const [running, watching] = [environment.open(), environment.open()];
  const upload = running.upload(fileOf(500));
  await environment.arrive(5);
  const [entry] = await environment.clock.run(watching.unfinished());
  expect(entry).toMatchObject({ isRunning: true, filename: "film.mp4" });
  if (!entry) throw new Error("unreachable");
  let isIdle = false;
  const idle = watching.whenIdle(entry, new AbortController().signal).then(() => {
    isIdle = true;
  });
  await environment.clock.pass(10);
  expect([isIdle, await watching.isRunning(entry)]).toEqual([false, true]);
  upload.pause();
  await environment.clock.run(idle);
  expect(await watching.isRunning(entry)).toBe(false);
  expect((await environment.clock.run(watching.unfinished()))[0]).not.toHaveProperty("isRunning");
});

test.each(["aborted_by_administrator", "expired", null])(
  "who aborted it elsewhere is told: %s",
  async (code) => {
    const environment = new TestEnvironment();
    const upload = environment.open().upload(fileOf(500));
    await environment.arrive(5);
    const row = environment.backend.only;
    row.state = "aborted";
    row.error = code === null ? null : { code, title: "The upload was aborted", detail: "In words." };
    const gone = { title: "Not allowed", detail: "It was aborted.", code: "wrong_state" };
    environment.backend.fault = ({ path }) => (path.endsWith("sign/") ? json(409, gone) : undefined);
    await environment.reach(upload, "aborted");
    const error = await upload.done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ code: "aborted", reason: code });
    if (code) expect(error).toMatchObject({ detail: "In words.", sentence: null });
  },
);

test("the limits of the destination and the link of an upload are one call each", async () => {
  const environment = new TestEnvironment();
  const uploader = environment.open({ destination: "my films" });
  environment.backend.fault = () => json(200, { max_size: 5, url: "https://oss.test/film.mp4" });
  expect(await environment.clock.run(uploader.allowance())).toMatchObject({ max_size: 5 });
  expect(await environment.clock.run(uploader.downloadLink("u1", { inline: true }))).toMatchObject({
    url: "https://oss.test/film.mp4",
  });
  expect(environment.backend.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET destinations/my%20films/",
    "GET uploads/u1/download/",
  ]);
  expect(environment.backend.calls[1]?.query.get("inline")).toBe("true");
});
