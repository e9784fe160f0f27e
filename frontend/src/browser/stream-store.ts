// What live streams have given and OSS does not have yet, in the origin private file system. Each upload has a directory,
// each chunk a file whose name is the chunk's first byte. Loaded with the first live stream.

import type { StoredChunk, StreamStore } from "../engine/ports.ts";

const ROOT = "oss-uploads";
/** Milliseconds after which chunks are removed: OSS has long deleted the parts before them. */
const MAX_AGE = 30 * 24 * 3_600_000;

/** Null where the browser has no such files, or cannot write them from a page. */
export async function openStreamStore(): Promise<StreamStore | null> {
  if (!globalThis.FileSystemFileHandle?.prototype.createWritable) return null; // Safari before 26.
  try {
    const top = await navigator.storage.getDirectory();
    return new FileSystemStore(await top.getDirectoryHandle(ROOT, { create: true }));
  } catch {
    return null; // In private windows, and without https.
  }
}

class FileSystemStore implements StreamStore {
  constructor(readonly root: FileSystemDirectoryHandle) {}

  async write(uploadId: string, start: number, bytes: Blob): Promise<Blob> {
    const folder = await this.root.getDirectoryHandle(uploadId, { create: true });
    const file = await folder.getFileHandle(String(start), { create: true });
    const writable = await file.createWritable();
    try {
      await writable.write(bytes);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => {});
      await folder.removeEntry(String(start)).catch(() => {});
      throw error;
    }
    return file.getFile();
  }

  async list(uploadId: string): Promise<StoredChunk[]> {
    try {
      return await chunksIn(await this.root.getDirectoryHandle(uploadId));
    } catch {
      return [];
    }
  }

  async remove(uploadId: string, start: number): Promise<void> {
    await this.root
      .getDirectoryHandle(uploadId)
      .then((folder) => folder.removeEntry(String(start)))
      .catch(() => {});
  }

  async forget(uploadId: string): Promise<void> {
    await this.root.removeEntry(uploadId, { recursive: true }).catch(() => {});
  }

  async uploadIds(): Promise<string[]> {
    const ids: string[] = [];
    try {
      for await (const [id, folder] of this.root.entries()) {
        if (folder.kind === "directory" && (await isOld(folder))) await this.forget(id);
        else ids.push(id);
      }
    } catch {
      // Another page has removed one of them meanwhile.
    }
    return ids;
  }
}

async function chunksIn(folder: FileSystemDirectoryHandle): Promise<StoredChunk[]> {
  const chunks: StoredChunk[] = [];
  for await (const [name, file] of folder.entries()) {
    // A page that ended while it wrote leaves a file that is empty, or is the browser's own.
    if (file.kind !== "file" || !/^\d+$/.test(name)) continue;
    const blob = await file.getFile();
    if (blob.size > 0) chunks.push({ start: Number(name), blob });
  }
  return chunks.sort((a, b) => a.start - b.start);
}

async function isOld(folder: FileSystemDirectoryHandle): Promise<boolean> {
  for (const { blob } of await chunksIn(folder)) {
    if ((blob as File).lastModified > Date.now() - MAX_AGE) return false;
  }
  return true;
}
