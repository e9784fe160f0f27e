"""The changes of the engine that tests do not notice, by Stryker: `stryker/stryker.config.json` says where."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.mutation.changes import Change, shortened
from tests.mutation.python import PROCESSES, ROOT, WORK

STRYKER = ROOT / "tests" / "mutation" / "stryker"
RESULTS = WORK / "typescript.json"
AREAS: Mapping[str, Sequence[str]] = {
    "ledger": ["ledger"],
    "sender": ["sender", "oss-response"],
    "signer": ["signer", "sts-signer"],
    "retry": ["retry", "waiting"],
    "checking": ["integrity", "part-checks", "version-proof"],
}
NOTICED = frozenset({"Killed", "Timeout"})
MISSED = frozenset({"Survived", "NoCoverage"})


def changes() -> Iterator[Change]:
    """Run Stryker, and give each change with what became of it. What has not changed since the last run is not tried
    again."""
    WORK.mkdir(parents=True, exist_ok=True)
    modules = STRYKER / "node_modules"
    node = modules / ".bin" / "node"  # Stryker needs a newer one than the front end.
    stryker = modules / "@stryker-mutator" / "core" / "bin" / "stryker.js"
    run = [node, stryker, "run", STRYKER / "stryker.config.json", "--concurrency", str(PROCESSES)]
    subprocess.run(run, cwd=ROOT / "frontend", check=True)
    files = json.loads(RESULTS.read_text())["files"]
    for area, modules in AREAS.items():
        for module in modules:
            name = f"src/engine/{module}.ts"
            yield from _changes_of(f"engine: {area}", f"frontend/{name}", files[name])


def _changes_of(area: str, path: str, file: Mapping[str, Any]) -> Iterator[Change]:
    lines = file["source"].splitlines(keepends=True)
    for mutant in file["mutants"]:
        if mutant["status"] in NOTICED | MISSED:  # Others do not compile, or cannot be loaded.
            before, after = _texts(lines, mutant["location"], mutant["replacement"])
            yield Change(area, path, shortened(before), shortened(after), mutant["status"] in NOTICED)


def _texts(lines: Sequence[str], location: Mapping[str, Mapping[str, int]], replacement: str) -> tuple[str, str]:
    """The lines of the change before and after it. Lines and columns count from 1."""
    start, end = location["start"], location["end"]
    first, last = lines[start["line"] - 1], lines[end["line"] - 1]
    before = "".join(lines[start["line"] - 1 : end["line"]])
    return before, first[: start["column"] - 1] + replacement + last[end["column"] - 1 :]
