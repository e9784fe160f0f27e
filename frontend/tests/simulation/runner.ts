// Bundles the simulation, with a break of the engine if one is given, and runs it in a process of its own.

import { spawn } from "node:child_process";
import { rolldown } from "rolldown";
import type { Break } from "./breaks.ts";
import type { Plan } from "./plan.ts";

declare const process: { execPath: string; env: Record<string, string | undefined> };

export interface Options {
  readonly seed: number;
  readonly runs: number;
  /** Replays one failure, as it was shrunk. */
  readonly path?: string;
  /** False: report the first failure as it is. */
  readonly shrinks?: boolean;
}

export interface Failure {
  readonly seed: number;
  readonly path: string;
  /** How many runs it took to find it. */
  readonly run: number;
  readonly message: string;
  readonly plan: Plan;
}

export interface Result {
  readonly runs: number;
  readonly seconds: number;
  /** Faults by kind, ends of uploads, events and bytes. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failure?: Failure;
}

export const ENVIRONMENT: Readonly<Record<string, string | undefined>> = process.env;

/** Milliseconds without a word after which a run spins. A hundred runs take less than a second. */
const SILENCE = 300_000;

export async function simulate(options: Options, broken?: Break): Promise<Result> {
  return execute(await bundle(broken), options);
}

/** The engine and the simulation as one module; imports of lazily loaded chunks are part of it. */
async function bundle(broken: Break | undefined): Promise<string> {
  const bundled = await rolldown({
    input: "tests/simulation/main.ts",
    platform: "node",
    external: ["fast-check"],
    logLevel: "silent",
    treeshake: false, // package.json says that modules have no side effects; install.ts has.
    plugins: [withSmallSamples(), ...(broken ? [breaking(broken)] : [])],
  });
  const { output } = await bundled.generate({ format: "esm", codeSplitting: false, sourcemap: "inline" });
  return output[0].code;
}

/** The fingerprint's samples, as small as the files are: they do not show each change. */
function withSmallSamples() {
  const sample = "const SAMPLE = 64 * 1024;\nconst SAMPLES = 9;";
  return {
    name: "small samples",
    transform(code: string, id: string) {
      if (!id.endsWith("/src/engine/fingerprint.ts")) return null;
      if (!code.includes(sample)) throw new Error("The samples of the fingerprint have moved.");
      return code.replace(sample, "const SAMPLE = 1;\nconst SAMPLES = 3;");
    },
  };
}

/** Changes one module of the engine while it is bundled. */
function breaking({ name, file, before, after }: Break) {
  let applied = false;
  return {
    name: "break",
    transform(code: string, id: string) {
      if (!id.endsWith(`/src/${file}`)) return null;
      applied = true;
      return code.replace(before, () => after);
    },
    buildEnd() {
      if (!applied) throw new Error(`${name}: ${file} is not part of the simulation.`);
    },
  };
}

function execute(code: string, options: Options): Promise<Result> {
  return new Promise((resolve, reject) => {
    const args = ["--enable-source-maps", "--input-type=module", "-", JSON.stringify(options)];
    const child = spawn(process.execPath, args);
    let output = "";
    let errors = "";
    let watch: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(watch);
      watch = setTimeout(() => {
        child.kill("SIGKILL");
        resolve(spinning(options, Number(output.trim().split("\n").at(-1))));
      }, SILENCE);
    };
    heard();
    child.stdout.on("data", (data) => {
      output += data;
      heard();
    });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.on("close", (code) => {
      clearTimeout(watch);
      if (code === 0) resolve(JSON.parse(output.trim().split("\n").at(-1) as string));
      else reject(new Error(`The simulation ended with ${code}.\n${errors}\n${output}`));
    });
    child.stdin.end(code);
  });
}

/** An engine that never comes to rest, without any event: nothing in its own process can end it. */
function spinning({ seed, runs: all }: Options, runs: number): Result {
  const message = `an upload spins, in one of the hundred runs after run ${runs} of ${all}`;
  return {
    runs,
    seconds: 0,
    counts: {},
    failure: { seed, path: "", run: runs + 1, message, plan: {} as Plan },
  };
}

/** How to see a failure again. */
export function replay({ seed, path, message, plan }: Failure): string {
  return [
    message,
    `Replay: SEED=${seed} FAILURE=${path} npm --prefix frontend run simulate`,
    JSON.stringify(plan, null, 2),
  ].join("\n");
}
