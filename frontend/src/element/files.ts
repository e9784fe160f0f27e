// The files that the user chose, dropped or pasted.
// A browser forgets a drop's entries after the event, so they are taken before anything is awaited.

export interface ChosenFile {
  readonly file: File;
  /** The name with the folders that the file was dropped in: `holiday/day 1/beach.jpg`. */
  readonly path: string;
  /** Opens the file again after a reload, in browsers that have such handles. */
  readonly handle?: FileSystemFileHandle;
  /** Reads the folder again after a reload. */
  readonly folder?: FileSystemDirectoryHandle;
}

export interface DroppedFiles {
  readonly files: readonly ChosenFile[];
  /** Paths of files and folders that could not be read. */
  readonly unreadable: readonly string[];
}

/** A dropped file or folder. */
export interface DroppedItem {
  readonly entry: FileSystemEntry | null;
  /** For an entry that is missing or cannot be read. For a folder it has no content. */
  readonly file: File | null;
  readonly handle: Promise<FileSystemHandle | null>;
}

interface ItemWithHandle extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

/** What was dropped, to be read by dropped.ts. */
export function droppedItems(data: DataTransfer | null): DroppedItem[] {
  const items = [...(data?.items ?? [])].filter((item) => item.kind === "file");
  return items.map((item: ItemWithHandle) => ({
    entry: item.webkitGetAsEntry?.() ?? null,
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null),
  }));
}

interface WindowWithPicker {
  showOpenFilePicker?(options: {
    multiple: boolean;
    types?: { accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle[]>;
}

/**
 * Files with handles, of these media types, from the dialog of the File System Access API. An empty list when the user cancels; null where the
 * browser has no such dialog, or does not allow it.
 */
export async function pickedFiles(multiple: boolean, types: readonly string[]): Promise<ChosenFile[] | null> {
  try {
    const accept = Object.fromEntries(types.map((type) => [type, []]));
    const options = { multiple, ...(types.length > 0 && { types: [{ accept }] }) };
    const handles = await (globalThis as WindowWithPicker).showOpenFilePicker?.(options);
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

/** Whether files are dragged, and over no file input, which takes them itself. */
export function dragsFiles(event: DragEvent): boolean {
  const target = event.composedPath()[0];
  if (event.defaultPrevented || (target instanceof HTMLInputElement && target.type === "file")) return false;
  return event.dataTransfer?.types.includes("Files") ?? false;
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
