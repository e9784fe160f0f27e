"""CRC64 by our kernel beside hash-wasm's, in the same process, in Node and in Chromium.

Each hashes for the same time in turn, so that what else the machine does slows all alike; the ratio is the median of
the rounds, the smaller one of Node and Chromium. The bytes are random and come in pieces as the engine reads them.
"""

import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.chromium import Front
from tests.packed import FRONTEND, MODULES, node
from tests.stack import Stack

PIECE = 256 << 10
"""Bytes: what the engine reads at once."""
ROUNDS = 51
WINDOW = 30
"""Milliseconds for which each hashes in a round."""
HASH_WASM = MODULES / "hash-wasm" / "dist" / "crc64.umd.min.js"
ROLLDOWN = MODULES / "rolldown" / "bin" / "cli.mjs"
SCRIPT = """
const { piece, rounds, milliseconds } = CONSTANTS;
const bytes = new Uint8Array(piece);
for (let at = 0; at < piece; at += 2 ** 16) crypto.getRandomValues(bytes.subarray(at, at + 2 ** 16));
const hashWasm = await hashwasm.createCRC64();
hashWasm.init();
const contenders = {
  "hash-wasm": hashWasm,
  kernel: new kernel.KernelCrc64(await kernel.compileKernel()),
  tables: new table.TableCrc64(),
};
function speed(contender) {
  const started = performance.now();
  let hashed = 0, took = 0;
  while (took < milliseconds) {
    contender.update(bytes);
    hashed += piece;
    took = performance.now() - started;
  }
  return hashed / 2 ** 20 / (took / 1000);
}
for (const contender of Object.values(contenders)) speed(contender);
const results = [];
for (let round = 0; round < rounds; round++) {
  const speeds = Object.entries(contenders).map(([name, contender]) => [name, speed(contender)]);
  results.push(Object.fromEntries(speeds));
}
return results;
"""
IN_NODE = """
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
const [script, constants, ...files] = process.argv.slice(1);
for (const file of files) runInThisContext(readFileSync(file, "utf8"));
const run = runInThisContext(`async (CONSTANTS) => {${script}}`);
console.log(JSON.stringify(await run(JSON.parse(constants))));
"""


def run() -> dict[str, Any]:
    constants = {"piece": PIECE, "rounds": ROUNDS, "milliseconds": WINDOW}
    with tempfile.TemporaryDirectory() as folder:
        scripts = [HASH_WASM, *(bundle(name, Path(folder)) for name in ("kernel", "table"))]
        arguments = [SCRIPT, json.dumps(constants), *map(str, scripts)]
        in_node = json.loads(node(FRONTEND, "--input-type=module", "--eval", IN_NODE, "--", *arguments))
        with Stack() as stack, Front(stack) as front:
            in_chromium = front.drive(SCRIPT, constants, scripts=scripts)
    figures, ratios = {}, []
    for name, rounds in {"Node": in_node, "Chromium": in_chromium}.items():
        for contender in rounds[0]:
            speed = statistics.median(speeds[contender] for speeds in rounds)
            figures[f"{name}, {contender}"] = f"{speed:,.0f} MiB/s"
        ratios.append(statistics.median(speeds["kernel"] / speeds["hash-wasm"] for speeds in rounds))
        figures[f"{name}, kernel beside hash-wasm"] = f"{ratios[-1]:.2f} times"
    return {
        "title": f"CRC64 in pieces of {PIECE >> 10} KiB, one thread",
        "figures": figures,
        "ratio": min(ratios),
        "goal": 4,
    }


def bundle(name: str, folder: Path) -> Path:
    """`src/hashing/crc64-<name>.ts` as a script that defines the global `<name>`."""
    file = folder / f"{name}.js"
    command = ["node", str(ROLLDOWN), f"src/hashing/crc64-{name}.ts", "--format", "iife", "--name", name]
    subprocess.run([*command, "--file", str(file)], cwd=FRONTEND, check=True, capture_output=True)
    return file
