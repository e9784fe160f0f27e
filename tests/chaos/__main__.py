"""python -m tests.chaos: uploads without end while everything around them fails, and then the reckoning.

Options: `tests.chaos.options`. Exit code 1 if anything is wrong, or too little was done.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import browsers, report, runs
from tests.chaos.adversary import Adversary
from tests.chaos.browsers import Browser
from tests.chaos.end import facts
from tests.chaos.ledger import Ledger
from tests.chaos.options import Options
from tests.chaos.reckoning import Work, reckon
from tests.chaos.rude import RudeClient
from tests.chaos.world import World
from tests.watchdog import watched

FINISH_SECONDS = 600
"""For the clients to end what they are at, when nothing fails any more."""

WAYS = ["folder", "staged"]
"""Which random files might miss in a short run."""
LEAVE_SECONDS = 30
"""For a browser to say what it still waits for, and to end."""


def main() -> int:
    options = Options.from_environment()
    print(f"chaos for {options.minutes:g} minutes, CHAOS_SEED={options.seed}", flush=True)
    counts = {"chromium": options.chromium, "firefox": options.firefox, "python": options.python}
    if not browsers.is_installed("firefox"):
        counts["firefox"] = 0
    users = [f"user-{kind}-{number}" for kind, count in counts.items() for number in range(count)]
    log = Path(f"{options.report}.log") if options.report else None
    with watched(), World(users, log) as world:
        return run(world, options, counts)


def run(world: World, options: Options, counts: dict[str, int]) -> int:
    """Clients, adversary, reckoning. Returns the exit code."""
    luck, ledger = random.Random(options.seed), Ledger()
    pages = started_browsers(world, ledger, options, counts, luck)
    rude = [RudeClient(world, ledger, n, random.Random(luck.randrange(1 << 30))) for n in range(counts["python"])]
    adversary = Adversary(world, pages, luck.randrange(1 << 30))
    for client in (*pages, *rude):
        client.start()
    adversary.run(time.monotonic() + options.minutes * 60)
    waited = finish(world, pages, rude)
    show_waiting(pages)
    at_end = facts(world)
    faults, ways = (adversary.kinds, [*WAYS, "huge"]) if options.is_long else (adversary.blows, WAYS)
    work = Work(options.least_completed(counts), faults, ways if pages else [])
    verdict = reckon(ledger.entries(), at_end, work, adversary.counts)
    clients = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    protocols = {protocol for page in pages for protocol in page.protocols}
    named = f"{clients}, {options.tabs} tabs in each browser"
    about = report.Run(options.seed, options.minutes, named, protocols, world.missing, waited)
    text = report.markdown(about, verdict, at_end, adversary.counts)
    print(text, flush=True)
    if options.report:
        Path(options.report).write_text(text)
    if options.record:
        runs.append(Path(options.record), runs.counts(about, verdict, at_end, adversary.counts))
    return 0 if verdict.passed else 1


def started_browsers(
    world: World, ledger: Ledger, options: Options, counts: dict[str, int], luck: random.Random
) -> list[Browser]:
    """The browsers with their tabs, not started yet."""
    made = []
    for engine in browsers.ENGINES:
        for number in range(counts[engine]):
            browser = Browser(world, ledger, engine, number, random.Random(luck.randrange(1 << 30)))
            browser.mix = options.mix
            browser.open_tabs(options.tabs)
            made.append(browser)
    return made


def finish(world: World, pages: Sequence[Browser], rude: Sequence[RudeClient]) -> float:
    """Nothing fails any more: everybody ends what they are at. Returns how many seconds that took."""
    began = time.monotonic()
    clients: list[Browser | RudeClient] = [*pages, *rude]
    for client in clients:
        client.finishing.set()
    while any(client.is_alive() for client in clients) and time.monotonic() < began + FINISH_SECONDS:
        for client in clients:
            client.join(1.0)
        for page in pages:
            page.kill_if_hung()
    for page in pages:
        page.leave()
    for page in pages:
        page.join(LEAVE_SECONDS)
    world.await_sweep()
    return time.monotonic() - began


def show_waiting(pages: Sequence[Browser]) -> None:
    """What browsers noted, which explains what is wrong."""
    notes: Counter[str] = Counter()
    for page in pages:
        notes.update(page.notes)
    for note, count in notes.most_common(60):
        print(f"{count:5} {note}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
