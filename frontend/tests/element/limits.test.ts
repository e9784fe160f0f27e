// What a destination accepts, in the words and the units of the page.

import { expect, test } from "vitest";
import { withoutDirections } from "../../src/element/dom.ts";
import { Limits } from "../../src/element/limits.ts";
import { Localization } from "../../src/element/localization.ts";
import { isCostly } from "../../src/element/undo.ts";
import type { Allowance } from "../../src/engine/allowance.ts";

const NONE: Allowance = {
  name: "clips",
  max_size: null,
  content_types: [],
  uploads_left: null,
  max_bytes_per_day: null,
  bytes_left: null,
  downloads: false,
};

const file = (name: string, size: number, type = "video/mp4") => ({
  file: new File([new Uint8Array(size)], name, { type }),
  path: name,
});

function limits(allowance: Partial<Allowance>, localization = new Localization(), now = allowance): Limits {
  return new Limits({ ...NONE, ...allowance }, localization, {
    allowance: async () => ({ ...NONE, ...now }),
  });
}

test("the limits are said before a file is chosen", async () => {
  const localization = new Localization();
  const clips = limits({ max_size: 5_000_000, content_types: ["video/*", "application/pdf"] }, localization);
  expect(clips.text).toBe("Only videos or PDF. At most 5 MB per file. Interrupted uploads can be resumed.");
  await localization.setLanguage("zh-CN");
  expect(clips.text).toBe("仅限视频或PDF。每个文件最大 5 MB。中断的上传可以继续。");
});

test("a file that is too large is refused in one sentence; the others are taken", async () => {
  const [small, large] = [file("small.mp4", 5_000_000), file("large.mp4", 8_000_000)];
  const { files, refusals } = await limits({ max_size: 5_000_000 }).admit([small, large]);
  expect(files).toEqual([small]);
  expect(refusals).toEqual(["“large.mp4” is 8 MB; 5 MB is the most here."]);
});

test("sizes that look the same are told in bytes", async () => {
  const { refusals } = await limits({ max_size: 5_000_000 }).admit([file("film.mp4", 5_000_001)]);
  expect(refusals).toEqual(["“film.mp4” is 5,000,001 bytes; 5,000,000 bytes is the most here."]);
});

test.each([
  ["video/*", "video/mp4", true],
  ["video/*", "VIDEO/MP4", true],
  ["image/p*", "image/png", true],
  ["image/p*", "image/jpeg", false],
  ["text/plain", "text/plain;charset=utf-8", true],
  ["application/x.y", "application/xzy", false],
  ["application/octet-stream", "", true],
  ["image/[jp]*", "text/html", true], // Left to the backend.
])("%s and a file of the type %j: %s", async (pattern, type, accepted) => {
  const { files } = await limits({ content_types: [pattern] }).admit([file("file", 1, type)]);
  expect(files.length === 1).toBe(accepted);
});

test("the file dialog gets the types, unless it cannot express them", () => {
  expect(limits({ content_types: ["video/*", "image/png"] }).types).toEqual(["video/*", "image/png"]);
  expect(limits({ content_types: ["video/*", "image/p*"] }).types).toEqual([]);
  expect(limits({ content_types: ["text/*"] }).types).toEqual([]);
});

test("what is left of the quota is asked anew, and the chosen files share it", async () => {
  const quota = limits({ bytes_left: 100 }, undefined, { bytes_left: 5 });
  const { files, refusals } = await quota.admit([file("a", 3), file("b", 3), file("c", 2)]);
  expect(files.map(({ path }) => path)).toEqual(["a", "c"]);
  expect(refusals).toEqual(["“b” is 3 bytes; you can upload 2 bytes more within 24 hours."]);
  const none = await limits({ uploads_left: 1 }, undefined, { uploads_left: 0 }).admit([file("a", 3)]);
  expect([none.files.length, none.refusals.length]).toEqual([0, 1]);
});

test("files of a folder are left to the backend's quota, but not to its other limits", async () => {
  const inFolder = (name: string, size: number, type?: string) => ({
    ...file(name, size, type),
    path: `holiday/${name}`,
  });
  const full = limits({ max_size: 5, content_types: ["video/*"], uploads_left: 0, bytes_left: 1 });
  const chosen = [inFolder("a", 5), inFolder("b", 6), inFolder("c", 1, "text/plain"), file("d", 1)];
  const { files, refusals } = await full.admit(chosen);
  expect(files.map(({ path }) => path)).toEqual(["holiday/a"]);
  expect(refusals).toEqual([
    "“holiday/b” is 6 bytes; 5 bytes is the most here.",
    "“holiday/c” cannot be uploaded here. Only videos can.",
    "You have too many unfinished uploads. Finish or discard one, then choose the files again.",
  ]);
});

test("many refusals are counted", async () => {
  const many = Array.from({ length: 12 }, (_, n) => file(`${n}`, 9));
  const { refusals } = await limits({ max_size: 5 }).admit(many);
  expect(refusals).toHaveLength(6);
  expect(refusals[5]).toBe("Other files that cannot be uploaded here: 7");
});

test("a name cannot turn the text round it", () => {
  expect(withoutDirections("photo\u202egpj.exe")).toBe("photogpj.exe");
  expect(withoutDirections("תמונה.png")).toBe("תמונה.png");
});

test.each([
  [{ loaded: 0, speed: null }, false],
  [{ loaded: 2_000_000, speed: 1_000_000 }, false],
  [{ loaded: 4_000_000, speed: 1_000_000 }, true],
  [{ loaded: 4_000_000, speed: null }, true],
])("whether %j is lost without a question", (progress, costly) => {
  expect(isCostly(progress)).toBe(costly);
});
