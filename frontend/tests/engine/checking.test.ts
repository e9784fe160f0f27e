// The checks of parts by themselves: what is hashed, compared, proved and freed, and when.

import { describe, expect, test } from "vitest";
import { IntegrityChecker } from "../../src/engine/integrity.ts";
import { planOf, rangeOf } from "../../src/engine/parts.ts";
import type { Hasher } from "../../src/engine/ports.ts";
import { Source } from "../../src/engine/source.ts";
import { VersionProof } from "../../src/engine/version-proof.ts";
import { fileOf, TestEnvironment } from "../environment.ts";
import { crc64Of } from "../store.ts";

const FILE = fileOf(25);
const PLAN = planOf(25, 10, 3);

/** Hashes what a test says the parts are: their own bytes at first. */
class ChangingHasher implements Hasher {
  readonly hashed: string[] = [];
  fault: ((text: string) => Error | undefined) | null = null;
  /** The checksum of a part by its text, where it is another than that. */
  readonly changed = new Map<string, string>();

  async hash(algorithm: "crc64" | "md5", blob: Blob): Promise<string> {
    const text = await blob.text();
    this.hashed.push(`${algorithm} ${text}`);
    const fault = this.fault?.(text);
    if (fault) throw fault;
    return algorithm === "md5" ? `md5 of ${text}` : (this.changed.get(text) ?? (await crc64Of(blob)));
  }
}

function setting(isStream = false) {
  const hasher = new ChangingHasher();
  const source = new Source(FILE);
  const released: number[] = [];
  source.release = ({ start }) => {
    released.push(start / 10 + 1);
  };
  if (isStream) Object.defineProperty(source, "isStream", { value: true });
  const checker = new IntegrityChecker(hasher, source, PLAN);
  const bytes = (number: number) => {
    const { start, end } = rangeOf(PLAN, number);
    return FILE.slice(start, end);
  };
  const part = async (number: number, crc64?: string) => ({
    number,
    size: bytes(number).size,
    crc64: crc64 ?? (await crc64Of(bytes(number))),
  });
  const change = async (number: number) => hasher.changed.set(await bytes(number).text(), "changed");
  return { hasher, source, released, checker, bytes, part, change };
}

const never = new AbortController().signal;

describe("the checker", () => {
  test("hashes a part once, however often it is asked for", async () => {
    const { checker, hasher, bytes } = setting();
    checker.start(2);
    expect(await checker.crc64(2)).toBe(await crc64Of(bytes(2)));
    await checker.crc64(2);
    expect(hasher.hashed).toEqual([`crc64 ${await bytes(2).text()}`]);
  });

  test("hashes again after a failure", async () => {
    const { checker, hasher } = setting();
    hasher.fault = () => new Error("unreadable");
    checker.start(1);
    await expect(checker.crc64(1)).rejects.toMatchObject({ code: "file_changed" });
    hasher.fault = null;
    expect(await checker.crc64(1)).toMatch(/^\d+$/);
  });

  test("finds what OSS has of other bytes, and frees the others", async () => {
    const { checker, released, part } = setting();
    expect(await checker.compare(await part(1))).toBe(true);
    expect(await checker.compare(await part(2, "17"))).toBe(false);
    const { damaged, crc64s } = await checker.verify();
    expect(damaged).toEqual([2]);
    expect([...crc64s.keys()]).toEqual([1, 2]);
    expect(crc64s.get(1)).toBe((await part(1)).crc64);
    expect(released).toEqual([1]);
  });

  test("takes a part without OSS's checksum for whole, and gives ours", async () => {
    const { checker, part } = setting();
    const { crc64, ...hidden } = await part(3);
    expect(await checker.compare(hidden)).toBe(true);
    expect((await checker.verify()).crc64s).toEqual(new Map([[3, crc64]]));
  });

  test("forgets damaged parts, and only these", async () => {
    const { checker, part } = setting();
    await checker.compare(await part(1));
    await checker.compare(await part(2, "17"));
    checker.forget([2]);
    const { damaged, crc64s } = await checker.verify();
    expect([damaged, [...crc64s.keys()]]).toEqual([[], [1]]);
  });

  test("compares what OSS lists, two parts at a time, and waits for it", async () => {
    const { checker, hasher, part } = setting();
    const held = [await part(1), await part(2, "17"), await part(3)];
    checker.compareHeld(held);
    const { damaged, crc64s } = await checker.verify();
    expect([damaged, crc64s.size]).toEqual([[2], 3]);
    expect(hasher.hashed).toHaveLength(4); // The damaged one is read again.
    expect(held).toHaveLength(3);
  });

  test("does not read listed parts of which OSS tells no checksum", async () => {
    const { checker, hasher } = setting();
    checker.compareHeld([{ number: 1, size: 10 }]);
    expect((await checker.verify()).crc64s.size).toBe(0);
    expect(hasher.hashed).toEqual([]);
  });

  test("passes a failure to hash on", async () => {
    const { checker, hasher, part } = setting();
    hasher.fault = () => new Error("unreadable");
    checker.compareHeld([await part(1)]);
    await expect(checker.verify()).rejects.toMatchObject({ code: "file_changed" });
  });

  test("tells a file that has changed from a part that was damaged", async () => {
    const { checker, part, change } = setting();
    await checker.compare(await part(1, "17"));
    await change(1);
    await expect(checker.verify()).rejects.toMatchObject({ code: "file_changed" });
    await expect(checker.assertSame(1)).rejects.toMatchObject({ code: "file_changed" });
    await expect(checker.assertSame(2)).resolves.toBeUndefined();
  });

  test("does not read the bytes of a stream again", async () => {
    const { checker, hasher, change } = setting(true);
    await checker.crc64(1);
    await change(1);
    await checker.assertSame(1);
    expect(hasher.hashed).toHaveLength(1);
  });

  test("gives the MD5 of a part", async () => {
    const { checker, bytes } = setting();
    expect(await checker.md5(3)).toBe(`md5 of ${await bytes(3).text()}`);
  });
});

describe("the proof that all parts are of one version", () => {
  test("reads what was sent before again, and not what is sent later", async () => {
    const { checker, hasher, bytes } = setting();
    const proof = new VersionProof(checker, () => [3]);
    expect(proof.isFixed).toBe(false);
    await proof.start(never);
    expect(proof.isFixed).toBe(true);
    const count = async (number: number) => {
      const text = `crc64 ${await bytes(number).text()}`;
      return hasher.hashed.filter((each) => each === text).length;
    };
    expect([await count(1), await count(2), await count(3)]).toEqual([2, 2, 1]);
    proof.prove(3);
    await proof.finish(never);
    expect([await count(1), await count(2), await count(3)]).toEqual([2, 2, 1]);
  });

  test("reads at its end what nothing else has proved", async () => {
    const { checker, change } = setting();
    const proof = new VersionProof(checker, () => [2, 3]);
    await proof.start(never);
    await change(3);
    await expect(proof.finish(never)).rejects.toMatchObject({ code: "file_changed" });
  });

  test("ends with its upload", async () => {
    const { checker } = setting();
    const proof = new VersionProof(checker, () => []);
    await expect(proof.start(AbortSignal.abort(new Error("paused")))).rejects.toThrow("paused");
    expect(proof.isFixed).toBe(false);
    await expect(proof.finish(never)).rejects.toThrow("paused");
  });
});

test("the hash of a file in one part is that of the whole file, and is computed once", async () => {
  const environment = new TestEnvironment();
  const source = new Source(FILE);
  const checker = new IntegrityChecker(environment.hasher, source, planOf(25, 30, 1));
  expect(await checker.crc64(1)).toBe(await crc64Of(FILE));
  await source.crc64(environment.hasher);
  expect(environment.hasher.asked).toEqual(["crc64"]);
});
