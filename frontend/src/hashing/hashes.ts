// CRC64, MD5 and SHA-256 by hash-wasm. Blobs are streamed through the hash and never held.
// Each worker bundles only the hash that it imports.

import { createCRC64, createMD5 } from "hash-wasm";
import { Crc64 } from "./crc64.ts";

/** For pages without a secure origin, where the browser has no crypto.subtle. */
export { sha256 } from "hash-wasm";

/** CRC-64/XZ as an unsigned decimal, the form of OSS's header x-oss-hash-crc64ecma. */
export async function crc64Of(blob: Blob): Promise<string> {
  const crc64 = await startCrc64();
  await readBlob(blob, (bytes) => crc64.update(bytes));
  return crc64.digest();
}

async function startCrc64(): Promise<Pick<Crc64, "update" | "digest">> {
  try {
    const crc64 = await createCRC64();
    crc64.init();
    return { update: (bytes) => crc64.update(bytes), digest: () => BigInt(`0x${crc64.digest()}`).toString() };
  } catch {
    return new Crc64(); // A content security policy may forbid WebAssembly.
  }
}

/** MD5 in base64, the form of the header Content-MD5. */
export async function md5Of(blob: Blob): Promise<string> {
  const md5 = await createMD5();
  md5.init();
  await readBlob(blob, (bytes) => md5.update(bytes));
  return btoa(String.fromCharCode(...md5.digest("binary")));
}

/** Bytes read at once, into the same buffer each time: new buffers cost half as much time as the hash itself. */
const CHUNK = 256 << 10;

/** Readers in use. Chromium may collect a BYOB reader that only its pending read refers to; the read never ends then. */
const readers = new Set<object>();

/** Calls `take` with each chunk, before the next is read. Rejects when the file has changed or cannot be read. */
async function readBlob(blob: Blob, take: (bytes: Uint8Array) => void): Promise<void> {
  const { next, reader } = openReader(blob);
  readers.add(reader);
  try {
    for (let left = blob.size; left > 0; ) {
      const { done, value } = await next();
      if (done) throw new Error(`The file ended ${left} bytes early.`);
      take(value);
      left -= value.length;
    }
  } finally {
    readers.delete(reader);
    reader.cancel().catch(() => {}); // All bytes have been read, or reading has failed.
  }
}

/** Uses a BYOB reader where the browser has one for blobs. */
function openReader(blob: Blob) {
  const stream = blob.stream();
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const plain = stream.getReader();
    return { reader: plain, next: () => plain.read() };
  }
  let buffer = new ArrayBuffer(CHUNK);
  const next = async () => {
    const result = await reader.read(new Uint8Array(buffer));
    if (result.value) buffer = result.value.buffer;
    return result;
  };
  return { reader, next };
}
