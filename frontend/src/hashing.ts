// Hashes pieces of files: CRC64 beside the upload, MD5 before it.
// Its one rule: bytes are streamed through in small pieces and never held; where WebAssembly is forbidden, plain
// JavaScript does the same more slowly.

import { createCRC64, createMD5 } from "hash-wasm";
import { Crc64 } from "./crc64.ts";

export type Algorithm = "crc64" | "md5";

/** Bytes read at once, into the same memory each time: fresh memory costs half as much as the hash itself. */
const PIECE = 256 << 10;

/** Readers at work. Chromium collects one of bytes that nothing but its own pending read knows, and is silent then. */
const reading = new Set<object>();

interface Running {
  update(bytes: Uint8Array): void;
  /** CRC64 as an unsigned decimal, MD5 in base64: as OSS's headers have them. */
  finish(): string;
}

/** Rejects when the blob cannot be read: the file has changed or is gone. */
export async function hash(algorithm: Algorithm, blob: Blob): Promise<string> {
  const running = await start(algorithm);
  await read(blob, (bytes) => running.update(bytes));
  return running.finish();
}

async function read(blob: Blob, take: (bytes: Uint8Array) => void): Promise<void> {
  const { next, reader } = open(blob);
  reading.add(reader);
  try {
    for (let left = blob.size; left > 0; ) {
      const { done, value } = await next();
      if (done) throw new Error(`The file ended ${left} bytes early.`);
      take(value);
      left -= value.length;
    }
  } finally {
    reading.delete(reader);
    reader.cancel().catch(() => {}); // what matters has been read, or has failed
  }
}

/** Where a blob cannot be read into given memory, it is read into fresh. */
function open(blob: Blob) {
  const stream = blob.stream();
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const plain = stream.getReader();
    return { reader: plain, next: () => plain.read() };
  }
  let memory = new ArrayBuffer(PIECE);
  const next = async () => {
    const result = await reader.read(new Uint8Array(memory));
    if (result.value) memory = result.value.buffer;
    return result;
  };
  return { reader, next };
}

async function start(algorithm: Algorithm): Promise<Running> {
  if (algorithm === "md5") {
    const md5 = await createMD5();
    md5.init();
    return { update: (bytes) => md5.update(bytes), finish: () => base64(md5.digest("binary")) };
  }
  try {
    const crc64 = await createCRC64();
    crc64.init();
    return { update: (bytes) => crc64.update(bytes), finish: () => BigInt(`0x${crc64.digest()}`).toString() };
  } catch {
    const plain = new Crc64(); // a content security policy may forbid WebAssembly
    return { update: (bytes) => plain.update(bytes), finish: () => plain.digest() };
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
