// CRC64 of a blob, as OSS's header has it: an unsigned decimal.
// Its one rule: where WebAssembly is forbidden, plain JavaScript does the same more slowly.

import { createCRC64 } from "hash-wasm";
import { Crc64 } from "./crc64.ts";
import { read } from "./reading.ts";

export async function crc64Of(blob: Blob): Promise<string> {
  const running = await start();
  await read(blob, (bytes) => running.update(bytes));
  return running.digest();
}

async function start(): Promise<Pick<Crc64, "update" | "digest">> {
  try {
    const crc64 = await createCRC64();
    crc64.init();
    return { update: (bytes) => crc64.update(bytes), digest: () => BigInt(`0x${crc64.digest()}`).toString() };
  } catch {
    return new Crc64(); // a content security policy may forbid WebAssembly
  }
}
