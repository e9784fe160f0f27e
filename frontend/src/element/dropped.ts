// Reads dropped files and folders. Loaded with the first drop.

import type { DropZone } from "./drop-zone.ts";
import type { DroppedFiles, DroppedItem } from "./files.ts";
import { chosenFile, FolderReader, yieldToPage } from "./folder-reader.ts";
import { ReadingNote } from "./reading-note.ts";

/** Hands over what was dropped on the zone, and says how many files have been found meanwhile. */
export async function readDrop(dropped: readonly DroppedItem[], { ports, element }: DropZone): Promise<void> {
  const note = new ReadingNote(ports.localization, element);
  const { files, unreadable } = await filesOf(dropped, note.show).finally(() => note.remove());
  await yieldToPage();
  ports.onfiles(files);
  if (unreadable.length > 0) ports.onunreadable(unreadable);
}

/** The dropped files, and all files within dropped folders. `onprogress` receives the number of files found so far. */
export async function filesOf(
  dropped: readonly DroppedItem[],
  onprogress: (count: number) => void = () => {},
): Promise<DroppedFiles> {
  const reader = new FolderReader(onprogress);
  const read = async ({ entry, file, handle }: DroppedItem): Promise<DroppedFiles> => {
    const kept = await handle;
    if (entry) return reader.readEntry(entry, kept, file);
    return { files: file ? [chosenFile(file, file.name, kept)] : [], unreadable: [] };
  };
  const all = await Promise.all(dropped.map(read));
  return {
    files: all.flatMap(({ files }) => files),
    unreadable: all.flatMap(({ unreadable }) => unreadable),
  };
}
