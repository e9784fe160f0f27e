// Simulated uploads. The variables SEEDS and SEED of the environment choose how many and which; FAILURE replays one
// failure, as it was shrunk.

import { expect, test } from "vitest";
import { CHUNK } from "./plan.ts";
import { ENVIRONMENT, replay, simulate } from "./runner.ts";

/** As many as take less than a minute on two cores. */
const RUNS = 10_000;

const { SEEDS, SEED, FAILURE } = ENVIRONMENT;

test("whatever happens, each upload ends with the file's bytes or with a reason", {
  timeout: 0,
}, async () => {
  const seed = Number(SEED ?? 1);
  const all = Number(SEEDS ?? RUNS);
  const halves = FAILURE
    ? [{ seed, runs: all, path: FAILURE }]
    : [
        { seed, runs: Math.ceil(all / 2) },
        { seed: seed + Math.ceil(all / 2 / CHUNK), runs: Math.floor(all / 2) },
      ];
  const results = await Promise.all(halves.map((half) => simulate(half)));
  const runs = results.reduce((sum, result) => sum + result.runs, 0);
  const seconds = Math.max(...results.map((result) => result.seconds));
  const failure = results.find((result) => result.failure)?.failure;
  const counts = sumOf(results.map((result) => result.counts));
  const next = seed + 2 * Math.ceil(all / 2 / CHUNK);
  if (SEEDS || failure) {
    process.stdout.write(
      `${runs} runs in ${seconds.toFixed(1)} s, SEED=${next} continues\n${table(counts)}\n`,
    );
  }
  expect(failure && replay(failure)).toBeUndefined();
  if (!FAILURE) expect(runs).toBe(all);
});

declare const process: { stdout: { write(text: string): void } };

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of all) for (const name in counts) sums[name] = (sums[name] ?? 0) + (counts[name] ?? 0);
  return sums;
}

function table(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).sort();
  return names.map((name) => `${String(counts[name]).padStart(12)}  ${name}`).join("\n");
}
