"""The result as Markdown: for the terminal, for CHAOS_REPORT, and for docs/chaos.md."""

import os
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos.end import Facts
from tests.chaos.reckoning import SHOWN, Verdict

OUTCOMES = ("completed", "kept", "aborted", "left", "failed", "stuck")


@dataclass(frozen=True, slots=True)
class Run:
    """What is said of a run besides its verdict.

    `protocols`: those in which pages came. `missing`: parts that this machine does not offer.
    """

    seed: int
    minutes: float
    clients: str
    protocols: set[str]
    missing: list[str]
    seconds_to_finish: float
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")


def machine() -> str:
    """The processors, the memory, and how busy they are."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, load {os.getloadavg()[1]:.1f}"


def markdown(run: Run, verdict: Verdict, facts: Facts, injected: Mapping[str, int]) -> str:
    """All figures of a run."""
    lines = [
        f"Seed {run.seed}, {run.minutes:g} minutes, {run.date}, {machine()}. Clients: {run.clients}.",
        f"Pages came over {', '.join(sorted(filter(None, run.protocols))) or 'no known protocol'}.",
        *(f"Missing here: {each}." for each in run.missing),
        "",
        f"| client | begun | {' | '.join(OUTCOMES)} |",
        f"| --- | {' | '.join('---:' for _ in range(len(OUTCOMES) + 1))} |",
    ]
    for client, outcomes in sorted(verdict.told.items()):
        counts = " | ".join(str(outcomes[name]) for name in OUTCOMES)
        lines.append(f"| {client} | {outcomes.total()} | {counts} |")
    states = ", ".join(f"{count} {state}" for state, count in verdict.states.most_common())
    failed = ", ".join(f"{code} {count}" for code, count in sorted(verdict.codes.items())) or "none"
    faults = ", ".join(f"{name} {count}" for name, count in sorted(injected.items()) if count)
    swept = ", ".join(f"{what} {count}" for what, count in sorted(facts.swept.items())) or "nothing to do"
    statuses = Counter(each.partition(" ")[2] for each, count in facts.answers.items() for _ in range(count))
    answers = ", ".join(f"{status} {count}" for status, count in sorted(statuses.items())) or "not known"
    lines += [
        "",
        f"- Rows: {len(facts.rows)}, of them {states}.",
        f"- Objects: {len(facts.objects)}; {verdict.right} have the bytes of their files ({verdict.bytes_right:,}).",
        f"- Multipart uploads left open: {len(facts.open_uploads)}. Last sweeps: {swept}.",
        f"- Failed, by code: {failed}.",
        f"- Injected: {faults}.",
        f"- Answers of the site: {answers}.",
        f"- The clients took {run.seconds_to_finish:.0f} s to finish after the last fault.",
        f"- Wrong: {len(verdict.wrong)}.",
        *(f"  - {each}" for each in verdict.wrong[:SHOWN]),
    ]
    return "\n".join(lines) + "\n"
