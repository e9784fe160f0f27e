// How much a page loads, in kilobytes of 1,024 bytes after gzip, bundled as an application does.

import { type OutputChunk, rolldown } from "rolldown";
import { expect, test } from "vitest";

const KB = 1024;

/** The chunks of an application that imports this module. */
async function bundle(entry: string): Promise<OutputChunk[]> {
  const bundled = await rolldown({
    input: `src/${entry}`,
    platform: "browser",
    preserveEntrySignatures: "allow-extension",
    logLevel: "silent",
  });
  const { output } = await bundled.generate({ minify: true });
  return output.filter((file) => file.type === "chunk");
}

async function weight(chunks: readonly OutputChunk[]): Promise<number> {
  const sizes = chunks.map(async ({ code }) => {
    const packed = new Blob([code]).stream().pipeThrough(new CompressionStream("gzip"));
    return (await new Response(packed).arrayBuffer()).byteLength;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The chunks that are loaded before anybody chooses a file, or those that are loaded with `first`. */
function atOnce(
  chunks: readonly OutputChunk[],
  first = chunks.filter(({ isEntry }) => isEntry),
): OutputChunk[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const found = new Set(first);
  for (const { imports } of found) for (const name of imports) found.add(byName.get(name) as OutputChunk);
  return [...found];
}

function named(chunks: readonly OutputChunk[], ...names: string[]): OutputChunk[] {
  return names.map((name) => {
    const found = chunks.find(({ fileName }) => new RegExp(`^${name}-.{8}\\.js$`).test(fileName));
    if (!found) throw new Error(`No ${name} among ${chunks.map(({ fileName }) => fileName).join(", ")}.`);
    return found;
  });
}

test("the core is less than 13.8 KB", async () => {
  expect(await weight(atOnce(await bundle("index.ts")))).toBeLessThan(13.8 * KB);
});

test("the worker that computes CRC64 is less than 2 KB", async () => {
  expect(await weight(await bundle("hashing/crc64.worker.ts"))).toBeLessThan(2 * KB);
});

test("the whole engine with its worker is less than 29 KB", async () => {
  const engine = await bundle("index.ts");
  const [entry] = atOnce(engine) as [OutputChunk];
  const whole = atOnce(engine, [entry, ...named(engine, "transfer", "pace", "sts-signer", "stream")]);
  const worker = await bundle("hashing/crc64.worker.ts");
  expect(await weight([...whole, ...atOnce(worker)])).toBeLessThan(29 * KB);
});

test("a page loads less than 26 KB with the element", async () => {
  expect(await weight(atOnce(await bundle("element/define.ts")))).toBeLessThan(26 * KB);
});

// Beside these, a few small files load `batches`; some browsers load `version-proof` with a file of several parts.
test("with what its first file needs it is less than 36.5 KB", async () => {
  const element = await bundle("element/define.ts");
  const [entry] = atOnce(element) as [OutputChunk];
  const loaded = atOnce(element, [entry, ...named(element, "transfer", "pace")]);
  expect(await weight([...loaded, ...atOnce(await bundle("hashing/crc64.worker.ts"))])).toBeLessThan(
    36.5 * KB,
  );
});

test("errors keep their names in a minified page", async () => {
  const code = (await bundle("index.ts")).map((chunk) => chunk.code).join("");
  const names = ["UploadError", "ApiError", "AbortedError", "FileError", "StorageError"];
  expect(names.filter((name) => !new RegExp(`name=["\`]${name}["\`]`).test(code))).toEqual([]);
});

test("hash-wasm is loaded for MD5 and SHA-256 alone", async () => {
  const engine = await bundle("index.ts");
  const usesHashWasm = (chunks: OutputChunk[]) =>
    chunks.some(({ moduleIds }) => moduleIds.some((id) => id.includes("/node_modules/hash-wasm/")));
  const loadsIt = (name: string) => usesHashWasm(atOnce(engine, named(engine, name)));
  expect(["md5-of-blob", "sha256"].filter(loadsIt)).toEqual(["md5-of-blob", "sha256"]);
  expect(["transfer", "stream", "sts-signer", "crc64-of-blob"].filter(loadsIt)).toEqual([]);
  expect(usesHashWasm(atOnce(engine))).toBe(false);
  expect(usesHashWasm(await bundle("hashing/crc64.worker.ts"))).toBe(false);
});
