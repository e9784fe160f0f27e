// The interrupted streams of a user, for the list of unfinished uploads, and the removal of what this device no longer
// needs of those that have ended.

import type { Api, RemoteUpload } from "./api.ts";
import { entryOf } from "./journal.ts";
import { heldAndStored, keptParts } from "./kept-stream.ts";
import type { JournalEntry, StreamStore } from "./ports.ts";

/** Entries for these uploads; `remembered`: those of this browser's journal. Rejects as `OssUploader.unfinished` does. */
export async function interruptedStreams(
  api: Api,
  uploads: readonly RemoteUpload[],
  remembered: readonly JournalEntry[],
  signal: AbortSignal,
): Promise<JournalEntry[]> {
  const { locks, streamStore } = api.environment;
  const running = (await locks.held?.()) ?? new Set();
  const store = (await streamStore?.()) ?? null;
  const open = new Set(uploads.map(({ id }) => id));
  void removeEnded(api, store, remembered, (id) => open.has(id) || running.has(id));
  const entries = uploads.map(async (upload): Promise<JournalEntry[]> => {
    // OSS is not asked for the parts of a stream that a page is still sending.
    if (running.has(upload.id)) return [{ ...entryOf({ ...upload, size: upload.bytes_done }), stream: true }];
    return entryFor(api, store, upload, signal);
  });
  return (await Promise.all(entries)).flat();
}

/** Nothing for an upload that has ended meanwhile. */
async function entryFor(
  api: Api,
  store: StreamStore | null,
  upload: RemoteUpload,
  signal: AbortSignal,
): Promise<JournalEntry[]> {
  const found = await heldAndStored(api, store, upload.id, signal);
  if (!found) return [];
  const { size, bytesDone } = keptParts(upload.part_size, ...found);
  return [{ ...entryOf({ ...upload, size, bytes_done: bytesDone }), stream: true }];
}

/** Bytes of another user of this browser stay until that user returns, or they are old: the backend says what has ended. */
async function removeEnded(
  api: Api,
  store: StreamStore | null,
  remembered: readonly JournalEntry[],
  isNeeded: (id: string) => boolean,
): Promise<void> {
  const stored = new Set(await store?.uploadIds());
  for (const { id } of remembered)
    if (!isNeeded(id) && !stored.has(id)) void api.environment.journal.forget(id);
  for (const id of stored) {
    if (isNeeded(id) || !(await hasEnded(api, id))) continue;
    void api.environment.journal.forget(id);
    void store?.forget(id);
  }
}

async function hasEnded(api: Api, id: string): Promise<boolean> {
  try {
    const { state } = await api.get(id, new AbortController().signal);
    return state !== "uploading" && state !== "completing";
  } catch {
    return false;
  }
}
