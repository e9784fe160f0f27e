// MD5 of a blob in base64, as OSS's header has it; loaded by those alone who ask for it.

import { createMD5 } from "hash-wasm";
import { read } from "./reading.ts";

export async function md5Of(blob: Blob): Promise<string> {
  const md5 = await createMD5();
  md5.init();
  await read(blob, (bytes) => md5.update(bytes));
  return btoa(String.fromCharCode(...md5.digest("binary")));
}
