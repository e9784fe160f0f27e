"""Very many stale uploads: one sweep aborts all of them, and the last as fast as the first.

ENDURANCE_STALE (1,000,000) rows on PostgreSQL. Nine of ten are still open at the local OSS, as abandoned uploads are.
Every tenth is gone there, as where a lifecycle rule was faster. The time of each tenth is printed with the computing
time of the sweep, the database and OSS, which tells a sweep that slows down from a machine that others use.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.chaos.servers import children
from tests.chaos.world import World
from tests.endurance.flat import Sample, slowdown, tenths
from tests.endurance.processes import cpu_seconds
from tests.endurance.result import Result
from tests.stack import ROOT, client_for
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload

STALE = int(os.environ.get("ENDURANCE_STALE") or 1_000_000)
STEPS = 100
GONE_EVERY = 10
OWNER = "owner"
USED = ("sweep", "database", "OSS")


def run() -> Result:
    with World([OWNER]) as world:
        world.site.kill()
        _fill(world)
        times, used, report = _swept(world)
        with client_for(world.oss_server) as client:
            still_open = sum(1 for _ in client.all_uploads(world.oss_server.bucket))
    parts = tenths(times, STALE)
    wrong = [] if report["swept"] == {"aborted": STALE} else [f"the sweep reported {report['swept']}"]
    if report["states"] != {"aborted": STALE} or report["unreleased"]:
        wrong.append(f"the rows are {report['states']}, {report['unreleased']} of them not released")
    if still_open:
        wrong.append(f"{still_open} multipart uploads are open after the sweep")
    return Result(
        f"{STALE:,} stale uploads swept",
        {
            "Swept a second": f"{STALE / times[-1].value:.0f} ({times[-1].value:.0f} s)",
            "Seconds for 10,000, in each tenth": _listed([each * 100_000 / STALE for each in parts]),
            **{
                f"CPU seconds of the {name} for 10,000, in each tenth": _listed(
                    [each * 100_000 / STALE for each in tenths(used[name], STALE)]
                )
                for name in USED
            },
            "Open at OSS before and after": f"{STALE - STALE // GONE_EVERY:,} and {still_open}",
        },
        [*wrong, *slowdown(parts[0], parts[-1])],
    )


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)


def identifier(number: int) -> str:
    """The id of an upload at OSS."""
    return f"{number:032X}"


def _fill(world: World) -> None:
    """Rows, and uploads straight into the local OSS's store, while that does not run."""
    Sweeper(world, "fill").wait_for_end()
    world.oss_server.kill()
    store = Store(world.oss_server.root)
    at, bucket = int(time.time() * 1000), world.oss_server.bucket
    for number in range(STALE):
        if number % GONE_EVERY:
            name = identifier(number)
            store.uploads.create(Upload(name, bucket, f"checked/{name}", at, {"content-type": "a/b"}))
    store.close()
    world.oss_server.start()


def _swept(world: World) -> tuple[list[Sample], dict[str, list[Sample]], dict[str, dict[str, int]]]:
    """When each step was done in seconds, the CPU seconds used until then, and the sweep's report."""
    times: list[Sample] = []
    used: dict[str, list[Sample]] = {name: [] for name in USED}
    sweeper, began, before = Sweeper(world, "sweep"), 0.0, dict.fromkeys(USED, 0.0)
    for line in sweeper.lines():
        if line.startswith("{"):
            return times, used, json.loads(line)
        now = _used(world, sweeper.process.pid)
        if line == "begin":
            began, before = time.monotonic(), now
            continue
        times.append(Sample(int(line), time.monotonic() - began))
        print(f"{int(line):,} of {STALE:,} swept after {times[-1].value:.0f} s", file=sys.stderr, flush=True)
        for name in USED:
            used[name].append(Sample(int(line), now[name] - before[name]))
    raise RuntimeError("The sweep ended without a report.")


def _used(world: World, sweeper: int) -> dict[str, float]:
    database = world.postgres.processes()
    server = world.oss_server.process
    oss = [server.pid, *children(server.pid)] if server else []
    return {
        "sweep": cpu_seconds(sweeper),
        "database": sum(map(cpu_seconds, database)),
        "OSS": sum(map(cpu_seconds, oss)),
    }


class Sweeper:
    """`tests.endurance.sweeper` as a process."""

    def __init__(self, world: World, what: str) -> None:
        environment = {**world.site.environment, "ENDURANCE_STALE": str(STALE)}
        command = [sys.executable, "-W", "ignore", "-m", "tests.endurance.sweeper", what, OWNER]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def wait_for_end(self) -> None:
        if self.process.wait():
            raise RuntimeError(f"{self.process.args!r} ended with code {self.process.returncode}.")

    def lines(self) -> Iterator[str]:
        assert self.process.stdout
        yield from (line.rstrip() for line in self.process.stdout)
        self.wait_for_end()
