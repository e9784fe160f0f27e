import { expect, test } from "vitest";
import { joined } from "../../src/element/joined.ts";

test.each([
  [["42% of 3.0 GB uploaded", "Nov 21, 2026"], "42% of 3.0 GB uploaded · Nov 21, 2026"],
  [
    ["Paused.", "1 of 2 files uploaded", "1 was uploaded before"],
    "Paused. 1 of 2 files uploaded · 1 was uploaded before",
  ],
  [["正在中止…", "", "已上传 1/2 个文件"], "正在中止… 已上传 1/2 个文件"],
  [["已暂停。", "已上传 1/2 个文件"], "已暂停。已上传 1/2 个文件"],
])("%j in one line", (texts, line) => {
  expect(joined(...texts)).toBe(line);
});
