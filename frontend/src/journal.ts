// What this browser remembers of unfinished uploads.
// Its one rule: a memory aid, never the truth: the backend's list wins, and a damaged entry is dropped.

import type { RemoteUpload } from "./api.ts";
import type { Journal, JournalEntry } from "./ports.ts";

const PREFIX = "oss-uploads:";

/** Where nothing can be stored, and in tests. */
export class MemoryJournal implements Journal {
  #entries = new Map<string, JournalEntry>();

  list(): JournalEntry[] {
    return [...this.#entries.values()];
  }

  record(entry: JournalEntry): void {
    this.#entries.set(entry.id, entry);
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }
}

/** One item a upload, so that two tabs never overwrite each other's. */
export class StorageJournal implements Journal {
  constructor(readonly storage: Storage) {}

  list(): JournalEntry[] {
    const keys = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index) ?? "");
    return keys.filter((key) => key.startsWith(PREFIX)).flatMap((key) => this.#read(key));
  }

  record(entry: JournalEntry): void {
    try {
      this.storage.setItem(PREFIX + entry.id, JSON.stringify(entry));
    } catch {
      // Full, or forbidden in a private window: the backend remembers anyway.
    }
  }

  forget(id: string): void {
    this.storage.removeItem(PREFIX + id);
  }

  #read(key: string): JournalEntry[] {
    try {
      const entry: unknown = JSON.parse(this.storage.getItem(key) ?? "");
      if (isEntry(entry) && PREFIX + entry.id === key) return [entry];
    } catch {
      // not JSON: damaged, like anything else that is no entry
    }
    this.storage.removeItem(key);
    return [];
  }
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const texts = [entry.id, entry.destination, entry.filename, entry.updatedAt];
  return (
    texts.every((text) => typeof text === "string") &&
    [entry.size, entry.bytesDone].every((number) => Number.isSafeInteger(number)) &&
    (entry.fingerprint === null || typeof entry.fingerprint === "string")
  );
}

/** An upload as this browser remembers it. */
export function entryOf(remote: RemoteUpload): JournalEntry {
  const { id, destination, filename, size, fingerprint } = remote;
  return {
    id,
    destination,
    filename,
    size,
    fingerprint: fingerprint || null, // the backend says "" for none
    bytesDone: remote.bytes_done,
    updatedAt: remote.updated_at,
  };
}
