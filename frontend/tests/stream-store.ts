// The disk of a device for live streams, in memory. It outlives pages.

import type { StoredChunk, StreamStore } from "../src/engine/ports.ts";

export class MemoryStreamStore implements StreamStore {
  readonly files = new Map<string, Map<number, Blob>>();
  isFull = false;

  async write(uploadId: string, start: number, bytes: Blob): Promise<Blob> {
    if (this.isFull) throw new Error("QuotaExceededError");
    const folder = this.files.get(uploadId) ?? new Map<number, Blob>();
    this.files.set(uploadId, folder.set(start, bytes));
    return bytes;
  }

  async list(uploadId: string): Promise<StoredChunk[]> {
    const folder = this.files.get(uploadId) ?? new Map<number, Blob>();
    return [...folder].sort(([a], [b]) => a - b).map(([start, blob]) => ({ start, blob }));
  }

  async remove(uploadId: string, start: number): Promise<void> {
    this.files.get(uploadId)?.delete(start);
  }

  async forget(uploadId: string): Promise<void> {
    this.files.delete(uploadId);
  }

  async uploadIds(): Promise<string[]> {
    return [...this.files.keys()];
  }
}
