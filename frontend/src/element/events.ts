// The events of <oss-uploader>. All of them bubble, and cross the borders of shadow trees.

import type { UploadError } from "../engine/errors.ts";
import type { Upload } from "../engine/upload.ts";

/** The events of the element by name. They bubble, and cross the borders of shadow trees. */
export interface OssUploaderEventMap {
  /** Before files are uploaded. `preventDefault()` refuses them. */
  "oss-uploader-accept": CustomEvent<AcceptDetail>;
  /** An upload was added. */
  "oss-uploader-accepted": CustomEvent<AcceptedDetail>;
  /** An upload is completed: OSS has the object. */
  "oss-uploader-completed": CustomEvent<EndDetail>;
  /** `error` says why. The user may retry the upload. */
  "oss-uploader-failed": CustomEvent<EndDetail>;
  /** An upload was aborted, here or elsewhere. */
  "oss-uploader-aborted": CustomEvent<EndDetail>;
}

/** The files that the user has chosen. */
export interface AcceptDetail {
  /** In the order in which they were given. */
  readonly files: readonly File[];
}

/** The upload that was added. */
export interface AcceptedDetail {
  /** It is in the state `queued`. */
  readonly upload: Upload;
}

/** What the events at the end of an upload tell. */
export interface EndDetail {
  /** The upload that has ended. */
  readonly upload: Upload;
  /** Null unless the upload failed. */
  readonly error: UploadError | null;
}

/** The event's name without `oss-uploader-`. */
export type EventName = keyof OssUploaderEventMap extends `oss-uploader-${infer Name}` ? Name : never;

export type DetailOf<Name extends EventName> = OssUploaderEventMap[`oss-uploader-${Name}`]["detail"];
