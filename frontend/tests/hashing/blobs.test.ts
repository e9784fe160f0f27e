// Hashes of blobs: which implementation computes them, and how the blobs are read.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { md5Of } from "../../src/hashing/md5-of-blob.ts";

const CHECK = "11051210869376104954";

async function load(): Promise<(blob: Blob) => Promise<string>> {
  vi.resetModules(); // What was compiled is kept by the module.
  return (await import("../../src/hashing/crc64-of-blob.ts")).crc64Of;
}

/** A blob whose stream gives these pieces, of a browser without BYOB readers for blobs. */
function plainBlob(size: number, pieces: readonly string[]): Blob {
  const stream = () =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
  return Object.assign(new Blob(["x".repeat(size)]), { stream });
}

describe("the CRC64 of a blob", () => {
  const instances = vi.fn();
  const real = WebAssembly.Instance;

  beforeEach(() => {
    instances.mockClear();
    vi.stubGlobal("WebAssembly", {
      compile: WebAssembly.compile,
      Instance: class extends real {
        constructor(module: WebAssembly.Module) {
          super(module);
          instances();
        }
      },
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("is computed by one kernel for blobs one after another", async () => {
    const crc64Of = await load();
    const blob = new Blob(["123456789"]);
    expect([await crc64Of(blob), await crc64Of(blob)]).toEqual([CHECK, CHECK]);
    expect(instances).toHaveBeenCalledTimes(1);
  });

  test("is computed for several blobs at once", async () => {
    const crc64Of = await load();
    const blobs = ["123456789", "", "123456789"].map((text) => new Blob([text]));
    expect(await Promise.all(blobs.map(crc64Of))).toEqual([CHECK, "0", CHECK]);
  });

  test.each([
    ["forbidden", { compile: () => Promise.reject(new Error("forbidden by the content security policy")) }],
    ["without SIMD", { compile: () => Promise.reject(new WebAssembly.CompileError("invalid value type")) }],
    [
      "out of memory",
      {
        compile: WebAssembly.compile,
        Instance: class {
          constructor() {
            throw new RangeError();
          }
        },
      },
    ],
    ["missing", undefined],
  ])("is computed by tables where WebAssembly is %s", async (_, assembly) => {
    vi.stubGlobal("WebAssembly", assembly);
    const crc64Of = await load();
    expect(await crc64Of(new Blob(["123456789"]))).toBe(CHECK);
    expect(instances).not.toHaveBeenCalled();
  });

  test("is computed without BYOB readers too", async () => {
    expect(await (await load())(plainBlob(9, ["1234", "56789"]))).toBe(CHECK);
  });

  test("is not given of a file that ends early, and the next one is not affected", async () => {
    const crc64Of = await load();
    await expect(crc64Of(plainBlob(9, ["1234"]))).rejects.toThrow("5 bytes early");
    expect(await crc64Of(new Blob(["123456789"]))).toBe(CHECK);
    expect(instances).toHaveBeenCalledTimes(1);
  });
});

test("MD5 is in base64, as in Content-MD5", async () => {
  expect(await md5Of(new Blob(["hello"]))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
});
