// Reads dropped files and folders. Loaded with the first drop.

import type { ChosenFile, DroppedFiles, DroppedItem } from "./files.ts";
import { FolderReader } from "./folder-reader.ts";

export { ReadingNote } from "./reading-note.ts";

/** The dropped files, and all files within dropped folders. `onprogress` receives the number of files found so far. */
export async function filesOf(
  dropped: readonly DroppedItem[],
  onprogress: (count: number) => void = () => {},
): Promise<DroppedFiles> {
  const reader = new FolderReader(onprogress);
  const read = async ({ entry, handle }: DroppedItem): Promise<DroppedFiles> => {
    const kept = await handle;
    if (entry instanceof File)
      return { files: [withHandle({ file: entry, path: entry.name }, kept)], unreadable: [] };
    if (!entry) return { files: [], unreadable: [] };
    const { files, unreadable } = await reader.readEntry(entry);
    return { files: files.map((file) => withHandle(file, kept)), unreadable };
  };
  const all = await Promise.all(dropped.map(read));
  return {
    files: all.flatMap(({ files }) => files),
    unreadable: all.flatMap(({ unreadable }) => unreadable),
  };
}

function withHandle(chosen: ChosenFile, handle: FileSystemHandle | null): ChosenFile {
  if (handle?.kind === "file") return { ...chosen, handle: handle as FileSystemFileHandle };
  return handle ? { ...chosen, folder: handle as FileSystemDirectoryHandle } : chosen;
}
