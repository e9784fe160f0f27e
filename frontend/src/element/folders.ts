// The folders of the element: chosen, dropped, resumed and discarded. Loaded with the first folder.

import { requestPermission } from "../browser/handles.ts";
import type { FolderFileEvent } from "../engine/folder-live.ts";
import { otherFile } from "../engine/resuming.ts";
import type { Upload } from "../engine/upload.ts";
import type { OssUploader } from "../engine/uploader.ts";
import { byFolder } from "./by-folder.ts";
import type { UploadCollection } from "./collection.ts";
import { h } from "./dom.ts";
import type { DropZone } from "./drop-zone.ts";
import type { ChosenFile } from "./files.ts";
import { FolderReader, readList, yieldToPage } from "./folder-reader.ts";
import { FolderRow } from "./folder-row.ts";
import { ReadingNote } from "./reading-note.ts";

export interface FolderPorts {
  readonly zone: DropZone;
  readonly collection: UploadCollection;
  uploader(): OssUploader;
  /** A file of a folder has become an upload. */
  onupload(upload: Upload): void;
  /** A folder, by its name with a slash, is no longer unfinished. */
  onsettled(path: string): void;
}

interface WindowWithPicker {
  showDirectoryPicker?(): Promise<FileSystemDirectoryHandle>;
}

export class ElementFolders {
  constructor(readonly ports: FolderPorts) {}

  /** Uploads the files, each folder as one row before the item `before`. */
  async accept(chosen: readonly ChosenFile[], before: Node | null): Promise<void> {
    const { uploader, collection, zone } = this.ports;
    const folders = await uploader().folders();
    await yieldToPage();
    for (const [name, files] of byFolder(chosen, ({ path }) => path)) {
      await yieldToPage();
      const handle = files[0]?.folder;
      const folder = folders.upload(name.slice(0, -1), files, handle && { handle });
      folder.addEventListener("upload", (event) => this.ports.onupload((event as FolderFileEvent).upload));
      const row = new FolderRow(folder, zone.ports.localization);
      // It has what the list, the summary and the announcer need of an upload.
      collection.add(folder as unknown as Upload, before, row);
      this.ports.onsettled(name);
    }
  }

  /** Lets the user choose a folder: by the picker that returns a handle, or else by a file input. */
  async choose(): Promise<void> {
    this.ports.zone.ports.onfiles(await this.#chosen());
  }

  /** Resumes an interrupted folder. Rejects with FileError when the user chooses another one. */
  async resume(name: string, handle?: FileSystemDirectoryHandle): Promise<void> {
    if (handle) await requestPermission(handle);
    const files = await (handle ? this.#read(handle) : this.#chosen());
    const other = files.find(({ path }) => !path.startsWith(`${name}/`));
    if (other) throw otherFile(other.path.replace(/\/.*/, ""), name);
    this.ports.zone.ports.onfiles(files);
  }

  /** Aborts what is unfinished of the folder. */
  async discard(name: string): Promise<void> {
    await (await this.ports.uploader().folders()).discard(name);
    this.ports.onsettled(`${name}/`);
    this.ports.collection.announce("announce_aborted", name);
  }

  /** None when the user cancels. */
  async #chosen(): Promise<readonly ChosenFile[]> {
    try {
      const handle = await (globalThis as WindowWithPicker).showDirectoryPicker?.();
      if (handle) return await this.#read(handle);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return [];
      // The picker is not allowed here, as in frames of other origins.
    }
    return this.#chosenByInput();
  }

  async #chosenByInput(): Promise<readonly ChosenFile[]> {
    const input = h("input", {
      type: "file",
      webkitdirectory: true,
      hidden: true,
      "data-testid": "folder-input",
    });
    this.ports.zone.element.append(input);
    const list = await new Promise<FileList | null>((resolve) => {
      input.addEventListener("change", () => resolve(input.files));
      input.addEventListener("cancel", () => resolve(null));
      input.click();
    });
    input.remove();
    return list ? this.#noting((onprogress) => readList(list, onprogress)) : [];
  }

  async #read(handle: FileSystemDirectoryHandle): Promise<readonly ChosenFile[]> {
    const read = (onprogress: (count: number) => void) => new FolderReader(onprogress).readHandle(handle);
    const { files, unreadable } = await this.#noting(read);
    if (unreadable.length > 0) this.ports.zone.ports.onunreadable(unreadable);
    return files;
  }

  async #noting<T>(read: (onprogress: (count: number) => void) => Promise<T>): Promise<T> {
    const note = new ReadingNote(this.ports.zone.ports.localization, this.ports.zone.element);
    try {
      return await read(note.show);
    } finally {
      note.remove();
    }
  }
}
