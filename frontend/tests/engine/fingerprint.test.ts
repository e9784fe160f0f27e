import { expect, test } from "vitest";
import { fingerprintOf, samplesOf } from "../../src/engine/fingerprint.ts";
import { Source } from "../../src/engine/source.ts";
import { fileOf } from "../environment.ts";

const KIB = 1024;

test("known values: a change of what is hashed needs a new version", async () => {
  // sha256sum of "oss-uploads v1\nfilm.mp4\n5\nhello"
  const digest = "6ca7b0a62d03731776e812d6e36856085ea3ee4fbdafaa87c041fde89a11ed61";
  const file = new File(["hello"], "film.mp4");
  expect(await fingerprintOf(new Source(file))).toBe(`v1-${digest}`);
});

test("name, size and content decide; dates do not", async () => {
  const print = (file: File) => fingerprintOf(new Source(file));
  const known = await print(fileOf(5000));
  expect(await print(new File([fileOf(5000)], "film.mp4", { lastModified: 99 }))).toBe(known);
  expect(await print(fileOf(5000, "other.mp4"))).not.toBe(known);
  expect(await print(fileOf(5001))).not.toBe(known);
  expect(await print(fileOf(5000, "film.mp4", "x"))).not.toBe(known);
});

test("a small file is read whole, a large one in nine samples that include head and tail", () => {
  expect(samplesOf(0)).toEqual([{ start: 0, end: 0 }]);
  expect(samplesOf(576 * KIB)).toEqual([{ start: 0, end: 576 * KIB }]);
  for (const size of [576 * KIB + 1, 10 * 2 ** 30 + 7, 48_828_125 * 2 ** 20]) {
    const samples = samplesOf(size);
    expect(samples).toHaveLength(9);
    expect(samples[0]?.start).toBe(0);
    expect(samples[8]?.end).toBe(size);
    for (const { start, end } of samples) {
      expect(Number.isSafeInteger(start)).toBe(true);
      expect(end - start).toBe(64 * KIB);
    }
  }
});
