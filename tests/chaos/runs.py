"""The runs so far, and their sums: one line of JSON for each run in `runs.jsonl`, and a table in docs/chaos.md.

`CHAOS_RECORD=tests/chaos/runs.jsonl` appends a run; `python -m tests.chaos.runs` writes the table anew.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.end import Facts
from tests.chaos.reckoning import Verdict
from tests.chaos.report import Run

RUNS = Path(__file__).parent / "runs.jsonl"
PAGE = Path(__file__).parent.parent.parent / "docs" / "chaos.md"
BEGIN, END = "<!-- The sums of tests/chaos/runs.jsonl: python -m tests.chaos.runs -->", "<!-- End of the sums. -->"


def counts(run: Run, verdict: Verdict, facts: Facts, injected: Mapping[str, int]) -> dict[str, Any]:
    """What is recorded of a run. `files`: how many ended in which way, by client."""
    return {
        "date": run.date,
        "seed": run.seed,
        "minutes": run.minutes,
        "files": {client: dict(outcomes) for client, outcomes in sorted(verdict.told.items())},
        "rows": dict(verdict.states),
        "objects": len(facts.objects),
        "right": verdict.right,
        "bytes": verdict.bytes_right,
        "wrong": len(verdict.wrong),
        "injected": {name: count for name, count in sorted(injected.items()) if count},
    }


def append(path: Path, recorded: Mapping[str, Any]) -> None:
    """One line more."""
    with path.open("a") as file:
        file.write(json.dumps(recorded) + "\n")


def read(path: Path = RUNS) -> list[dict[str, Any]]:
    """The runs in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Each run and their sum, as Markdown."""
    lines = [
        "| date | seed | minutes | begun | completed | failed | stuck | rows | objects | right | faults | wrong |",
        "| --- | " + " | ".join(["---:"] * 11) + " |",
    ]
    total: Counter[str] = Counter()
    for run in runs:
        figures = _figures(run)
        total.update(figures)
        lines.append(f"| {run['date']} | {run['seed']} | {_cells(figures)} |")
    injected: Counter[str] = Counter()
    for run in runs:
        injected.update(run["injected"])
    lines.append(f"| **all** | {len(runs)} runs | {_cells(total)} |")
    kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(injected.items()))
    return "\n".join([*lines, "", f"Injected in all: {kinds}.", ""])


def _figures(run: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row of the table, in its order."""
    ends: Counter[str] = Counter()
    for outcomes in run["files"].values():
        ends.update(outcomes)
    return {
        "minutes": run["minutes"],
        "begun": ends.total(),
        "completed": ends["completed"] + ends["kept"],
        "failed": ends["failed"],
        "stuck": ends["stuck"],
        "rows": sum(run["rows"].values()),
        "objects": run["objects"],
        "right": run["right"],
        "faults": sum(run["injected"].values()),
        "wrong": run["wrong"],
    }


def _cells(figures: Mapping[str, float]) -> str:
    return " | ".join(f"{value:,.0f}" for value in figures.values())


def page_with_table(page: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """The page with the table of these runs in place of the one that it has."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table(runs)}\n{END}{after}"


def main() -> int:
    PAGE.write_text(page_with_table(PAGE.read_text(), read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
