// Hashes by the test vectors that the backend uses too, with and without WebAssembly.

import { describe, expect, test } from "vitest";
import file from "../../../tests/vectors/crc64.json";
import { Crc64, combine } from "../../src/hashing/crc64.ts";
import { crc64Of as hashed, md5Of } from "../../src/hashing/hashes.ts";
import { crc64Of } from "../store.ts";

interface Vectors {
  values: { id: string; data: { kind: string; value?: string }; crc64_decimal: string }[];
  combine: { id: string; crc1: string; crc2: string; size2: number; combined: string }[];
}

const vectors: Vectors = file;

describe("hashes by the vendor's values", () => {
  const texts = vectors.values.filter(({ data }) => data.kind === "utf8");

  test.each(texts)("$id, by WebAssembly and without", async ({ data, crc64_decimal }) => {
    const blob = new Blob([data.value ?? ""]);
    expect(await hashed(blob)).toBe(crc64_decimal);
    expect(await hashed(blob)).toBe(crc64_decimal);
  });

  test.each(vectors.combine)("$id, combined", ({ crc1, crc2, size2, combined }) => {
    expect(
      combine([
        { crc64: crc1, size: 0 },
        { crc64: crc2, size: size2 },
      ]),
    ).toBe(combined);
  });

  test("the checksums of pieces combine to that of the whole", async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => (index * 7919) >> 3);
    const sizes = [1, 99_999, 0, 100_000, 100_000];
    const pieces = [];
    for (let at = 0, index = 0; index < sizes.length; at += sizes[index++] as number) {
      const piece = bytes.subarray(at, at + (sizes[index] as number));
      const crc64 = new Crc64();
      crc64.update(piece);
      pieces.push({ crc64: crc64.digest(), size: piece.length });
    }
    expect(combine(pieces)).toBe(await crc64Of(new Blob([bytes])));
  });

  test("MD5 is in base64, as in Content-MD5", async () => {
    expect(await md5Of(new Blob(["hello"]))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
  });

  test("plain JavaScript hashes where WebAssembly is forbidden", async () => {
    const compile = WebAssembly.compile;
    WebAssembly.compile = () => Promise.reject(new Error("forbidden by the content security policy"));
    try {
      expect(await hashed(new Blob(["123456789"]))).toBe("11051210869376104954");
    } finally {
      WebAssembly.compile = compile;
    }
  });

  /** A blob of a browser without BYOB readers for blobs. */
  function plain(size: number, pieces: readonly string[]): Blob {
    const stream = () =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
          controller.close();
        },
      });
    return Object.assign(new Blob(["x".repeat(size)]), { stream });
  }

  test("a blob without BYOB readers is hashed too", async () => {
    expect(await hashed(plain(9, ["1234", "56789"]))).toBe("11051210869376104954");
  });

  test("a file that ends early rejects", async () => {
    await expect(hashed(plain(9, ["1234"]))).rejects.toThrow("5 bytes early");
  });
});
