// Simulated uploads. The variables SEEDS and SEED of the environment choose how many and which; FAILURE replays one
// failure, as it was shrunk.

import { expect, test } from "vitest";
import { ENVIRONMENT, replay, simulate } from "./runner.ts";

/** As many as take less than a minute on one core. */
const RUNS = 10_000;

const { SEEDS, SEED, FAILURE } = ENVIRONMENT;

test("whatever happens, each upload ends with the file's bytes or with a reason", {
  timeout: 0,
}, async () => {
  const path = FAILURE ? { path: FAILURE } : {};
  const { runs, seconds, counts, failure } = await simulate({
    seed: Number(SEED ?? 1),
    runs: Number(SEEDS ?? RUNS),
    ...path,
  });
  if (SEEDS || failure) process.stdout.write(`${runs} runs in ${seconds.toFixed(1)} s\n${table(counts)}\n`);
  expect(failure && replay(failure)).toBeUndefined();
  if (!FAILURE) expect(runs).toBe(Number(SEEDS ?? RUNS));
});

declare const process: { stdout: { write(text: string): void } };

function table(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).sort();
  return names.map((name) => `${String(counts[name]).padStart(12)}  ${name}`).join("\n");
}
