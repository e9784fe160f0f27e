// Recognises a file after a reload, in another tab or on another device.
// Its one rule: name, size and content decide, dates do not; changing what is hashed changes VERSION, so that an old
// fingerprint is never taken for a new one.

import type { Range } from "./parts.ts";
import type { Source } from "./source.ts";

const VERSION = "v1";
const SAMPLE = 64 * 1024;
const SAMPLES = 9;

/** Where to look: head, tail and evenly between; the whole of a small file. */
export function samplesOf(size: number): Range[] {
  if (size <= SAMPLE * SAMPLES) return [{ start: 0, end: size }];
  const step = (size - SAMPLE) / (SAMPLES - 1);
  return Array.from({ length: SAMPLES }, (_, index) => {
    const start = Math.floor(index * step);
    return { start, end: start + SAMPLE };
  });
}

/** Null where the browser has no means to hash: the upload works, but will not be recognised later. */
export async function fingerprintOf(source: Source): Promise<string | null> {
  const head = `oss-uploads ${VERSION}\n${source.name}\n${source.size}\n`;
  const bytes = await source.read(head, samplesOf(source.size));
  const digest = await hash(bytes);
  return digest && `${VERSION}-${digest}`;
}

/** crypto.subtle exists only on secure origins; a plain http page loads a library instead. */
async function hash(bytes: ArrayBuffer): Promise<string | null> {
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  try {
    const { sha256 } = await import("../hashing/sha256.ts");
    return await sha256(new Uint8Array(bytes));
  } catch {
    return null; // a content security policy may forbid WebAssembly
  }
}
