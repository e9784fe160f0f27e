// What the oldest browsers of docs/browsers.md do not have: Chrome 109, Firefox 115, Safari 16.4.

import { type OutputChunk, rolldown } from "rolldown";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { anySignal } from "../src/engine/promises.ts";

/** Interfaces that one of them lacks, and in how many places the engine asks for them before it uses them. */
const NEWER: readonly (readonly [RegExp, number])[] = [
  [/AbortSignal\.any\b/, 2], // `anySignal` has a fallback.
  [/\bArray\.fromAsync\b/, 0],
  [/\bPromise\.(withResolvers|try)\b/, 0],
  [/\b(Object|Map)\.groupBy\b/, 0],
  [/\.(toSorted|toReversed|toSpliced)\(/, 0],
  [/\.(values|keys|entries)\(\)\.(map|filter|take|drop|flatMap|reduce|toArray|forEach|some|every|find)\(/, 0],
  [/\.(union|intersection|difference|symmetricDifference|isSubsetOf|isSupersetOf|isDisjointFrom)\(/, 0],
  [/\.(toHex|toBase64|setFromHex|setFromBase64)\(|\.(fromHex|fromBase64)\(/, 0],
  [/\.checkVisibility\b/, 0],
  [/\.(isWellFormed|toWellFormed)\(/, 0],
  [/\bURL\.(canParse|parse)\(/, 0],
  [/\bError\.isError\b|\bRegExp\.escape\b|\bMath\.sumPrecise\b|\bSymbol\.(asyncDispose|dispose)\b/, 0],
  [/\bIntl\.DurationFormat\b/, 0],
  [/\bReadableStream\.from\b/, 0],
  // Safari and Chrome before 124 cannot iterate over a ReadableStream. Folders are read by our own generators, and by
  // handles, which are iterable wherever they are; by these the stored bytes of streams are listed, too.
  [/\bfor await\b/, 4],
  [/\bwith ?\{ ?type:/, 0], // Import attributes.
  [/\bshowPopover\b|\bstartViewTransition\b|\bcloseWatcher\b|\bscheduler\./i, 0],
];

async function bundle(entry: string): Promise<string> {
  const bundled = await rolldown({
    input: `src/${entry}`,
    platform: "browser",
    preserveEntrySignatures: "allow-extension",
    logLevel: "silent",
  });
  const { output } = await bundled.generate({});
  return output.flatMap((file) => (file.type === "chunk" ? [(file as OutputChunk).code] : [])).join("\n");
}

const ENTRIES = ["page.ts", "hashing/crc64.worker.ts", "hashing/md5.worker.ts"];

test.each(ENTRIES)("%s needs none of them", async (entry) => {
  const code = (await bundle(entry)).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = NEWER.map(([name]) => [...code.matchAll(new RegExp(name, `${name.flags}g`))].length);
  expect(found).toEqual(NEWER.map(([, places]) => (entry === "page.ts" ? places : 0)));
});

describe.each(["with", "without"])("anySignal %s AbortSignal.any", (which) => {
  const { any } = AbortSignal;
  beforeEach(() => {
    if (which === "without") (AbortSignal as { any?: unknown }).any = undefined;
  });
  afterEach(() => {
    AbortSignal.any = any;
  });

  test("aborts with the first of its signals, for the same reason", () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const either = anySignal(first.signal, second.signal);
    expect(either.aborted).toBe(false);
    second.abort("second");
    first.abort("first");
    expect([either.aborted, either.reason]).toEqual([true, "second"]);
  });

  test("is aborted where one of them is", () => {
    const other = new AbortController();
    const either = anySignal(other.signal, AbortSignal.abort("before"));
    expect([either.aborted, either.reason]).toEqual([true, "before"]);
  });
});
