// The MD5 of a blob, by hash-wasm.

import { createMD5 } from "hash-wasm";
import { readBlob } from "./read-blob.ts";

/** MD5 in base64, the form of the header Content-MD5. */
export async function md5Of(blob: Blob): Promise<string> {
  const md5 = await createMD5();
  md5.init();
  await readBlob(blob, (bytes) => md5.update(bytes));
  return btoa(String.fromCharCode(...md5.digest("binary")));
}
