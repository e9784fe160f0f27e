// What was dropped or pasted: files, and the files in folders with the way to them.
// Its one rule: entries are taken at once, since the browser forgets them after the event; what cannot be read is left
// out and told.

export interface Chosen {
  readonly file: File;
  /** With the folders that it lies in: `holiday/day 1/beach.jpg`. */
  readonly path: string;
}

export interface Dropped {
  readonly chosen: readonly Chosen[];
  /** Paths of what could not be read. */
  readonly unreadable: readonly string[];
}

export function droppedFiles(data: DataTransfer | null): Promise<Dropped> {
  const items = [...(data?.items ?? [])].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  return walk(entries);
}

async function walk(entries: readonly (FileSystemEntry | File | null)[]): Promise<Dropped> {
  const chosen: Chosen[] = [];
  const unreadable: string[] = [];
  const visit = async (entry: FileSystemEntry | File | null): Promise<void> => {
    if (!entry) return;
    if (entry instanceof File) {
      chosen.push({ file: entry, path: entry.name });
      return;
    }
    const path = entry.fullPath.replace(/^\//, "") || entry.name;
    try {
      if (entry.isFile) chosen.push({ file: await fileOf(entry as FileSystemFileEntry), path });
      else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await visit(child);
    } catch {
      unreadable.push(path);
    }
  };
  for (const entry of entries) await visit(entry);
  return { chosen, unreadable };
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives a hundred at a time, and an empty list at the end. */
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

/** What was pasted, unless somebody is writing. */
export function pastedFiles(event: ClipboardEvent): Chosen[] {
  const target = event.composedPath()[0];
  const writing =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLElement && target.isContentEditable);
  if (event.defaultPrevented || writing) return [];
  return [...(event.clipboardData?.files ?? [])].map((file) => ({ file, path: file.name }));
}
