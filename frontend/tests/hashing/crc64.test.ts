// CRC64 by the test vectors that the backend uses too, and beside a plain implementation: by the kernel, by tables.

import { beforeAll, describe, expect, test } from "vitest";
import file from "../../../tests/vectors/crc64.json";
import { assemble } from "../../scripts/kernel.mjs";
import { combine } from "../../src/hashing/crc64.ts";
import { compileKernel, KernelCrc64 } from "../../src/hashing/crc64-kernel.ts";
import { TableCrc64 } from "../../src/hashing/crc64-table.ts";
import { CRC64_WASM } from "../../src/hashing/crc64-wasm.ts";

interface Data {
  kind: string;
  value?: string;
  byte_hex?: string;
  seed?: string;
  count?: number;
}

interface Vectors {
  values: { id: string; data: Data; crc64_decimal: string }[];
  combine: { id: string; crc1: string; crc2: string; size2: number; combined: string }[];
  objects: { id: string; parts: { size: number; hash_crc64ecma: string }[]; object_crc64: string }[];
}

const vectors: Vectors = file;

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

async function bytesOf({ kind, value = "", byte_hex = "", seed, count }: Data): Promise<Uint8Array> {
  if (kind === "utf8") return new TextEncoder().encode(value);
  if (kind === "hex") return fromHex(value);
  const size = count ?? 0;
  if (kind === "repeat") return new Uint8Array(size).fill(Number.parseInt(byte_hex, 16));
  if (kind !== "sha256_counter") throw new Error(`No data of the kind ${kind}.`);
  const bytes = new Uint8Array(Math.ceil(size / 32) * 32);
  for (let at = 0; at < size; at += 32) {
    const counter = new TextEncoder().encode(`${seed}:${at / 32}`);
    bytes.set(new Uint8Array(await crypto.subtle.digest("SHA-256", counter)), at);
  }
  return bytes.subarray(0, size);
}

/** Random numbers below `limit`, the same in each run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function randomBytes(size: number): Uint8Array {
  const random = randomNumbers(size);
  return new Uint8Array(size).map(() => random(256));
}

/** The checksums of all beginnings of the bytes, computed bit by bit as the definition says. */
function plainCrc64s(bytes: Uint8Array): string[] {
  const found = [0n];
  let register = 2n ** 64n - 1n;
  for (const byte of bytes) {
    register ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      register = register & 1n ? (register >> 1n) ^ 0xc96c5795d7870f42n : register >> 1n;
    }
    found.push(register ^ (2n ** 64n - 1n));
  }
  return found.map(String);
}

/** More than twice what the kernel leaves to its tables. */
const ALL_LENGTHS = 21_000;
/** Fills the kernel's memory more than twice. */
const bytes = randomBytes(900_000);
let expected: string[];
let compiled: WebAssembly.Module;

beforeAll(async () => {
  expected = plainCrc64s(bytes);
  compiled = await compileKernel();
});

const IMPLEMENTATIONS = [
  { name: "kernel", create: () => new KernelCrc64(compiled) },
  { name: "tables", create: () => new TableCrc64() },
];

describe.each(IMPLEMENTATIONS)("CRC64 by the $name", ({ create }) => {
  function crc64Of(...pieces: Uint8Array[]): string {
    const crc64 = create();
    for (const piece of pieces) crc64.update(piece);
    return crc64.digest();
  }

  test.each(vectors.values)("of $id is the vendor's", async ({ data, crc64_decimal }) => {
    expect(crc64Of(await bytesOf(data))).toBe(crc64_decimal);
  });

  test("of messages of every length, which begin at any address, is the plain one's", () => {
    const crc64 = create();
    for (let length = 0; length < ALL_LENGTHS; length++) {
      const offset = length % 17;
      const message = new Uint8Array(offset + length).subarray(offset);
      message.set(bytes.subarray(0, length));
      crc64.reset();
      crc64.update(message);
      expect(crc64.digest(), `of ${length} bytes`).toBe(expected[length]);
    }
  });

  test("of pieces of every size is the plain one's", () => {
    for (let size = 1; size < 300; size++) {
      const pieces = [];
      for (let at = 0; at < ALL_LENGTHS; at += size) {
        pieces.push(bytes.subarray(at, Math.min(at + size, ALL_LENGTHS)));
      }
      expect(crc64Of(...pieces), `in pieces of ${size} bytes`).toBe(expected[ALL_LENGTHS]);
    }
  });

  test("of random lengths in random pieces is the plain one's", () => {
    const random = randomNumbers(64);
    const crc64 = create();
    for (let round = 0; round < 200; round++) {
      const length = random(bytes.length + 1);
      const largest = 1000 + random(2 ** (1 + random(20)));
      crc64.reset();
      for (let at = 0; at < length; ) {
        const end = Math.min(length, at + 1 + random(largest));
        crc64.update(bytes.subarray(at, end));
        at = end;
      }
      expect(crc64.digest(), `of ${length} bytes in pieces of up to ${largest}`).toBe(expected[length]);
    }
  });

  test("of messages that end where the kernel's memory does is the plain one's", () => {
    const memory = new WebAssembly.Instance(compiled).exports.memory as WebAssembly.Memory;
    const size = memory.buffer.byteLength;
    for (let length = size - 37_300; length <= size - 37_100; length++) {
      expect(crc64Of(bytes.subarray(0, length)), `of ${length} bytes`).toBe(expected[length]);
    }
  });

  test("of a message is that of no other, before or beside it", () => {
    const [first, second] = [create(), create()];
    first.update(bytes);
    second.update(new TextEncoder().encode("1234"));
    first.reset();
    first.update(new TextEncoder().encode("123456789"));
    second.update(new TextEncoder().encode("56789"));
    expect([first.digest(), second.digest()]).toEqual(["11051210869376104954", "11051210869376104954"]);
  });

  test("of pieces combines to that of the whole", () => {
    const ends = [0, 1, 100_000, 100_000, 200_000, 300_000];
    const pieces = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end));
    const hashed = pieces.map((piece) => ({ crc64: crc64Of(piece), size: piece.length }));
    expect(combine(hashed)).toBe(expected[300_000]);
  });
});

test.each(vectors.combine)("$id, combined", ({ crc1, crc2, size2, combined }) => {
  const pieces = [
    { crc64: crc1, size: 0 },
    { crc64: crc2, size: size2 },
  ];
  expect(combine(pieces)).toBe(combined);
});

test.each(vectors.objects)("$id, combined from the parts", ({ parts, object_crc64 }) => {
  expect(combine(parts.map(({ size, hash_crc64ecma }) => ({ size, crc64: hash_crc64ecma })))).toBe(
    object_crc64,
  );
});

test("the module is what its source is assembled to: `npm run kernel` writes it", async () => {
  expect(CRC64_WASM).toBe(await assemble());
});
