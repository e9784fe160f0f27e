// The fingerprint by which a file is recognised after a reload, in another tab or on another device.
// Name, size and samples of the content decide. The date does only where no checksum compares the content (`dated`): it is
// another one on another device. A change of what is hashed must change VERSION.

import { importLate } from "./late.ts";
import type { Range, Source } from "./source.ts";

const VERSION = "v1";
/** Bytes. */
const SAMPLE = 64 * 1024;
const SAMPLES = 9;

/** The ranges to hash: head, tail and evenly between; the whole of a small file. */
export function samplesOf(size: number): Range[] {
  if (size <= SAMPLE * SAMPLES) return [{ start: 0, end: size }];
  const step = (size - SAMPLE) / (SAMPLES - 1);
  return Array.from({ length: SAMPLES }, (_, index) => {
    const start = Math.floor(index * step);
    return { start, end: start + SAMPLE };
  });
}

/**
 * By which a small file of a folder is recognised together with its path and size, as rsync does: when it was modified.
 * Reading 100,000 files again would take as long as sending them.
 */
export function quickFingerprint({ lastModified }: File): string {
  return `t1-${lastModified}`;
}

/** "v1-" and a SHA-256 in hexadecimal. Null where the browser cannot hash: the upload cannot be resumed later then. */
export async function fingerprintOf(source: Source, dated = false): Promise<string | null> {
  const date = dated ? `${source.lastModified}\n` : "";
  const head = `oss-uploads ${VERSION}\n${source.name}\n${source.size}\n${date}`;
  const bytes = await source.read(head, samplesOf(source.size));
  const digest = await hash(bytes);
  return digest && `${VERSION}-${digest}`;
}

/** crypto.subtle exists only on secure origins; a page on plain HTTP loads a library instead. */
async function hash(bytes: ArrayBuffer): Promise<string | null> {
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  try {
    const sha256 = await importLate(() => import("../hashing/sha256.ts"), "sha256");
    return await sha256(new Uint8Array(bytes));
  } catch {
    return null; // A content security policy may forbid WebAssembly.
  }
}

/** The lock that the tab holds which uploads this file. */
export function lockName(destination: string, fingerprint: string): string {
  return `${destination} ${fingerprint}`;
}
