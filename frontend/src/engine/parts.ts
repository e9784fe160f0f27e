// The file as parts: which bytes each part covers (Plan), and the bytes (Source).
// The backend chooses part size and count. Part numbers start at 1; ranges are half open, as Blob.slice takes them.

import type { CompleteRequest, RemoteUpload } from "./api.ts";
import { fileChanged, fileUnreadable, type UploadError } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Environment } from "./ports.ts";
import type { StreamGrowth } from "./progress.ts";

export interface Plan {
  /** Bytes; Infinity for a stream. */
  readonly size: number;
  readonly partSize: number;
  readonly partCount: number;
  /** A stream's parts grow: after each thousand parts they are larger by one part size. */
  readonly grows?: true;
}

/** OSS's limit: "Multipart upload", "Limits", in the OSS user guide. */
const MAX_PARTS = 10_000;
/** Parts of a stream that have the same size. */
const GROWTH_STEP = 1000;

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The plan that the backend chose. Throws RangeError when it does not cover the file exactly. */
export function planOf(size: number, partSize: number, partCount: number): Plan {
  const plan = { size, partSize, partCount };
  const valid = [size, partSize, partCount].every((n) => Number.isSafeInteger(n) && n >= 0);
  const expected = size === 0 ? 1 : Math.ceil(size / partSize);
  if (!valid || partCount !== expected) {
    throw new RangeError(`${size} in ${partCount} of ${partSize}`);
  }
  return plan;
}

/** The plan of a stream: as many parts as OSS allows, whose sizes depend on their numbers alone. */
export function streamPlan(partSize: number): Plan {
  return { size: Number.POSITIVE_INFINITY, partSize, partCount: MAX_PARTS, grows: true };
}

/** The start of a growing part, in part sizes. */
function growingStart(number: number): number {
  const [steps, rest] = [Math.floor((number - 1) / GROWTH_STEP), (number - 1) % GROWTH_STEP];
  return (GROWTH_STEP * steps * (steps + 1)) / 2 + rest * (steps + 1);
}

/** Throws RangeError when the plan has no such part. */
export function rangeOf(plan: Plan, number: number): Range {
  if (!Number.isInteger(number) || number < 1 || number > plan.partCount) {
    throw new RangeError(`Part ${number} of ${plan.partCount}`);
  }
  if (plan.grows) {
    const end = growingStart(number + 1) * plan.partSize;
    return { start: growingStart(number) * plan.partSize, end: Math.min(plan.size, end) };
  }
  const start = (number - 1) * plan.partSize;
  return { start, end: Math.min(plan.size, start + plan.partSize) };
}

export function sizeOf(plan: Plan, number: number): number {
  const { start, end } = rangeOf(plan, number);
  return end - start;
}

export function numbersOf({ partCount }: Plan): number[] {
  return Array.from({ length: partCount }, (_, index) => index + 1);
}

/** A part that OSS has taken. */
export interface DonePart {
  readonly number: number;
  readonly size: number;
  /** Absent when the bucket's CORS rules hide the header; the backend reads it from OSS then. */
  readonly etag?: string;
  /** An unsigned decimal; absent for the same reason. */
  readonly crc64?: string;
}

export function allParts(plan: Plan): DonePart[] {
  return numbersOf(plan).map((number) => ({ number, size: sizeOf(plan, number) }));
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

  plan(remote: { part_size: number; part_count: number | null }): Plan {
    return planOf(this.size, remote.part_size, remote.part_count ?? 0);
  }

  /** The ledger of a stream; a file has an ordinary one. */
  ledger?(plan: Plan): Ledger;

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
