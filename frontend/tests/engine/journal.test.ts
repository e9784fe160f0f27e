import "fake-indexeddb/auto";
import { createStore, entries, set } from "idb-keyval";
import { beforeEach, expect, test } from "vitest";
import { BrowserJournal, MemoryJournal } from "../../src/engine/journal.ts";
import type { JournalEntry } from "../../src/engine/ports.ts";

const entry: JournalEntry = {
  id: "a",
  destination: "default",
  filename: "film.mp4",
  size: 100,
  fingerprint: "v1-x",
  bytesDone: 40,
  updatedAt: "2031-05-06T07:08:09Z",
};

beforeEach(async () => {
  const { IDBFactory } = await import("fake-indexeddb");
  globalThis.indexedDB = new IDBFactory();
});

test.each([
  ["in memory", () => new MemoryJournal()],
  ["in the browser's storage", () => new BrowserJournal()],
])("%s: what is recorded is listed, replaced and forgotten", async (_, make) => {
  const journal = make();
  await journal.record(entry);
  await journal.record({ ...entry, id: "b", fingerprint: null });
  await journal.record({ ...entry, bytesDone: 50 });
  expect(await journal.list()).toEqual([
    { ...entry, bytesDone: 50 },
    { ...entry, id: "b", fingerprint: null },
  ]);
  await journal.forget("a");
  expect((await journal.list()).map(({ id }) => id)).toEqual(["b"]);
});

test("the next page lists what one page recorded, with the handle", async () => {
  const handle = { kind: "file", name: "film.mp4" } as FileSystemFileHandle;
  await new BrowserJournal().record({ ...entry, handle });
  expect(await new BrowserJournal().list()).toEqual([{ ...entry, handle }]);
});

test.each([
  ["nothing", null],
  ["text", "{"],
  ["a list", []],
  ["a field missing", { ...entry, filename: undefined }],
  ["a size that is none", { ...entry, size: "100" }],
  ["a fingerprint that is none", { ...entry, fingerprint: 7 }],
  ["a handle that is none", { ...entry, handle: "film.mp4" }],
  ["another upload's entry", { ...entry, id: "z" }],
])("a damaged entry is dropped, and the others are kept: %s", async (_, damage) => {
  const store = createStore("oss-uploads", "unfinished");
  const journal = new BrowserJournal();
  await journal.record({ ...entry, id: "sound" });
  await set("a", damage, store);
  expect((await journal.list()).map(({ id }) => id)).toEqual(["sound"]);
  expect((await entries(store)).map(([key]) => key)).toEqual(["sound"]);
});

test("storage that is forbidden is ignored", async () => {
  globalThis.indexedDB = {
    open: () => {
      throw new DOMException("forbidden", "SecurityError");
    },
  } as unknown as IDBFactory;
  const journal = new BrowserJournal();
  await journal.record(entry);
  await journal.forget("a");
  expect(await journal.list()).toEqual([]);
});
