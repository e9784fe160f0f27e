// Runs plans until one fails, and prints the result as JSON in the last line of standard output. The lines before count.
// runner.ts bundles it and starts it in a process of its own, whose globals it replaces.

import "./install.ts";
import fc from "fast-check";
import { Violation } from "./oracle.ts";
import { CHUNK, type Plan, plans } from "./plan.ts";
import type { Options, Result } from "./runner.ts";
import { current, run } from "./simulation.ts";

declare const process: {
  argv: string[];
  stdout: { write(text: string): void };
  on(event: "unhandledRejection", listener: (reason: unknown) => void): void;
};

process.on("unhandledRejection", (reason) => {
  current?.fail(`a rejection that nobody handles: ${(reason as Error)?.stack ?? reason}`);
});
const options: Options = JSON.parse(process.argv[2] as string);
// Errors are part of most runs; only a replay needs to know where they were made.
if (!options.path) (Error as unknown as { stackTraceLimit: number }).stackTraceLimit = 0;
const began = performance.now();
const counts: Record<string, number> = {};
let runs = 0;
/** Runs between two lines by which the runner sees that no run spins. */
const HEARTBEAT = 100;

function count(name: string, amount = 1): void {
  counts[name] = (counts[name] ?? 0) + amount;
}

async function runOnce(plan: Plan): Promise<void> {
  runs += 1;
  if (runs % HEARTBEAT === 0) process.stdout.write(`${runs}\n`); // To a pipe, so at once.
  const { steps, totals, injected, states } = await run(plan);
  count("events", steps);
  count("bytes sent", totals.sent);
  count("bytes sent again", totals.sentAgain);
  for (const [name, amount] of injected) count(`fault: ${name}`, amount);
  for (const state of states) count(`end: ${state}`);
}

async function main(): Promise<Result> {
  for (let left = options.runs, seed = options.seed; left > 0; left -= CHUNK, seed++) {
    const settings = { seed, numRuns: Math.min(CHUNK, left), ...(options.path && { path: options.path }) };
    const details = await fc.check(fc.asyncProperty(plans, runOnce), {
      ...settings,
      endOnFailure: options.shrinks === false,
    });
    if (!details.failed) continue;
    const error = details.errorInstance as Error;
    return {
      ...resultSoFar(),
      failure: {
        seed,
        path: details.counterexamplePath ?? "",
        run: options.runs - left + Number(details.counterexamplePath?.split(":")[0] ?? 0) + 1,
        plan: details.counterexample?.[0] as Plan,
        message: error instanceof Violation ? error.message : String(error?.stack ?? error),
      },
    };
  }
  return resultSoFar();
}

function resultSoFar(): Result {
  return { runs, seconds: (performance.now() - began) / 1000, counts };
}

process.stdout.write(`${JSON.stringify(await main())}\n`);
