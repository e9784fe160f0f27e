// Reads folders, several at a time: dropped ones, and those of the directory picker. Loaded with the first folder.

import type { ChosenFile } from "./files.ts";

/** Folders that are read at the same time. */
const FOLDERS_AT_ONCE = 8;
/** Files that are opened at the same time in one folder, and after which the page may react to its user. */
const FILES_AT_ONCE = 100;

/** A file or a folder to read. `open` and `children` reject when it cannot be read. */
interface Node {
  readonly path: string;
  open?(): Promise<File>;
  children?(): AsyncIterable<readonly Node[]>;
}

interface Task {
  readonly node: Node;
  /** Of the file or folder that was chosen. */
  readonly handle: FileSystemHandle | null;
}

export interface ReadFolder {
  /** In the order of the folder. */
  readonly files: readonly ChosenFile[];
  readonly unreadable: readonly string[];
}

export class FolderReader {
  readonly #unreadable: string[] = [];
  readonly #waiting: (() => void)[] = [];
  #reading = 0;
  #count = 0;

  /** `onprogress` receives the number of files found so far. */
  constructor(readonly onprogress: (count: number) => void) {}

  /**
   * All files below a dropped file or folder; `handle`: that of the same. `fallback`: the file, where its entry cannot be
   * read.
   */
  readEntry(
    entry: FileSystemEntry,
    handle: FileSystemHandle | null,
    fallback: File | null,
  ): Promise<ReadFolder> {
    const node = nodeOfEntry(entry);
    const open = node.open;
    return this.#all(open && fallback ? { ...node, open: () => open().catch(() => fallback) } : node, handle);
  }

  /** All files below a folder; their paths begin with its name. */
  readHandle(handle: FileSystemDirectoryHandle): Promise<ReadFolder> {
    return this.#all(nodeOfHandle(handle, handle.name), handle);
  }

  async #all(node: Node, handle: FileSystemHandle | null): Promise<ReadFolder> {
    const files = flat(await this.#read({ node, handle }));
    return { files, unreadable: this.#unreadable.splice(0) };
  }

  async #read({ node, handle }: Task): Promise<Tree> {
    try {
      if (node.open) return [await this.#file(node.path, node.open, handle)];
      return node.children ? await this.#children(node.children(), handle) : [];
    } catch {
      this.#unreadable.push(node.path);
      return [];
    }
  }

  /** Reads the names first, so that no more than a few folders are open, then the folders within. */
  async #children(children: AsyncIterable<readonly Node[]>, handle: Task["handle"]): Promise<Tree> {
    const found: (ChosenFile | Node)[] = [];
    await this.#acquire();
    try {
      for await (const nodes of children) {
        found.push(
          ...(await Promise.all(nodes.map((node) => (node.open ? this.#leaf({ node, handle }) : node)))),
        );
        await yieldToPage();
      }
    } finally {
      this.#release();
    }
    return this.#withFolders(found, handle);
  }

  /** Promises for the folders alone: 100,000 of them for files would block the page. */
  async #withFolders(found: readonly (ChosenFile | Node)[], handle: Task["handle"]): Promise<Tree> {
    const tree: (ChosenFile | Tree)[] = [];
    const folders: Promise<void>[] = [];
    for (const [index, one] of found.entries()) {
      if ("file" in one) tree[index] = one;
      else {
        const read = async () => {
          tree[index] = await this.#read({ node: one, handle });
        };
        folders.push(read());
      }
    }
    await Promise.all(folders);
    return tree;
  }

  async #leaf(task: Task): Promise<ChosenFile | Node> {
    const [file] = await this.#read(task);
    return (file as ChosenFile | undefined) ?? { path: task.node.path };
  }

  async #file(path: string, open: () => Promise<File>, handle: Task["handle"]): Promise<ChosenFile> {
    const file = await open();
    this.#count += 1;
    this.onprogress(this.#count);
    return chosenFile(file, path, handle);
  }

  async #acquire(): Promise<void> {
    if (this.#reading < FOLDERS_AT_ONCE) this.#reading += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#reading -= 1;
  }
}

export function chosenFile(file: File, path: string, handle: FileSystemHandle | null): ChosenFile {
  if (handle?.kind === "file") return { file, path, handle: handle as FileSystemFileHandle };
  return handle ? { file, path, folder: handle as FileSystemDirectoryHandle } : { file, path };
}

/** Lets the page react to its user, and draw. */
export function yieldToPage(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

type Tree = readonly (ChosenFile | Tree)[];

function flat(tree: Tree): ChosenFile[] {
  const files: ChosenFile[] = [];
  const add = (branch: Tree) => {
    for (const one of branch) {
      if ("file" in one) files.push(one);
      else add(one);
    }
  };
  add(tree);
  return files;
}

function nodeOfEntry(entry: FileSystemEntry): Node {
  const path = entry.fullPath.replace(/^\//, "") || entry.name;
  if (entry.isFile) {
    const { file } = entry as FileSystemFileEntry;
    return { path, open: () => new Promise((resolve, reject) => file.call(entry, resolve, reject)) };
  }
  return { path, children: () => entriesOf(entry as FileSystemDirectoryEntry) };
}

/** A reader returns about a hundred entries at a time, and an empty list at the end. */
async function* entriesOf(entry: FileSystemDirectoryEntry): AsyncGenerator<readonly Node[]> {
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    yield some.map(nodeOfEntry);
  }
}

function nodeOfHandle(handle: FileSystemHandle, path: string): Node {
  if (handle.kind === "file") return { path, open: () => (handle as FileSystemFileHandle).getFile() };
  return { path, children: () => handlesOf(handle as FileSystemDirectoryHandle, path) };
}

async function* handlesOf(handle: FileSystemDirectoryHandle, path: string): AsyncGenerator<readonly Node[]> {
  let some: Node[] = [];
  for await (const child of handle.values()) {
    some.push(nodeOfHandle(child, `${path}/${child.name}`));
    if (some.length < FILES_AT_ONCE) continue;
    yield some;
    some = [];
  }
  yield some;
}

/** The files of an input with `webkitdirectory`. */
export async function readList(
  list: FileList,
  onprogress: (count: number) => void,
): Promise<readonly ChosenFile[]> {
  const files: ChosenFile[] = [];
  for (let index = 0; index < list.length; index++) {
    const file = list.item(index);
    if (file) files.push({ file, path: file.webkitRelativePath || file.name });
    if (index % FILES_AT_ONCE === FILES_AT_ONCE - 1) {
      onprogress(files.length);
      await yieldToPage();
    }
  }
  return files;
}
