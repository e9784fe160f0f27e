// The events of <oss-uploader>. All of them bubble, and cross the borders of shadow trees.

import type { UploadError } from "../engine/errors.ts";
import type { Upload } from "../engine/upload.ts";

export interface OssUploaderEventMap {
  /** Before files are uploaded. `preventDefault()` refuses them. */
  "oss-uploader-accept": CustomEvent<{ readonly files: readonly File[] }>;
  /** An upload was added. */
  "oss-uploader-accepted": CustomEvent<{ readonly upload: Upload }>;
  "oss-uploader-completed": CustomEvent<EndDetail>;
  /** `error` says why. The user may retry the upload. */
  "oss-uploader-failed": CustomEvent<EndDetail>;
  "oss-uploader-aborted": CustomEvent<EndDetail>;
}

export interface EndDetail {
  readonly upload: Upload;
  /** Null unless the upload failed. */
  readonly error: UploadError | null;
}

/** The event's name without `oss-uploader-`. */
export type EventName = keyof OssUploaderEventMap extends `oss-uploader-${infer Name}` ? Name : never;

export type DetailOf<Name extends EventName> = OssUploaderEventMap[`oss-uploader-${Name}`]["detail"];
