// The files that the user chose, dropped or pasted, with the folders that they were dropped in.
// A browser forgets a drop's entries after the event, so they are read before anything is awaited.

export interface ChosenFile {
  readonly file: File;
  /** The name with the folders that the file was dropped in: `holiday/day 1/beach.jpg`. */
  readonly path: string;
  /** Opens the file again after a reload, in browsers that have such handles. */
  readonly handle?: FileSystemFileHandle;
}

export interface DroppedFiles {
  readonly files: readonly ChosenFile[];
  /** Paths of files and folders that could not be read. */
  readonly unreadable: readonly string[];
}

/** A dropped file or folder. Only a file's handle is used. */
interface DroppedItem {
  readonly entry: FileSystemEntry | File | null;
  readonly handle: Promise<FileSystemHandle | null>;
}

interface ItemWithHandle extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

/** The dropped files, and all files within dropped folders. */
export function droppedFiles(data: DataTransfer | null): Promise<DroppedFiles> {
  const items = [...(data?.items ?? [])].filter((item) => item.kind === "file");
  const dropped = items.map((item: ItemWithHandle) => ({
    entry: item.webkitGetAsEntry?.() ?? item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
  }));
  return walk(dropped);
}

async function walk(dropped: readonly DroppedItem[]): Promise<DroppedFiles> {
  const files: ChosenFile[] = [];
  const unreadable: string[] = [];
  const visit = async (entry: FileSystemEntry, handle: FileSystemHandle | null): Promise<void> => {
    const path = entry.fullPath.replace(/^\//, "") || entry.name;
    try {
      if (entry.isFile) files.push(chosenFile(await fileOf(entry as FileSystemFileEntry), path, handle));
      else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await visit(child, null);
    } catch {
      unreadable.push(path);
    }
  };
  for (const { entry, handle } of dropped) {
    if (entry instanceof File) files.push(chosenFile(entry, entry.name, await handle));
    else if (entry) await visit(entry, await handle);
  }
  return { files, unreadable };
}

function chosenFile(file: File, path: string, handle: FileSystemHandle | null): ChosenFile {
  return handle?.kind === "file" ? { file, path, handle: handle as FileSystemFileHandle } : { file, path };
}

interface WindowWithPicker {
  showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
}

/**
 * Files with handles, from the dialog of the File System Access API. An empty list when the user cancels; null where the
 * browser has no such dialog, or does not allow it.
 */
export async function pickedFiles(multiple: boolean): Promise<ChosenFile[] | null> {
  try {
    const handles = await (globalThis as WindowWithPicker).showOpenFilePicker?.({ multiple });
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

/** The pasted files. None while the user is typing in a field. */
export function pastedFiles(event: ClipboardEvent): ChosenFile[] {
  const target = event.composedPath()[0];
  const typing =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLElement && target.isContentEditable);
  if (event.defaultPrevented || typing) return [];
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) event.preventDefault(); // So that another <oss-uploader> of the page ignores them.
  return files.map(withoutHandle);
}

/** The files of a file input. Empties it, so that choosing the same file again is a change. */
export function takeFiles(input: HTMLInputElement): ChosenFile[] {
  const files = [...(input.files ?? [])];
  input.value = "";
  return files.map(withoutHandle);
}

function withoutHandle(file: File): ChosenFile {
  return { file, path: file.name };
}
