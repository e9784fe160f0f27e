import { beforeEach, expect, test } from "vitest";
import { MemoryJournal, StorageJournal } from "../src/journal.ts";
import type { JournalEntry } from "../src/ports.ts";

class FakeStorage implements Storage {
  readonly items = new Map<string, string>();
  full = false;
  get length() {
    return this.items.size;
  }
  key(index: number) {
    return [...this.items.keys()][index] ?? null;
  }
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
  removeItem(key: string) {
    this.items.delete(key);
  }
  clear() {
    this.items.clear();
  }
}

const entry: JournalEntry = {
  id: "a",
  destination: "default",
  filename: "film.mp4",
  size: 100,
  fingerprint: "v1-x",
  bytesDone: 40,
  updatedAt: "2031-05-06T07:08:09Z",
};

let storage: FakeStorage;
beforeEach(() => {
  storage = new FakeStorage();
});

test.each([
  ["in memory", () => new MemoryJournal()],
  ["in the browser's storage", () => new StorageJournal(storage)],
])("%s: what is recorded is listed, replaced and forgotten", (_, make) => {
  const journal = make();
  journal.record(entry);
  journal.record({ ...entry, id: "b", fingerprint: null });
  journal.record({ ...entry, bytesDone: 50 });
  expect(journal.list()).toEqual([
    { ...entry, bytesDone: 50 },
    { ...entry, id: "b", fingerprint: null },
  ]);
  journal.forget("a");
  expect(journal.list().map(({ id }) => id)).toEqual(["b"]);
});

test.each([
  ["not JSON", "{"],
  ["nothing", "null"],
  ["a list", "[]"],
  ["a field missing", JSON.stringify({ ...entry, filename: undefined })],
  ["a size that is none", JSON.stringify({ ...entry, size: "100" })],
  ["a fingerprint that is none", JSON.stringify({ ...entry, fingerprint: 7 })],
  ["another upload's entry", JSON.stringify({ ...entry, id: "z" })],
])("a damaged entry is dropped, the others stay: %s", (_, damage) => {
  const journal = new StorageJournal(storage);
  journal.record({ ...entry, id: "sound" });
  storage.setItem("oss-uploads:a", damage);
  storage.setItem("somebody-elses", "{");
  expect(journal.list().map(({ id }) => id)).toEqual(["sound"]);
  expect([...storage.items.keys()]).toEqual(["oss-uploads:sound", "somebody-elses"]);
});

test("a full storage is no trouble: the backend remembers anyway", () => {
  storage.full = true;
  const journal = new StorageJournal(storage);
  journal.record(entry);
  expect(journal.list()).toEqual([]);
});
