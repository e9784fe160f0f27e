// This browser's memory of unfinished uploads, with the handles by which it can open their files again.
// The backend's list takes precedence. Damaged entries are dropped, and storage that does not work is ignored.

import { createStore, del, entries, set } from "idb-keyval";
import type { RemoteUpload } from "./api.ts";
import type { Journal, JournalEntry } from "./ports.ts";

/** A journal in memory, for environments without storage and for tests. */
export class MemoryJournal implements Journal {
  #entries = new Map<string, JournalEntry>();

  /** All entries. */
  async list(): Promise<JournalEntry[]> {
    return [...this.#entries.values()];
  }

  /** Writes an entry over the one with the same id. */
  async record(entry: JournalEntry): Promise<void> {
    this.#entries.set(entry.id, entry);
  }

  /** Removes an entry. */
  async forget(id: string): Promise<void> {
    this.#entries.delete(id);
  }
}

/**
 * A journal in IndexedDB, the only storage that can keep a file handle. Each upload has its own record, so that tabs do
 * not overwrite each other's.
 */
export class BrowserJournal implements Journal {
  readonly #store = createStore("oss-uploads", "unfinished");

  /** All entries. */
  async list(): Promise<JournalEntry[]> {
    const all = (await this.#ignoringErrors(() => entries(this.#store))) ?? [];
    const valid = all.flatMap(([key, entry]) => (isEntry(entry) && entry.id === key ? [entry] : []));
    const kept = new Set(valid.map(({ id }) => id));
    for (const [key] of all) if (!kept.has(String(key))) void this.forget(String(key));
    return valid;
  }

  /** Writes an entry over the one with the same id. */
  async record(entry: JournalEntry): Promise<void> {
    await this.#ignoringErrors(() => set(entry.id, entry, this.#store));
  }

  /** Removes an entry. */
  async forget(id: string): Promise<void> {
    await this.#ignoringErrors(() => del(id, this.#store));
  }

  /** Ignores storage that is full or forbidden, as in private windows; it may throw before anything is awaited. */
  async #ignoringErrors<T>(work: () => Promise<T>): Promise<T | undefined> {
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
    [entry.handle, entry.folder].every((value) => ["undefined", "object"].includes(typeof value))
  );
}

export function entryOf(
  remote: RemoteUpload & { size: number },
  handle?: FileSystemFileHandle,
): JournalEntry {
  const { id, destination, filename, size, fingerprint } = remote;
  return {
    id,
    destination,
    filename,
    size,
    fingerprint: fingerprint || null, // The backend sends "" for none.
    bytesDone: remote.bytes_done,
    updatedAt: remote.updated_at,
    ...(handle && { handle }),
  };
}
