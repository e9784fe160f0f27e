// `npm run kernel`: assembles src/hashing/crc64.wat into src/hashing/crc64-wasm.ts.

import { readFile, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const HASHING = new URL("../src/hashing/", import.meta.url);

/** The module in base64. */
export async function assemble() {
  const { parseWat } = await wabt();
  const features = { bulk_memory: true, simd: true };
  const parsed = parseWat("crc64.wat", await readFile(new URL("crc64.wat", HASHING), "utf8"), features);
  parsed.validate();
  return Buffer.from(parsed.toBinary({}).buffer).toString("base64");
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const text = `// The WebAssembly module of crc64.wat, in base64. Made by \`npm run kernel\`.

export const CRC64_WASM =
  "${await assemble()}";
`;
  await writeFile(new URL("crc64-wasm.ts", HASHING), text);
}
