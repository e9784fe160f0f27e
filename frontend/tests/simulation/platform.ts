// What the engine takes from the browser itself: blobs, files, hashes and the date. In memory, and settled without I/O,
// so that the scheduler alone decides what happens next.

import { TableCrc64 } from "../../src/hashing/crc64-table.ts";
import { PlainController, PlainSignal } from "./abort.ts";

/** What is on the disk behind a file: it may change while it is sent. */
export interface Disk {
  bytes: Uint8Array<ArrayBuffer>;
  readable: boolean;
  modified: number;
  /** Whether the browser refuses to read a file that has changed since it was chosen. */
  readonly notices: boolean;
  /** Whether it has changed between the start of an upload of it and the end, in whichever tab. */
  hasChangedDuring: boolean;
}

type Piece = string | ArrayBuffer | Uint8Array | MemoryBlob;

/** A Blob that is read when it is used, as a browser reads a file. */
export class MemoryBlob {
  readonly size: number;
  readonly type: string;
  readonly #read: () => Uint8Array<ArrayBuffer>;

  constructor(pieces: readonly Piece[] = [], { type = "" }: { type?: string } = {}) {
    const readers = pieces.map(readerOf);
    this.size = readers.reduce((sum, { size }) => sum + size, 0);
    this.type = type;
    this.#read = () => joined(readers.map(({ read }) => read()));
  }

  slice(start = 0, end = this.size): Blob {
    const last = Math.min(end, this.size);
    return new Slice(this, Math.min(start, last), last) as unknown as Blob;
  }

  /** The bytes at this moment. Throws when they cannot be read. */
  read(): Uint8Array<ArrayBuffer> {
    return this.#read();
  }

  /** The bytes at this moment, read by somebody who began to read before: browsers look for changes only then. */
  readOn(): Uint8Array<ArrayBuffer> {
    return this.read();
  }

  /** What a reader gets who reads the first half at one moment, `before`, and the second half now. */
  readRest(before: Uint8Array): Uint8Array<ArrayBuffer> {
    const half = Math.floor(before.length / 2);
    return joined([before.slice(0, half), this.readOn().slice(half)]);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.read().buffer;
  }
}

class Slice extends MemoryBlob {
  override readonly size: number;

  constructor(
    readonly whole: MemoryBlob,
    readonly start: number,
    readonly end: number,
  ) {
    super();
    this.size = end - start;
  }

  override read(): Uint8Array<ArrayBuffer> {
    return this.whole.read().slice(this.start, this.end);
  }

  override readOn(): Uint8Array<ArrayBuffer> {
    return this.whole.readOn().slice(this.start, this.end);
  }
}

export class MemoryFile extends MemoryBlob {
  /** As it was when the file was chosen. */
  readonly lastModified: number;
  override readonly size: number;
  override readonly type = "video/mp4";

  constructor(
    readonly disk: Disk,
    readonly name: string,
  ) {
    super();
    this.size = disk.bytes.length;
    this.lastModified = disk.modified;
  }

  override read(): Uint8Array<ArrayBuffer> {
    const { notices, modified } = this.disk;
    if (notices && modified !== this.lastModified) throw new Error("NotReadableError");
    return this.readOn();
  }

  override readOn(): Uint8Array<ArrayBuffer> {
    if (!this.disk.readable) throw new Error("NotReadableError");
    return this.disk.bytes.slice();
  }
}

function readerOf(piece: Piece): { size: number; read: () => Uint8Array<ArrayBuffer> } {
  if (piece instanceof MemoryBlob) return { size: piece.size, read: () => piece.read() };
  const bytes = typeof piece === "string" ? new TextEncoder().encode(piece) : new Uint8Array(piece);
  return { size: bytes.length, read: () => bytes };
}

export function joined(all: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of all) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export function crc64Of(bytes: Uint8Array): string {
  const crc64 = new TableCrc64();
  crc64.update(bytes);
  return crc64.digest();
}

/** Stands for SHA-256 and HMAC: the engine only compares digests; signatures have test vectors of their own. */
function digestOf(...all: Uint8Array[]): ArrayBuffer {
  const value = BigInt(crc64Of(joined(all)));
  const digest = new DataView(new ArrayBuffer(32));
  for (let at = 0; at < 32; at += 8) digest.setBigUint64(at, value);
  return digest.buffer;
}

const subtle = {
  digest: async (_: string, bytes: ArrayBuffer | Uint8Array) => digestOf(new Uint8Array(bytes)),
  importKey: async (_: string, key: ArrayBuffer | Uint8Array) => new Uint8Array(key),
  sign: async (_: string, key: Uint8Array, message: Uint8Array) => digestOf(key, message),
};

let lastUuid = 0;

/** Replaces the globals of this process. */
export function installPlatform(): void {
  const crypto = { subtle, randomUUID: () => `uuid-${++lastUuid}` };
  const abort = { AbortController: PlainController, AbortSignal: PlainSignal };
  for (const [name, value] of Object.entries({ Blob: MemoryBlob, File: MemoryFile, crypto, ...abort })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  // A device's date that is years off and stands still: nothing may depend on it.
  Date.now = () => 1_000_000_000_000;
}
