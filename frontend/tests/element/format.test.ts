import { expect, test } from "vitest";
import { bytes, duration, percent, when } from "../../src/element/format.ts";
import { Speech } from "../../src/element/language.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 KB"],
  [99_949, "99.9 KB"],
  [99_950, "100 KB"],
  [999_499, "999 KB"],
  [999_999, "1.0 MB"],
  [314_572_800, "315 MB"],
  [10_737_418_240, "10.7 GB"],
  [48_800_000_000_000, "48.8 TB"],
  [2e15, "2000 TB"],
])("%d bytes read %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test.each([
  [0, "0 %"],
  [0.5, "50 %"],
  [0.99999, "99 %"],
  [1, "100 %"],
])("a ratio of %d reads %s", (ratio, text) => {
  expect(percent(ratio)).toBe(text);
});

test.each([
  [0, "1 s"],
  [59.4, "59 s"],
  [59.9, "1 min"],
  [90, "2 min"],
  [3599, "1 h 0 min"],
  [3600 * 5 + 60 * 7, "5 h 7 min"],
  [3600 * 47.5, "47 h 30 min"],
  [3600 * 72, "3 days"],
])("%d seconds read %s", (seconds, text) => {
  expect(new Speech().label(...duration(seconds))).toBe(text);
});

test("a date that is none reads as nothing", () => {
  expect(when("yesterday")).toBe("");
  expect(when("2031-05-06T07:08:09Z")).not.toBe("");
});
