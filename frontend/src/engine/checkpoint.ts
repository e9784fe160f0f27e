// What another page needs to resume an upload.

import type { RemoteUpload } from "./api.ts";
import type { UploadCheckpoint } from "./events.ts";
import { entryOf } from "./journal.ts";
import type { Ledger } from "./ledger.ts";

/** The checkpoint of an upload with these parts; null for a stream. */
export function checkpointOf(
  remote: RemoteUpload,
  { done: doneParts, doneBytes }: Pick<Ledger, "done" | "doneBytes">,
): UploadCheckpoint | null {
  const { bucket, key, upload_id: uploadId, part_size: partSize, size } = remote;
  if (size === null) return null;
  const entry = entryOf({ ...remote, size, bytes_done: doneBytes });
  return { ...entry, bucket, key, uploadId, partSize, doneParts };
}
