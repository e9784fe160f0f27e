// The file as it was when it was chosen.
// Its one rule: hands out slices, never bytes; the browser sends them from disk and the page's memory stays flat.

import { fileChanged } from "./errors.ts";
import { Ledger } from "./ledger.ts";
import { type Plan, planOf, type Range } from "./parts.ts";

/** A source whose code is loaded when it is needed. */
export interface LaterSource {
  readonly name: string;
  readonly type: string;
  load(): Promise<Source>;
  /** Nobody wants it; it may not have been loaded yet. */
  cancel(reason: unknown): Promise<void>;
}

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

  /** Whether its size is known only at its end. */
  get isStream(): boolean {
    return false;
  }

  /** Which bytes each part covers, as the backend has planned it. */
  plan(remote: { part_size: number; part_count: number | null }): Plan {
    return planOf(this.size, remote.part_size, remote.part_count ?? 0);
  }

  ledger(plan: Plan): Ledger {
    return new Ledger(plan);
  }

  /** Bytes in all, as far as they are known. */
  get taken(): number {
    return this.size;
  }

  /** Nobody wants the rest of it. */
  async cancel(_reason: unknown): Promise<void> {}

  /**
   * A typeless slice, so that the browser adds no Content-Type that was not signed. The whole of a file is cut once: the
   * page stands still until the browser's own process has taken note of a slice, and small files are many.
   */
  slice({ start, end }: Range): Blob {
    const modified = this.blob instanceof File ? this.blob.lastModified : undefined;
    if (this.blob.size !== this.size || modified !== this.#lastModified) throw fileChanged(this.name);
    if (start > 0 || end < this.size) return this.blob.slice(start, end);
    this.#whole ??= this.blob.slice();
    return this.#whole;
  }

  /** The bytes of a few ranges behind a text, for the fingerprint. */
  async read(head: string, ranges: readonly Range[]): Promise<ArrayBuffer> {
    const slices = ranges.map((range) => this.slice(range));
    try {
      return await new Blob([head, ...slices]).arrayBuffer();
    } catch (error) {
      throw fileChanged(this.name, error);
    }
  }

  /** A browser tells a page no more than status 0 when it could not read the file; one byte finds out. */
  async assertReadable({ start, end }: Range): Promise<void> {
    try {
      await this.blob.slice(start, Math.min(end, start + 1)).arrayBuffer();
    } catch (error) {
      throw fileChanged(this.name, error);
    }
  }
}
