// What the upload of a folder is given: by the page, and by its uploader.

import type { Api } from "./api.ts";
import type { Upload } from "./upload.ts";
import type { OssUploader } from "./uploader.ts";

/** Options of one folder. */
export interface FolderOptions {
  /** Kept in this browser until the folder is uploaded, so that it can be read again without a dialog. */
  readonly handle?: FileSystemDirectoryHandle;
}

/** The uploader of a folder. */
export interface FolderHost {
  readonly uploader: OssUploader;
  readonly api: Api;
  /** Removes an upload from the uploader's, which would keep 100,000 of them. */
  forget(upload: Upload): void;
}
