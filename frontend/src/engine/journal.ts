// What this browser remembers of unfinished uploads, and the handles by which it may open their files again.
// Its one rule: a memory aid, never the truth: the backend's list wins, a damaged entry is dropped, and a browser that
// stores nothing is no trouble.

import { createStore, del, entries, set } from "idb-keyval";
import type { RemoteUpload } from "./api.ts";
import type { Journal, JournalEntry } from "./ports.ts";

/** Where nothing can be stored, and in tests. */
export class MemoryJournal implements Journal {
  #entries = new Map<string, JournalEntry>();

  async list(): Promise<JournalEntry[]> {
    return [...this.#entries.values()];
  }

  async record(entry: JournalEntry): Promise<void> {
    this.#entries.set(entry.id, entry);
  }

  async forget(id: string): Promise<void> {
    this.#entries.delete(id);
  }
}

/** In IndexedDB, which alone can keep a handle. One record an upload, so that two tabs never overwrite each other's. */
export class BrowserJournal implements Journal {
  readonly #store = createStore("oss-uploads", "unfinished");

  async list(): Promise<JournalEntry[]> {
    const all = (await this.#quietly(() => entries(this.#store))) ?? [];
    const sound = all.flatMap(([key, entry]) => (isEntry(entry) && entry.id === key ? [entry] : []));
    const kept = new Set(sound.map(({ id }) => id));
    for (const [key] of all) if (!kept.has(String(key))) void this.forget(String(key));
    return sound;
  }

  async record(entry: JournalEntry): Promise<void> {
    await this.#quietly(() => set(entry.id, entry, this.#store));
  }

  async forget(id: string): Promise<void> {
    await this.#quietly(() => del(id, this.#store));
  }

  /** Full, or forbidden in a private window, at times before anything is awaited: the backend remembers anyway. */
  async #quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch {
      return undefined;
    }
  }
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const texts = [entry.id, entry.destination, entry.filename, entry.updatedAt];
  return (
    texts.every((text) => typeof text === "string") &&
    [entry.size, entry.bytesDone].every((number) => Number.isSafeInteger(number)) &&
    (entry.fingerprint === null || typeof entry.fingerprint === "string") &&
    ["undefined", "object"].includes(typeof entry.handle)
  );
}

/** An upload as this browser remembers it. */
export function entryOf(remote: RemoteUpload, handle?: FileSystemFileHandle): JournalEntry {
  const { id, destination, filename, size, fingerprint } = remote;
  return {
    id,
    destination,
    filename,
    size,
    fingerprint: fingerprint || null, // the backend says "" for none
    bytesDone: remote.bytes_done,
    updatedAt: remote.updated_at,
    ...(handle && { handle }),
  };
}
