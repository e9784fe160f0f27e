// The interrupted streams of a user, for the list of unfinished uploads, and the removal of what this device no longer
// needs of those that have ended.

import type { Api, RemoteUpload } from "./api.ts";
import type { entryOf } from "./journal.ts";
import { heldAndStored, keptParts, loadKept, storedFrom } from "./kept-stream.ts";
import type { JournalEntry, StreamStore } from "./ports.ts";

export { loadKept };

/** Entries for the streams among these uploads; `remembered` is what the journal has. Rejects as `OssUploader.unfinished` does. */
export async function interruptedStreams(
  api: Api,
  uploads: readonly RemoteUpload[],
  remembered: readonly JournalEntry[],
  describe: typeof entryOf,
  signal: AbortSignal,
): Promise<JournalEntry[]> {
  const { locks, streamStore } = api.environment;
  const running = (await locks.held?.()) ?? new Set();
  const store = (await streamStore?.()) ?? null;
  const streams = uploads.filter(({ size, method }) => size === null && method === "multipart");
  const open = new Set(streams.map(({ id }) => id));
  const ended = remembered.filter(({ id, stream }) => stream && !open.has(id) && !running.has(id));
  void removeEnded(api, store, (id) => open.has(id) || running.has(id), ended);
  const entries = streams.map(async (upload): Promise<JournalEntry[]> => {
    // OSS is not asked for the parts of a stream that a page is still sending.
    const found = running.has(upload.id) ? "running" : await heldAndStored(api, store, upload.id, signal);
    if (!found) return []; // It has ended meanwhile.
    const { size, bytesDone } =
      found === "running"
        ? { size: upload.bytes_done, bytesDone: upload.bytes_done }
        : keptParts(upload.part_size, ...found);
    return [{ ...describe({ ...upload, size, bytes_done: bytesDone }), stream: true }];
  });
  return (await Promise.all(entries)).flat();
}

/** What this device remembers, while the backend cannot be reached: of a stream, what is stored here counts too. */
export async function withStored(
  api: Api,
  remembered: readonly JournalEntry[],
): Promise<readonly JournalEntry[]> {
  const store = (await api.environment.streamStore?.()) ?? null;
  const entries = remembered.map(async (entry) => {
    const stored = (entry.stream && (await store?.list(entry.id))) || [];
    return { ...entry, size: entry.size + storedFrom(stored, entry.size) };
  });
  return Promise.all(entries);
}

/**
 * Frees the disk. The bytes of another user of this browser stay until they are old: the backend does not say that they
 * have ended. The journal forgets a stream after the disk, so that this is called until nothing is left.
 */
async function removeEnded(
  api: Api,
  store: StreamStore | null,
  isNeeded: (id: string) => boolean,
  ended: readonly JournalEntry[],
): Promise<void> {
  const { journal } = api.environment;
  const stored = new Set(await store?.uploadIds());
  for (const { id } of ended) if (!stored.has(id)) void journal.forget(id);
  for (const id of stored) {
    if (isNeeded(id) || !(await hasEnded(api, id))) continue;
    await store?.forget(id);
    void journal.forget(id);
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
