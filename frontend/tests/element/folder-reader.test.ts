// Reading folders: what is found, in which order, and what cannot be read.

import { expect, test } from "vitest";
import { FolderReader } from "../../src/element/folder-reader.ts";

type Content = { readonly [name: string]: Content | "file" | "unreadable" };

/** As the entries of a drop: a folder gives two children at a time. */
function entryOf(content: Content | "file" | "unreadable", fullPath: string): FileSystemEntry {
  const name = fullPath.split("/").at(-1) ?? "";
  if (typeof content === "string") {
    const file = (found: (file: File) => void, failed: (error: Error) => void) =>
      content === "file" ? found(new File(["x"], name)) : failed(new Error("gone"));
    return { isFile: true, isDirectory: false, name, fullPath, file } as unknown as FileSystemEntry;
  }
  const children = Object.entries(content).map(([name, one]) => entryOf(one, `${fullPath}/${name}`));
  const createReader = () => ({
    readEntries: (found: (some: FileSystemEntry[]) => void) => found(children.splice(0, 2)),
  });
  return { isFile: false, isDirectory: true, name, fullPath, createReader } as unknown as FileSystemEntry;
}

test("all files of a folder and the folders within are found, in the order of the folder", async () => {
  const within: Content = { "c.txt": "file", deeper: { "d.txt": "file" }, "e.txt": "file" };
  const folder: Content = { "a.txt": "file", within, "f.txt": "unreadable", empty: {}, "g.txt": "file" };
  const counts: number[] = [];
  const reader = new FolderReader((count) => counts.push(count));
  const { files, unreadable } = await reader.readEntry(entryOf(folder, "/holiday"), null, null);
  expect(files.map(({ path }) => path)).toEqual([
    "holiday/a.txt",
    "holiday/within/c.txt",
    "holiday/within/deeper/d.txt",
    "holiday/within/e.txt",
    "holiday/g.txt",
  ]);
  expect(unreadable).toEqual(["holiday/f.txt"]);
  expect(counts.at(-1)).toBe(5);
});
