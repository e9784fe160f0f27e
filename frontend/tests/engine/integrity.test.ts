// What was sent is what the storage holds: each part, and the whole.

import { describe, expect, test } from "vitest";
import file from "../../../tests/vectors/crc64.json";
import { Crc64, combine } from "../../src/hashing/crc64.ts";
import { crc64Of as hashed } from "../../src/hashing/hash-crc64.ts";
import { md5Of } from "../../src/hashing/hash-md5.ts";
import { crc64Of } from "../store.ts";
import { fileOf, TestWorld } from "../world.ts";

interface Vectors {
  values: { id: string; data: { kind: string; value?: string }; crc64_decimal: string }[];
  combine: { id: string; crc1: string; crc2: string; size2: number; combined: string }[];
}

const vectors: Vectors = file;

describe("CRC64 as the vendor has it", () => {
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

  test("pieces of any size make the value of the whole", async () => {
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

  test("MD5 is base64, as Content-MD5 wants it", async () => {
    expect(await md5Of(new Blob(["hello"]))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
  });

  test("where WebAssembly is forbidden, plain JavaScript does it", async () => {
    const compile = WebAssembly.compile;
    WebAssembly.compile = () => Promise.reject(new Error("forbidden by the content security policy"));
    try {
      expect(await hashed(new Blob(["123456789"]))).toBe("11051210869376104954");
    } finally {
      WebAssembly.compile = compile;
    }
  });

  /** As a blob of a browser that reads into no memory of ours: its stream is not one of bytes. */
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

  test("where a file cannot be read into given memory, it is read all the same", async () => {
    expect(await hashed(plain(9, ["1234", "56789"]))).toBe("11051210869376104954");
  });

  test("a file that ends early is not hashed as if that were all of it", async () => {
    await expect(hashed(plain(9, ["1234"]))).rejects.toThrow("5 bytes early");
  });
});

describe("the engine", () => {
  test("a part that arrives damaged is sent again, and the object is whole", async () => {
    const world = new TestWorld();
    world.store.fault = (number, tries) => (number === 3 && tries <= 2 ? "damaged" : undefined);
    const file = fileOf(100);
    const upload = world.open().upload(file);
    const notices: string[] = [];
    upload.addEventListener("notice", ({ message }) => notices.push(message));
    await world.clock.run(upload.done);
    expect(world.store.tries(3)).toBe(3);
    expect(await world.backend.object(world.backend.only)).toBe(await file.text());
    expect(notices.some((notice) => notice.startsWith("1 of the parts arrived damaged"))).toBe(true);
  });

  test("damage without end is an error in words; nothing else is lost", async () => {
    const world = new TestWorld();
    world.store.fault = (number) => (number === 3 ? "damaged" : undefined);
    const upload = world.open().upload(fileOf(100));
    await expect(world.clock.run(upload.done)).rejects.toMatchObject({ code: "damaged" });
    world.store.fault = () => undefined;
    upload.resume();
    await world.clock.run(upload.done);
    expect(world.store.tries(1)).toBe(1);
  });

  test("the CRC64 of the whole goes to complete", async () => {
    const world = new TestWorld();
    const file = fileOf(95);
    await world.clock.run(world.open().upload(file).done);
    const complete = world.backend.calls.find(({ path }) => path.endsWith("complete/"));
    expect(complete?.body.crc64).toBe(await crc64Of(file));
  });

  test("where CORS hides theirs, ours is told to the backend, which knows", async () => {
    const world = new TestWorld();
    world.store.exposesCrc64 = false;
    world.store.exposesEtag = false;
    await world.clock.run(world.open().upload(fileOf(30)).done);
    const complete = world.backend.calls.find(({ path }) => path.endsWith("complete/"));
    expect(complete?.body.done).toEqual(
      [1, 2, 3].map((number) => ({ number, size: 10, crc64: expect.stringMatching(/^\d+$/) })),
    );
  });

  test("parts of a file that only looked the same are sent again", async () => {
    const world = new TestWorld();
    const first = world.open().upload(fileOf(100));
    await world.arrive(5);
    first.pause();
    const row = world.backend.only;
    world.store.hold(row.key).set(2, new Blob(["0123456789"]));
    world.store.crc64s.set(`${row.key} 2`, await crc64Of(new Blob(["0123456789"])));
    const file = fileOf(100);
    await world.clock.run(world.open().upload(file).done);
    expect(await world.backend.object(row)).toBe(await file.text());
    expect(world.store.tries(1)).toBe(1);
    expect(world.store.tries(2)).toBe(2);
  });

  test("with md5 every part is hashed before its URL is asked for, a few at a time", async () => {
    const world = new TestWorld();
    await world.clock.run(world.open({ integrity: "md5" }).upload(fileOf(200)).done);
    const [create] = world.backend.calls.filter(
      ({ path, method }) => path === "uploads/" && method === "POST",
    );
    expect(create?.body.sign).toBe(0);
    const signed = world.backend.calls
      .filter(({ path }) => path.endsWith("sign/"))
      .map(({ body }) => body.parts);
    expect(signed.every((parts) => parts.length <= 8)).toBe(true);
    expect(signed.flat().map((part: { number: number }) => part.number)).toHaveLength(20);
    for (const { number, content_md5 } of signed.flat()) {
      const start = (number - 1) * 10;
      expect(content_md5).toBe(`md5-${(await fileOf(200).text()).slice(start, start + 10)}`);
    }
  });

  test("with none nothing is hashed", async () => {
    const world = new TestWorld();
    await world.clock.run(world.open({ integrity: "none" }).upload(fileOf(30)).done);
    expect(world.hasher.asked).toEqual([]);
  });
});
