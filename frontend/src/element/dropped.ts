// Reads dropped files and folders. Loaded with the first drop.

import type { ChosenFile, DroppedFiles, DroppedItem } from "./files.ts";

/** The dropped files, and all files within dropped folders. */
export async function filesOf(dropped: readonly DroppedItem[]): Promise<DroppedFiles> {
  const files: ChosenFile[] = [];
  const unreadable: string[] = [];
  const visit = async (
    entry: FileSystemEntry,
    handle: FileSystemHandle | null = null,
    fallback: File | null = null,
  ): Promise<void> => {
    const path = entry.fullPath.replace(/^\//, "") || entry.name;
    try {
      if (entry.isFile) {
        const read = fileOf(entry as FileSystemFileEntry);
        const file = await (fallback ? read.catch(() => fallback) : read);
        files.push(chosenFile(file, path, handle));
      } else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await visit(child);
    } catch {
      unreadable.push(path);
    }
  };
  for (const { entry, file, handle } of dropped) {
    if (entry) await visit(entry, await handle, file);
    else if (file) files.push(chosenFile(file, file.name, await handle));
  }
  return { files, unreadable };
}

function chosenFile(file: File, path: string, handle: FileSystemHandle | null): ChosenFile {
  return handle?.kind === "file" ? { file, path, handle: handle as FileSystemFileHandle } : { file, path };
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader returns about a hundred entries at a time, and an empty list at the end. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}
