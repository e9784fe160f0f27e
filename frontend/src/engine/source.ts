// The bytes to send, in slices. Ranges are half open, as Blob.slice takes them.

import type { CompleteRequest, RemoteUpload } from "./api.ts";
import { fileChanged, fileUnreadable, UploadError } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Environment, Hasher } from "./ports.ts";
import type { StreamGrowth } from "./progress.ts";

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a source needs of its upload. */
export interface SourcePorts {
  readonly api: { readonly environment: Environment };
  onprogress(): void;
}

/** The file as it was when it was chosen. It gives slices, never bytes: the browser sends them from disk. */
export class Source {
  readonly name: string;
  readonly size: number;
  readonly type: string;
  /** When the file was modified before it was chosen; undefined for other blobs. */
  readonly lastModified: number | undefined;
  #whole: Blob | undefined;
  #crc64: Promise<string> | undefined;

  constructor(
    readonly blob: Blob,
    name = blob instanceof File ? blob.name : "",
  ) {
    this.name = name || "blob";
    this.size = blob.size;
    this.type = blob.type || "application/octet-stream";
    this.lastModified = blob instanceof File ? blob.lastModified : undefined;
  }

  /** Whether the size is known only at the end. */
  get isStream(): boolean {
    return false;
  }

  /** The parts of a stream, which it plans itself; those of a file are as the backend plans them. */
  ledger?(remote: { part_size: number }): Ledger;

  /** Called before the first part is sent. */
  begin?(remote: RemoteUpload, ports: SourcePorts): void;

  /** What the backend must know of it to complete the upload. With `keep`, parts that OSS holds are not here any more. */
  ending?(): Partial<CompleteRequest>;

  /** The error of a stream that somebody else has completed without all of its bytes; null if none is missing. */
  shortfall?(completed: RemoteUpload): UploadError | null;

  /** What its upload's progress says of a stream. */
  growth?(): StreamGrowth;

  /** Frees what it has stored, once the upload has ended. */
  dispose?(): Promise<void>;

  /** Bytes that belong to parts so far; of a file, its size. */
  get bytesTaken(): number {
    return this.size;
  }

  /** Bytes of a stream, from its start, that OSS has: what is left of it when this page is gone. */
  get bytesKept(): number {
    return this.bytesTaken;
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
    if (this.blob.size !== this.size || modified !== this.lastModified) throw fileChanged(this.name);
    if (start > 0 || end < this.size) return this.blob.slice(start, end);
    this.#whole ??= this.blob.slice();
    return this.#whole;
  }

  /** The CRC64 of the whole file, as an unsigned decimal. It is computed once. Rejects with FileError. */
  crc64(hasher: Hasher): Promise<string> {
    if (!this.#crc64) {
      this.#crc64 = this.hash(hasher, "crc64", { start: 0, end: this.size });
      this.#crc64.catch(() => {
        this.#crc64 = undefined; // The next caller hashes again.
      });
    }
    return this.#crc64;
  }

  /** Forgets what was read of the file. */
  forget(): void {
    this.#crc64 = this.#whole = undefined;
  }

  /** Of the bytes that the range has now. Rejects with FileError, or with the hasher's UploadError. */
  async hash(hasher: Hasher, algorithm: "crc64" | "md5", range: Range): Promise<string> {
    const blob = this.slice(range);
    try {
      return await hasher.hash(algorithm, blob);
    } catch (error) {
      if (error instanceof UploadError) throw error;
      throw fileUnreadable(this.name, error);
    }
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
      throw fileUnreadable(this.name, error);
    }
  }

  /** Rejects with FileError when the range cannot be read: a request whose body cannot be read has only status 0. */
  async assertReadable({ start, end }: Range): Promise<void> {
    try {
      await this.blob.slice(start, Math.min(end, start + 1)).arrayBuffer();
    } catch (error) {
      throw fileUnreadable(this.name, error);
    }
  }
}
