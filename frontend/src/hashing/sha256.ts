// SHA-256 for pages without a secure origin, where the browser has no crypto.subtle.

import { createSHA256 } from "hash-wasm";

/** In hexadecimal. hash-wasm's own `sha256` waits for ever once it has failed, as where a policy forbids WebAssembly. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  return (await createSHA256()).update(bytes).digest();
}
