// A stream that cannot wait, such as a recording. It is read at once, faster than the network takes it.
// What waits is on the device's disk, where it outlives the page. Without a disk it is in memory, up to a limit: then the
// stream is not read until parts have arrived, and its producer must pause.

import type { RemoteUpload } from "./api.ts";
import { reasonOf } from "./errors.ts";
import type { StreamStore } from "./ports.ts";
import type { EndedEarly } from "./progress.ts";
import type { SourcePorts } from "./source.ts";
import type { Feed, StreamChunk } from "./stream.ts";

/** Bytes that may wait in memory. */
const MAX_IN_MEMORY = 32 * 1024 * 1024;

/** A chunk that OSS does not have yet, or not all of it. */
interface Waiting {
  readonly start: number;
  readonly end: number;
  readonly isStored: boolean;
}

export class LiveFeed implements Feed {
  readonly #reader: ReadableStreamDefaultReader<StreamChunk>;
  /** Chunks that no part has yet. */
  #chunks: Blob[] = [];
  #waiting: Waiting[] = [];
  #bytesRead = 0;
  /** Ends the wait for a chunk, and that for memory. */
  #onchunk = () => {};
  #onfree = () => {};
  #uploadId: string | null = null;
  #limit = Number.POSITIVE_INFINITY;
  #isOver = false;
  #isDisposed = false;
  endedEarly: EndedEarly | null = null;
  #ongiven = (_bytes: number) => {};

  constructor(
    stream: ReadableStream<StreamChunk>,
    readonly store: StreamStore | null,
    readonly maxInMemory = MAX_IN_MEMORY,
  ) {
    this.#reader = stream.getReader();
  }

  begin(remote: RemoteUpload, ports: SourcePorts, count: (bytes: number) => void): void {
    if (this.#uploadId !== null) return;
    this.#uploadId = remote.id;
    this.#limit = remote.size_limit ?? this.#limit;
    this.#ongiven = (bytes) => {
      count(bytes);
      ports.onprogress();
    };
    void this.#readAll();
  }

  async next(): Promise<Blob | null> {
    while (this.#chunks.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#onchunk = resolve;
      });
    }
    const chunk = this.#chunks.shift();
    if (!chunk && this.endedEarly && this.#bytesRead === 0) throw new Error(this.endedEarly.detail);
    return chunk ?? null;
  }

  release(from: number): void {
    for (const { start, isStored } of this.#waiting.filter(({ end }) => end <= from)) {
      if (isStored && this.#uploadId) void this.store?.remove(this.#uploadId, start);
    }
    this.#waiting = this.#waiting.filter(({ end }) => end > from);
    this.#onfree();
  }

  async cancel(reason: unknown): Promise<void> {
    this.#end();
    this.#chunks = [];
    await this.#reader.cancel(reason);
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    if (this.#uploadId) await this.store?.forget(this.#uploadId);
  }

  /** Reads until the stream's end. What there is of a stream that breaks is worth keeping. */
  async #readAll(): Promise<void> {
    try {
      while (!this.#isOver && (await this.#readOne()));
    } catch (error) {
      this.endedEarly = { reason: "interrupted", detail: reasonOf(error) };
    }
    this.#end();
  }

  /** False at the end. A chunk that does not fit any more is left out whole: players can read what is before it. */
  async #readOne(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done || this.#isOver) return false;
    const chunk = new Blob([value]);
    const start = this.#bytesRead;
    if (start + chunk.size > this.#limit) {
      this.endedEarly = { reason: "limit", detail: "" };
      await this.#reader.cancel(new Error("The limit of the destination is reached.")).catch(() => {});
      return false;
    }
    this.#bytesRead += chunk.size;
    await this.#accept(start, chunk);
    return true;
  }

  async #accept(start: number, chunk: Blob): Promise<void> {
    const stored = await this.#written(start, chunk);
    if (this.#isDisposed) return this.dispose(); // It was aborted while the chunk was written.
    if (this.#isOver) return;
    this.#waiting.push({ start, end: start + chunk.size, isStored: stored !== null });
    this.#chunks.push(stored ?? chunk);
    this.#onchunk();
    this.#ongiven(chunk.size);
    while (!this.#isOver && this.#inMemory > this.maxInMemory) {
      await new Promise<void>((resolve) => {
        this.#onfree = resolve;
      });
    }
  }

  /** Null without a store, and while the disk is full. */
  async #written(start: number, chunk: Blob): Promise<Blob | null> {
    if (!this.store || !this.#uploadId) return null;
    return this.store.write(this.#uploadId, start, chunk).catch(() => null);
  }

  get #inMemory(): number {
    let bytes = 0;
    for (const { start, end, isStored } of this.#waiting) if (!isStored) bytes += end - start;
    return bytes;
  }

  #end(): void {
    this.#isOver = true;
    this.#onchunk();
    this.#onfree();
  }
}
