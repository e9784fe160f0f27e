"""The record of runs: docs/chaos.md has its sums."""

from pathlib import Path

from tests.chaos import runs
from tests.chaos.end import Facts
from tests.chaos.ledger import Entry
from tests.chaos.reckoning import Work, reckon
from tests.chaos.report import Run
from tests.chaos.test_reckoning import SPEC, entries, facts


def test_the_page_has_the_sums_of_the_recorded_runs() -> None:
    page = runs.PAGE.read_text()
    assert runs.page_with_table(page, runs.read()) == page


def test_what_is_recorded_adds_up(tmp_path: Path) -> None:
    told, at_end = [*entries(), Entry("python", SPEC)], facts()
    injected = {"tab closed": 3, "OSS killed": 0}
    verdict = reckon(told, at_end, Work({}), injected)
    about = Run(7, 5, "", set(), [], 0, "2026-11-22")
    for _ in range(2):
        runs.append(tmp_path / "runs", runs.counts(about, verdict, at_end, injected))
    recorded = runs.read(tmp_path / "runs")
    lines = runs.table(recorded).splitlines()
    assert lines[2] == "| 2026-11-22 | 7 | 5 | 5 | 3 | 0 | 1 | 4 | 3 | 3 | 3 | 1 |"
    assert lines[4] == "| **all** | 2 runs | 10 | 10 | 6 | 0 | 2 | 8 | 6 | 6 | 6 | 2 |"
    assert lines[-1] == "Injected in all: tab closed 6."


def test_a_run_without_uploads_is_recorded_too() -> None:
    nothing = Facts([], {}, [], {}, {})
    about = Run(7, 5, "", set(), [], 0, "2026-11-22")
    recorded = runs.counts(about, reckon([], nothing, Work({}), {}), nothing, {})
    assert "| 2026-11-22 | 7 | 5 | 0 | 0 |" in runs.table([recorded])
