import { expect, test } from "vitest";
import { formatDate } from "../../src/element/dates.ts";
import { Formats } from "../../src/element/format.ts";

const english = new Formats("en");
const chinese = new Formats("zh-Hans");

test.each([
  [0, "0 bytes", "0字节"],
  [1, "1 byte", "1字节"],
  [999, "999 bytes", "999字节"],
  [1000, "1.0 kB", "1.0 kB"],
  [99_949, "99.9 kB", "99.9 kB"],
  [99_950, "100 kB", "100 kB"],
  [999_499, "999 kB", "999 kB"],
  [999_999, "1.0 MB", "1.0 MB"],
  [314_572_800, "315 MB", "315 MB"],
  [10_737_418_240, "10.7 GB", "10.7 GB"],
  [48_800_000_000_000, "48.8 TB", "48.8 TB"],
  [2e15, "2.0 PB", "2.0 PB"],
  [2e18, "2,000 PB", "2,000 PB"],
])("%d bytes are %s, in Chinese %s", (count, inEnglish, inChinese) => {
  expect([english.bytes(count), chinese.bytes(count)]).toEqual([inEnglish, inChinese]);
});

test.each([
  [12, "12 bytes per second", "12字节/秒"],
  [1_500_000, "1.5 MB/s", "1.5 MB/秒"],
])("%d bytes per second are %s, in Chinese %s", (rate, inEnglish, inChinese) => {
  expect([english.rate(rate), chinese.rate(rate)]).toEqual([inEnglish, inChinese]);
});

test.each([
  [0, "0%"],
  [0.5, "50%"],
  [0.99999, "99%"],
  [1, "100%"],
])("a ratio of %d is %s", (ratio, text) => {
  expect([english.percent(ratio), chinese.percent(ratio)]).toEqual([text, text]);
});

test.each([
  [0, "1 sec", "1秒"],
  [59.4, "59 sec", "59秒"],
  [59.9, "1 min", "1分钟"],
  [90, "2 min", "2分钟"],
  [3599, "1 hr 0 min", "1小时0分钟"],
  [3600 * 5 + 60 * 7, "5 hr 7 min", "5小时7分钟"],
  [3600 * 47.5, "47 hr 30 min", "47小时30分钟"],
  [3600 * 72, "3 days", "3天"],
])("%d seconds are %s, in Chinese %s", (seconds, inEnglish, inChinese) => {
  expect([english.duration(seconds), chinese.duration(seconds)]).toEqual([inEnglish, inChinese]);
});

test("a date is written as its language has it; a malformed one is empty", () => {
  const noon = "2031-05-06T12:00:00";
  expect(formatDate(noon, english.locale)).toMatch(/^May 6, 2031, 12:00\sPM$/);
  expect(formatDate(noon, chinese.locale)).toBe("2031年5月6日 12:00");
  expect(formatDate("yesterday", "en")).toBe("");
});

test("numbers are written as their language has them", () => {
  expect(english.number(3000)).toBe("3,000");
  expect(new Formats("de").number(3000)).toBe("3.000");
});

test.each(["en_US", "", "tlh"])("the tag %j, malformed or unknown, gives English", (tag) => {
  expect(new Formats(tag).bytes(1)).toBe("1 byte");
});
