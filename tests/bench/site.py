"""The site beside a bare view of Django REST framework: create + sign + complete by 1, 4 and 16 threads, and requests
of 1 to 1,000 parts; with one site process, and with two on the same PostgreSQL and Redis.

The processes are started as the image starts them (`deploy/Dockerfile`), and keep the default throttles. The bare view
is in the same process, behind the same middleware (`tests.bench_bare`); it takes and gives JSON of the same form and
number of parts. All figures of a row are measured in turn, in the same seconds. With two processes each request goes to
the one that did not get the one before it, so every upload is worked on by both. Bytes go to the local OSS in between,
outside of the times. Computing time is that of the client, the site, the databases and the local OSS together: on a
machine that others use it says more than what a request waits. The ratio is the narrowest margin of the figures that
have a limit: 1 is at the limit.
"""

import itertools
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.bench.two_sites import Caller, World, computing_time, world
from uploads.localoss.testing import LocalServer
from uploads.oss.signing import Credentials, OssRequest, PartRequest, PartSigner, SigningContext

THREADS, PARTS = (1, 4, 16), (1, 10, 100, 1000)
ROUNDS = int(os.environ.get("SITE_ROUNDS") or 6)
SECONDS, REPEATS = 2.0, 12
"""Of each kind of load in each round; requests for each number of parts in each round. The first round is left out."""
PART_SIZE, ETAG = 102_400, "5D41402ABC4B2A76B9719D911017C592"
FILE = {"filename": "a.bin", "size": PART_SIZE + 1, "part_size": PART_SIZE, "content_type": "video/mp4"}
LARGE = {"filename": "film.mp4", "size": 40 * 2**30, "content_type": "video/mp4"}
SIGN_LIMIT, CHECKPOINT_LIMIT, TAIL_LIMIT = 2.5, 60.0, 3.0
"""Times of the bare view, besides the bare signing; milliseconds for 1,000 parts; p99 in times of p50."""


# create + sign + complete


def _journey(caller: Caller, token: str) -> None:
    upload = caller.post("create", "/api/uploads/", token, FILE)
    path = f"/api/uploads/{upload['id']}/"
    signed = caller.post("sign", f"{path}parts/sign/", token, {"parts": [{"number": 1}, {"number": 2}]})
    for part in signed["parts"]:
        caller.send(part, bytes(part["size"]))
    if caller.post("complete", f"{path}complete/", token, {})["state"] != "completed":
        raise RuntimeError(f"not completed: {upload['id']}")


def _drive(callers: Sequence[Caller], tokens: Sequence[str], act: Callable[[Caller, str], None]) -> None:
    """Every caller acts without a pause for SECONDS, each in a thread of its own, for one user after the other."""
    deadline, turns = time.monotonic() + SECONDS, itertools.cycle(tokens)
    failures: list[Exception] = []

    def run(caller: Caller) -> None:
        try:
            while time.monotonic() < deadline:
                act(caller, next(turns))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[caller]) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _journeys(site: World, threads: int, uploads: dict[str, str]) -> list["Load"]:
    """Of one process and of two, in turn."""
    found = [Load(threads, site.ports[:count]) for count in (1, 2)]
    two = [{"number": 1}, {"number": 2}]
    for turn in range(ROUNDS + 1):
        for load in found:
            callers = [Caller(load.ports, site.oss) for _ in range(threads)]
            _drive(callers, site.tokens, lambda caller, token: caller.bare("bare", token, uploads[token], two))
            _drive(callers, site.tokens, _journey)
            if turn:
                load.add(callers)
    return found


class Load:
    """The times of some threads against some processes. `names` are the requests of a journey, and the bare view's."""

    names = ("create", "sign", "complete", "bare")

    def __init__(self, threads: int, ports: Sequence[int]) -> None:
        self.ports, self.label = ports, _label(ports, f"{threads} thread{'s' * (threads > 1)}")
        self._times: dict[str, list[float]] = defaultdict(list)

    def add(self, callers: Sequence[Caller]) -> None:
        for caller in callers:
            for name in self.names:
                self._times[name] += caller.times[name]

    def percentile(self, name: str, percent: int) -> float:
        return statistics.quantiles(self._times[name], n=100, method="inclusive")[percent - 1]

    def tail(self, name: str) -> float:
        """p99 in times of p50."""
        return self.percentile(name, 99) / self.percentile(name, 50)

    def figures(self) -> dict[str, str]:
        p50, p99 = (", ".join(f"{self.percentile(name, part):.1f}" for name in self.names) for part in (50, 99))
        rate = len(self._times["complete"]) / ROUNDS / SECONDS
        return {
            f"{self.label}: create, sign, complete, bare view": f"{p50} ms; {rate:.0f} uploads a second",
            f"{self.label}: p99 of these": f"{p99} ms",
        }


def _label(ports: Sequence[int], what: str) -> str:
    return f"{what}, {'one process' if len(ports) == 1 else 'two processes'}"


# Many parts in one request


KINDS = ("bare", "signing", "sign", "checkpoint")


def _parts(site: World, ports: Sequence[int]) -> tuple[dict[str, str], float]:
    """The figures, and the narrowest margin: medians in milliseconds, and for the most parts the computing time."""
    times: dict[tuple[int, str], list[float]] = defaultdict(list)
    computing: dict[tuple[int, str], list[float]] = defaultdict(list)
    caller, tokens = Caller(ports, site.oss), itertools.cycle(site.tokens)
    for turn in range(ROUNDS * REPEATS + 1):
        for (count, kind), act in _acts(caller, next(tokens), site.oss).items():
            before, began = computing_time(), time.perf_counter()
            act()
            if turn:
                times[count, kind].append((time.perf_counter() - began) * 1000)
                computing[count, kind].append(computing_time() - before)
    medians, costs = ({key: statistics.median(found) for key, found in all.items()} for all in (times, computing))
    most, figures = PARTS[-1], {}
    for count in PARTS:
        bare, signing, sign, checkpoint = (medians[count, kind] for kind in KINDS)
        figures[_label(ports, f"sign {count:,}")] = f"{sign:.1f} ms; bare view {bare:.1f}, bare signing {signing:.1f}"
        figures[_label(ports, f"checkpoint of {count:,}")] = f"{checkpoint:.1f} ms"
    limit = SIGN_LIMIT * bare + signing
    figures[_label(ports, f"sign {most:,}")] += f"; limit {limit:.1f}"
    figures[_label(ports, f"checkpoint of {most:,}")] += f"; limit {CHECKPOINT_LIMIT:.0f}"
    figures[_label(ports, f"computing time for {most:,}: bare view, bare signing, sign, checkpoint")] = (
        ", ".join(f"{costs[most, kind]:.1f}" for kind in KINDS) + " ms"
    )
    return figures, min(limit / sign, CHECKPOINT_LIMIT / checkpoint)


def _acts(caller: Caller, token: str, oss: LocalServer) -> dict[tuple[int, str], Callable[[], Any]]:
    """By number of parts and kind, for the parts of a new upload; each part is in one of the numbers."""
    upload = caller.post("create", "/api/uploads/", token, LARGE)
    path, first = f"/api/uploads/{upload['id']}/parts/", 1
    acts: dict[tuple[int, str], Callable[[], Any]] = {}
    for count in PARTS:
        numbers = range(first, first := first + count)
        wanted = [{"number": number} for number in numbers]
        done = {"parts": [{**part, "size": upload["part_size"], "etag": ETAG} for part in wanted]}
        acts[count, "bare"] = partial(caller.bare, "bare", token, upload["id"], wanted)
        acts[count, "signing"] = partial(_sign, oss, upload, numbers)
        acts[count, "sign"] = partial(caller.post, "sign", f"{path}sign/", token, {"parts": wanted})
        acts[count, "checkpoint"] = partial(caller.post, "checkpoint", path, token, done)
    return acts


def _sign(oss: LocalServer, upload: dict[str, Any], numbers: Sequence[int]) -> None:
    """The URLs alone, bound to the sizes as those of the site are."""
    context = SigningContext(Credentials(oss.access_key_id, oss.access_key_secret), oss.region, datetime.now(UTC))
    request = OssRequest("PUT", upload["bucket"], upload["key"], [("uploadId", upload["upload_id"])])
    signer = PartSigner(context, request, f"{oss.url}/{upload['bucket']}/{upload['key']}", 900)
    for number in numbers:
        signer.url(PartRequest(number, upload["part_size"]))


def run() -> dict[str, Any]:
    figures: dict[str, str] = {}
    margins: list[float] = []
    with world() as site:
        for ports in (site.ports[:1], site.ports):
            found, margin = _parts(site, ports)
            figures |= found
            margins.append(margin)
        caller = Caller(site.ports, site.oss)
        uploads = {token: caller.post("create", "/api/uploads/", token, LARGE)["id"] for token in site.tokens}
        loads = [load for threads in THREADS for load in _journeys(site, threads, uploads)]
    for load in loads:
        figures |= load.figures()
    load, name = max(itertools.product(loads, Load.names[:3]), key=lambda found: found[0].tail(found[1]))
    figures[f"largest p99 of these in times of p50 (limit {TAIL_LIMIT:.0f})"] = (
        f"{load.tail(name):.1f}: {name}, {load.label}; bare view {load.tail('bare'):.1f}"
    )
    return {
        "title": "create + sign + complete, and many parts in one request, beside a bare view",
        "figures": figures,
        "ratio": min(*margins, TAIL_LIMIT / load.tail(name)),
        "goal": 1,
    }
