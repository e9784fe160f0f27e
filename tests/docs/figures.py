"""Recorded runs of the benchmarks: `python -m tests.docs.figures signing backend` records what `make bench` has left in
var/bench, in docs/figures.json, and writes the tables of docs/scale.md."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.__main__ import RESULTS
from tests.docs.pages import DOCS

RECORD = DOCS / "figures.json"
PAGE = DOCS / "scale.md"
BEGIN, END = "<!-- begin of the figures: python -m tests.docs.figures -->\n", "<!-- end of the figures -->\n"

SHOWN = {
    "admin": (
        "list", "list, last page", "search: id", "search: file names of few", "detail", "statistics", "orphans",
        "deliveries", "who did what", "who did what: one of few", "what the sweep counts, every few minutes",
        "export of all uploads",
    )
}  # fmt: skip
"""The rows of a long table that the page has; the record has all."""


def page() -> str:
    """docs/scale.md with the tables of the record."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    tables = "\n".join(_table(name, run) for name, run in sorted(json.loads(RECORD.read_text()).items()))
    return f"{head}{BEGIN}\n{tables}\n{END}{rest.partition(END)[2]}"


def record(names: list[str]) -> None:
    """Takes over the newest run of each benchmark, with its day and the cores of this machine."""
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in names:
        path = RESULTS / f"{name}.json"
        day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
        known[name] = json.loads(path.read_text()) | {"day": day, "cores": os.cpu_count()}
    RECORD.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")


def _table(name: str, run: dict[str, object]) -> str:
    figures = run["figures"]
    assert isinstance(figures, dict)
    rows = "".join(f"| {label} | {value} |\n" for label, value in figures.items() if label in SHOWN.get(name, figures))
    title = str(run["title"])
    return (
        f"### {title[0].upper()}{title[1:]}\n\n`make bench ONLY={name}`, on {run['day']}, {run['cores']} cores. "
        f"Ratio {float(str(run['ratio'])):.2f}, goal {run['goal']}.\n\n| what | figure |\n| --- | --- |\n{rows}"
    )


def main(names: list[str]) -> None:
    record(names)
    Path(PAGE).write_text(page())


if __name__ == "__main__":
    main(sys.argv[1:])
