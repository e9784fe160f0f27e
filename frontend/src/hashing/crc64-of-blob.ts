// The CRC64 of a blob: by the WebAssembly kernel, or by tables where that cannot run.

import { compileKernel, KernelCrc64 } from "./crc64-kernel.ts";
import { TableCrc64 } from "./crc64-table.ts";
import { readBlob } from "./read-blob.ts";

type Crc64 = KernelCrc64 | TableCrc64;

let compiled: Promise<WebAssembly.Module> | null = null;

/** Not in use now. An instance has a memory of its own, so it is used again rather than created for each blob. */
const idle: Crc64[] = [];

/** CRC-64/XZ as an unsigned decimal, the form of OSS's header x-oss-hash-crc64ecma. */
export async function crc64Of(blob: Blob): Promise<string> {
  const crc64 = idle.pop() ?? (await createCrc64());
  try {
    crc64.reset();
    await readBlob(blob, (bytes) => crc64.update(bytes));
    return crc64.digest();
  } finally {
    idle.push(crc64);
  }
}

/** A content security policy may forbid WebAssembly; an old browser may lack it or its SIMD. */
async function createCrc64(): Promise<Crc64> {
  try {
    compiled ??= compileKernel();
    return new KernelCrc64(await compiled);
  } catch {
    return new TableCrc64();
  }
}
