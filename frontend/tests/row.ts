// The part of a new row that the fake backend and the simulation's model share.

import type { RemoteUpload } from "../src/engine/api.ts";

/** What both set themselves. */
type Own = "id" | "upload_id" | "method" | "size" | "part_size" | "part_count";

/** A row that was created now, of which nothing has arrived. */
export function emptyRow(
  own: Pick<RemoteUpload, Own>,
  body: Pick<RemoteUpload, "destination" | "filename" | "content_type" | "metadata"> & {
    fingerprint?: string;
    relative_path?: string;
  },
  now: string,
): RemoteUpload {
  return {
    ...own,
    state: "uploading",
    destination: body.destination,
    bucket: "bucket",
    key: `files/${own.id}`,
    filename: body.filename,
    relative_path: body.relative_path ?? "",
    content_type: body.content_type,
    parts_done: 0,
    bytes_done: 0,
    fingerprint: body.fingerprint ?? "",
    metadata: body.metadata,
    created_at: now,
    updated_at: now,
    expires_at: null,
    completed_at: null,
    etag: null,
    crc64: null,
    location: null,
    error: null,
  };
}
