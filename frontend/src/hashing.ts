// Hashes pieces of files: CRC64 beside the upload, MD5 before it.
// Its one rule: bytes are streamed through in small pieces and never held; where WebAssembly is forbidden, plain
// JavaScript does the same more slowly.

import { createCRC64 } from "hash-wasm";
import { Crc64 } from "./crc64.ts";

export type Algorithm = "crc64" | "md5";

/** Bytes read at once. */
const PIECE = 4 << 20;

interface Running {
  update(bytes: Uint8Array): void;
  /** CRC64 as an unsigned decimal, MD5 in base64: as OSS's headers have them. */
  finish(): string;
}

/** Rejects when the blob cannot be read: the file has changed or is gone. */
export async function hash(algorithm: Algorithm, blob: Blob): Promise<string> {
  const running = await start(algorithm);
  const read = (at: number) => blob.slice(at, at + PIECE).arrayBuffer();
  let ahead = read(0);
  for (let at = 0; at < blob.size; at += PIECE) {
    const bytes = new Uint8Array(await ahead);
    ahead = read(at + PIECE); // The next is read while this one is hashed.
    running.update(bytes);
  }
  return running.finish();
}

async function start(algorithm: Algorithm): Promise<Running> {
  if (algorithm === "md5") {
    const md5 = await (await import("./md5.ts")).createMD5();
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
