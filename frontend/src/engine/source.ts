// The bytes to send, in slices. Ranges are half open, as Blob.slice takes them.

import { fileChanged } from "./errors.ts";
import type { Ledger } from "./parts.ts";

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The file as it was when it was chosen. It gives slices, never bytes: the browser sends them from disk. */
export class Source {
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly #lastModified: number | undefined;
  #whole: Blob | undefined;

  constructor(
    readonly blob: Blob,
    name = blob instanceof File ? blob.name : "",
  ) {
    this.name = name || "blob";
    this.size = blob.size;
    this.type = blob.type || "application/octet-stream";
    this.#lastModified = blob instanceof File ? blob.lastModified : undefined;
  }

  /** Whether the size is known only at the end. */
  get isStream(): boolean {
    return false;
  }

  /** The parts, where the source plans them itself: of a stream. */
  ledger(_remote: { part_size: number }): Ledger | null {
    return null;
  }

  /** Bytes that belong to parts so far; of a file, its size. */
  get bytesTaken(): number {
    return this.size;
  }

  /** Frees the bytes of a part that has arrived as it was sent. */
  release(_range: Range): void {}

  /** Frees what the source holds. */
  async cancel(_reason: unknown): Promise<void> {}

  /**
   * A slice without a type, so that the browser adds no Content-Type that was not signed. Throws FileError when the file
   * has changed. The slice of a whole file is kept: making a slice blocks the page, and there may be many small files.
   */
  slice({ start, end }: Range): Blob {
    const modified = this.blob instanceof File ? this.blob.lastModified : undefined;
    if (this.blob.size !== this.size || modified !== this.#lastModified) throw fileChanged(this.name);
    if (start > 0 || end < this.size) return this.blob.slice(start, end);
    this.#whole ??= this.blob.slice();
    return this.#whole;
  }

  /** Whether the bytes of the range are there already. */
  holds(_range: Range): boolean {
    return true;
  }

  /** The text `head` and the bytes of some ranges, for the fingerprint. Rejects with FileError. */
  async read(head: string, ranges: readonly Range[]): Promise<ArrayBuffer> {
    const slices = ranges.map((range) => this.slice(range));
    try {
      return await new Blob([head, ...slices]).arrayBuffer();
    } catch (error) {
      throw fileChanged(this.name, error);
    }
  }

  /** Rejects with FileError when the range cannot be read: a request whose body cannot be read has only status 0. */
  async assertReadable({ start, end }: Range): Promise<void> {
    try {
      await this.blob.slice(start, Math.min(end, start + 1)).arrayBuffer();
    } catch (error) {
      throw fileChanged(this.name, error);
    }
  }
}
