// Breaks the engine in many places. With BREAKS=1, as `npm run breaks` sets it, the simulation must find each break.

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { BREAKS } from "./breaks.ts";
import { ENVIRONMENT, simulate } from "./runner.ts";

/** Within so many runs each break is found. */
const RUNS = 10_000;

declare const process: { stdout: { write(text: string): void } };

test("there are at least thirty breaks, with different names", () => {
  const names = new Set(BREAKS.map(({ name }) => name));
  expect(names.size).toBe(BREAKS.length);
  expect(names.size).toBeGreaterThanOrEqual(30);
});

test.each(BREAKS)("the text for '$name' is where the table says", async ({ file, before }) => {
  const source = await readFile(`src/${file}`, "utf8");
  expect(source.split(before)).toHaveLength(2);
});

describe.runIf(ENVIRONMENT.BREAKS)("the simulation finds", { timeout: 0 }, () => {
  test.each(BREAKS)("$name", async (broken) => {
    const seed = Number(ENVIRONMENT.SEED ?? 1);
    const { failure } = await simulate({ seed, runs: RUNS, shrinks: false }, broken);
    process.stdout.write(`${String(failure?.run ?? "-").padStart(6)}  ${broken.name}: ${failure?.message}\n`);
    expect(failure).toBeDefined();
  });
});
