"""`make live`: judge the statements on the bucket that the environment names, and compare it with the local OSS."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from tests.live import journal, recording, session, target
from tests.live.answers import Recorded
from tests.live.recording import Difference
from tests.live.session import Outcome, Session, Unusable
from tests.live.statement import Statement
from tests.live.target import Target
from tests.live.topics import STATEMENTS
from uploads.localoss.testing import LocalServer

SAME, DIFFERENT, UNUSABLE, STOPPED = 0, 1, 2, 130


class Stopped(BaseException):
    """A signal ended the run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 all is as stated and as in the local OSS, 1 not, 2 it could not run."""
    given = parser().parse_args(arguments)
    chosen = [asked for asked in STATEMENTS if given.only in asked.name]
    if given.list:
        for asked in chosen:
            print(f"{asked.name}\n    {asked.page}")
        return SAME
    try:
        with stoppable():
            return run(given, chosen)
    except (target.Incomplete, Unusable, recording.Telling) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except Stopped:
        print("Stopped. What the run had made is removed.", file=sys.stderr)
        return STOPPED


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    made.add_argument("--list", action="store_true", help="name the statements and the vendor's pages, send nothing")
    made.add_argument("--local", action="store_true", help="judge a local OSS instead of a real bucket")
    made.add_argument("--only", default="", help="statements whose name contains this text")
    made.add_argument("--folder", type=Path, default=journal.FOLDER, help="for recordings and records of runs")
    return made


def run(given: argparse.Namespace, chosen: list[Statement]) -> int:
    """Judge, compare, record and report."""
    if given.local:
        with LocalServer() as server:
            place = target.local(server)
            outcomes, opened = judged(place, chosen, given.folder)
        twins: list[Outcome] = []
    else:
        place = target.from_environment(os.environ)
        outcomes, opened = judged(place, chosen, given.folder)
        with LocalServer() as server:
            twins, _ = judged(target.local(server), chosen, given.folder / "local", quiet=True)
    differences = compared(outcomes, twins, chosen)
    path = None
    answers = {outcome.name: outcome.recorded for outcome in outcomes if outcome.recorded}
    if answers:
        path = write(place, given.folder, answers)
    report(outcomes, differences, opened, path)
    broken = any(outcome.problems for outcome in outcomes)
    return DIFFERENT if broken or differences or opened.wrong else SAME


def judged(
    place: Target, chosen: list[Statement], folder: Path, *, quiet: bool = False
) -> tuple[list[Outcome], Session]:
    """The outcomes on one target."""
    with session.opened(place, folder) as opened:
        return list(opened.run(chosen, (lambda outcome: None) if quiet else tell)), opened


def compared(outcomes: list[Outcome], twins: list[Outcome], chosen: list[Statement]) -> list[Difference]:
    """The differences between OSS and the local OSS, without those that accounts explain."""
    local, varying = {twin.name: twin for twin in twins}, {asked.name for asked in chosen if asked.varies}
    found = []
    for outcome in outcomes:
        twin = local.get(outcome.name)
        if outcome.recorded and twin and twin.recorded and outcome.name not in varying:
            found += recording.compare(outcome.name, outcome.recorded, twin.recorded)
    return recording.unexplained(found, recording.accepted())


def write(place: Target, folder: Path, answers: dict[str, Recorded]) -> Path:
    """Write the recording; its path."""
    now = datetime.now(UTC)
    text = recording.document(place, f"{now:%Y-%m-%d}", answers)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{place.region}-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(text)
    return path


def tell(outcome: Outcome) -> None:
    """One line for each statement that is not as it says."""
    for problem in outcome.problems:
        print(f"NOT SO  {outcome.name}: {problem}", flush=True)


def report(outcomes: list[Outcome], differences: list[Difference], opened: Session, path: Path | None) -> None:
    """The summary."""
    for difference in differences:
        print(f"DIFFERS {difference}")
    skipped = [outcome for outcome in outcomes if outcome.skipped]
    for reason in sorted({outcome.skipped for outcome in skipped}):
        print(f"SKIPPED {sum(outcome.skipped == reason for outcome in skipped)} statements: {reason}")
    for sentence in opened.wrong:
        print(f"LEFT    {sentence} The next run tries again.")
    broken = sum(bool(outcome.problems) for outcome in outcomes)
    usage = opened.usage
    print(
        f"{len(outcomes) - len(skipped)} statements, {broken} not so, {len(differences)} differences from the local "
        f"OSS. {usage.requests} requests, {usage.charged} charged, at most {session.dollars(usage):.4f} USD."
    )
    if path:
        print(f"The answers, without anything of the account: {path}")


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the run by Stopped, so that it cleans up. A second one ends the clean-up."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_DFL)
        raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
