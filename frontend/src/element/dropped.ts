// What was dropped or pasted: files, and the files in folders with the way to them.
// Its one rule: entries are taken at once, since the browser forgets them after the event; what cannot be read is left
// out and told.

export interface Chosen {
  readonly file: File;
  /** With the folders that it lies in: `holiday/day 1/beach.jpg`. */
  readonly path: string;
  /** By which the browser may open the file again after a reload. */
  readonly handle?: FileSystemFileHandle;
}

export interface Dropped {
  readonly chosen: readonly Chosen[];
  /** Paths of what could not be read. */
  readonly unreadable: readonly string[];
}

/** A dropped thing, and its handle where the browser gives one; a folder's is of no use here. */
interface Thing {
  readonly entry: FileSystemEntry | File | null;
  readonly handle: Promise<FileSystemHandle | null>;
}

interface GivesHandle extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

export function droppedFiles(data: DataTransfer | null): Promise<Dropped> {
  const items = [...(data?.items ?? [])].filter((item) => item.kind === "file");
  const things = items.map((item: GivesHandle) => ({
    entry: item.webkitGetAsEntry?.() ?? item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
  }));
  return walk(things);
}

async function walk(things: readonly Thing[]): Promise<Dropped> {
  const chosen: Chosen[] = [];
  const unreadable: string[] = [];
  const visit = async (entry: FileSystemEntry, handle: FileSystemHandle | null): Promise<void> => {
    const path = entry.fullPath.replace(/^\//, "") || entry.name;
    try {
      if (entry.isFile) chosen.push(choice(await fileOf(entry as FileSystemFileEntry), path, handle));
      else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await visit(child, null);
    } catch {
      unreadable.push(path);
    }
  };
  for (const { entry, handle } of things) {
    if (entry instanceof File) chosen.push(choice(entry, entry.name, await handle));
    else if (entry) await visit(entry, await handle);
  }
  return { chosen, unreadable };
}

function choice(file: File, path: string, handle: FileSystemHandle | null): Chosen {
  return handle?.kind === "file" ? { file, path, handle: handle as FileSystemFileHandle } : { file, path };
}

interface Picker {
  showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
}

/**
 * Files from the browser's own chooser that gives handles; none when the person chose none, null where there is no such
 * chooser, or it is forbidden.
 */
export async function pickedFiles(multiple: boolean): Promise<Chosen[] | null> {
  try {
    const handles = await (globalThis as Picker).showOpenFilePicker?.({ multiple });
    if (!handles) return null;
    const choose = async (handle: FileSystemFileHandle) => {
      const file = await handle.getFile();
      return { file, path: file.name, handle };
    };
    return await Promise.all(handles.map(choose));
  } catch (error) {
    return error instanceof DOMException && error.name === "AbortError" ? [] : null;
  }
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
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) event.preventDefault(); // Another uploader of the page leaves them alone.
  return files.map((file) => ({ file, path: file.name }));
}
