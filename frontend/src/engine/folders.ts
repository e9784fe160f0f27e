// Uploads of whole folders, and the backend's calls that concern them. Loaded with the first folder.

import type { FolderFile } from "./folder-list.ts";
import type { FolderHost, FolderOptions } from "./folder-options.ts";
import { createFolderUpload, type FolderUpload } from "./folder-upload.ts";
import { abortFolder, folderId } from "./held-files.ts";

/** Internal: pages call `OssUploader.folders`. */
export let createFolders: (host: FolderHost) => Folders;

/** The folders of an uploader. */
export class Folders {
  readonly #host: FolderHost;

  static {
    createFolders = (host) => new Folders(host);
  }

  private constructor(host: FolderHost) {
    this.#host = host;
  }

  /**
   * Starts to upload a folder, and returns its upload at once. The path of each file begins with the folder's name.
   * When an upload of the folder was interrupted, here or on another device, the files that have arrived are skipped.
   */
  upload(name: string, files: readonly FolderFile[], options: FolderOptions = {}): FolderUpload {
    const upload = createFolderUpload(this.#host, name, files, options);
    upload.start();
    return upload;
  }

  /** Aborts what is unfinished of a folder, and forgets that it was interrupted. Rejects with UploadError. */
  async discard(name: string): Promise<void> {
    const { uploader, api } = this.#host;
    const { destination } = uploader;
    await abortFolder(api, destination, name);
    await api.environment.journal.forget(folderId(destination, name));
  }
}
