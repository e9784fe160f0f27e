// Uploads of whole folders, and the backend's calls that concern them. Loaded with the first folder.

import type { Api } from "./api.ts";
import type { FolderFile } from "./folder-list.ts";
import { createFolderUpload, type FolderOptions, type FolderUpload } from "./folder-upload.ts";
import { abortFolder, folderId } from "./held-files.ts";
import type { OssUploader } from "./uploader.ts";

/** Internal: pages call `OssUploader.folders`. */
export let createFolders: (uploader: OssUploader, api: Api) => Folders;

export class Folders {
  readonly #api: Api;

  static {
    createFolders = (uploader, api) => new Folders(uploader, api);
  }

  private constructor(
    readonly uploader: OssUploader,
    api: Api,
  ) {
    this.#api = api;
  }

  /**
   * Starts to upload a folder, and returns its upload at once. The path of each file begins with the folder's name.
   * When an upload of the folder was interrupted, here or on another device, the files that have arrived are skipped.
   */
  upload(name: string, files: readonly FolderFile[], options: FolderOptions = {}): FolderUpload {
    const upload = createFolderUpload(this.uploader, this.#api, name, files, options);
    upload.start();
    return upload;
  }

  /** Aborts what is unfinished of a folder, and forgets that it was interrupted. Rejects with UploadError. */
  async discard(name: string): Promise<void> {
    const { destination } = this.uploader;
    await abortFolder(this.#api, destination, name);
    await this.#api.environment.journal.forget(folderId(destination, name));
  }
}
