"""Many uploads by many clients: no error, and nothing of the site grows once it is warm.

ENDURANCE_UPLOADS (10,000) by ENDURANCE_CLIENTS (64) clients, against the site of a chaos run in which nothing fails:
gunicorn with two workers behind nginx, PostgreSQL, Redis, the local OSS. One upload of ten has three parts, the others
are one request. In the second half of the uploads, the line through the memory of each worker may rise by 5 % of its
mean, the line through the connections to the database by four. The open files of the workers are counted after each
half, when no client is connected: at the end there may be four more.
"""

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx

from tests import http
from tests.chaos.end import Facts, facts
from tests.chaos.files import KIB, Spec, content
from tests.chaos.ledger import Ledger
from tests.chaos.reckoning import SHOWN, Work, reckon
from tests.chaos.servers import children
from tests.chaos.world import WORKERS, World
from tests.endurance.flat import Sample, growth, second_half
from tests.endurance.processes import open_files, resident_mib
from tests.endurance.result import Result
from tests.stack import wait_until

UPLOADS = int(os.environ.get("ENDURANCE_UPLOADS") or 10_000)
CLIENTS = int(os.environ.get("ENDURANCE_CLIENTS") or 64)
USERS = 8
EVERY = 1.0
"""Seconds between two samples."""
MEMORY_SHARE, MOST_MORE = 0.05, 4.0
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def run() -> Result:
    ledger = Ledger()
    with World([f"user-{number}" for number in range(USERS)]) as world:
        numbers = iter(range(1, UPLOADS + 1))
        tokens = list(_tokens(world))
        observer = Observer(world)
        errors, seconds = [], 0.0
        for half in (itertools.islice(numbers, UPLOADS // 2), numbers):
            clients = [Client(world, ledger, half, f"client-{n}", tokens[n % USERS]) for n in range(CLIENTS)]
            began = time.monotonic()
            for client in clients:
                client.start()
            observer.watch(clients)
            seconds += time.monotonic() - began
            errors += [error for client in clients for error in client.errors]
        at_end = facts(world)
    verdict = reckon(ledger.entries(), at_end, Work({"python": UPLOADS}), {})
    figures, grown = observer.figures()
    return Result(
        f"{UPLOADS:,} uploads by {CLIENTS} clients",
        {
            "Uploads a second": f"{UPLOADS / seconds:.1f} ({seconds:.0f} s)",
            "Objects with the bytes of their files": f"{verdict.right:,} ({verdict.bytes_right:,} bytes)",
            "Answers of the site": ", ".join(f"{name} {count:,}" for name, count in sorted(at_end.answers.items())),
            **figures,
        },
        [*errors[:SHOWN], *verdict.wrong[:SHOWN], *_refusals(at_end), *grown],
    )


def _tokens(world: World) -> Iterator[str]:
    """One after another: the site refuses many logins at once."""
    with world.client() as api:
        api.timeout = httpx.Timeout(http.TIMEOUT)
        for number in range(USERS):
            login = {"username": f"user-{number}", "password": f"user-{number}"}
            yield api.post("/api/token/", json=login).raise_for_status().json()["token"]


def _refusals(at_end: Facts) -> list[str]:
    refused = {each: count for each, count in at_end.answers.items() if not each.partition(" ")[2].startswith("2")}
    return [f"the site answered {each} {count} times" for each, count in refused.items()]


class Client(threading.Thread):
    """Uploads the files with these numbers, which all clients share, one after another. The first error ends it."""

    def __init__(self, world: World, ledger: Ledger, numbers: Iterator[int], name: str, token: str) -> None:
        super().__init__(name=name, daemon=True)
        self._world, self._ledger, self._numbers, self._token = world, ledger, numbers, token
        self.errors: list[str] = []
        self.done = 0

    def run(self) -> None:
        with self._world.client() as api, http.Client() as oss:
            api.timeout = httpx.Timeout(http.TIMEOUT)
            api.headers["Authorization"] = f"Token {self._token}"
            try:
                for number in self._numbers:
                    self._upload(api, oss, number)
                    self.done += 1
            except (httpx.HTTPError, KeyError, ValueError) as error:
                self.errors.append(f"{self.name}: {error!r}")

    def _upload(self, api: httpx.Client, oss: httpx.Client, number: int) -> None:
        luck = random.Random(number)
        size, destination = (luck.randint(0, 10_000), "default") if number % 10 else (700 * KIB, "small")
        spec = Spec(f"file-{number}", number, size, "rude", destination)
        self._ledger.begin("python", [spec])
        sent = content(spec)
        body = {"destination": destination, "filename": spec.name, "size": size, "sign": 16}
        upload = api.post("/api/uploads/", json=body).raise_for_status().json()
        for part in upload["parts"]:
            start = (part["number"] - 1) * (upload["part_size"] or 0)
            _send(oss, part, sent[start : start + upload["part_size"]] if upload["part_size"] else sent)
        done = api.post(f"/api/uploads/{upload['id']}/complete/", json={}).raise_for_status().json()
        if done["state"] == "completed":
            self._ledger.tell(spec.name, "completed", upload=upload["id"])


def _send(oss: httpx.Client, part: dict[str, Any], piece: bytes) -> None:
    if part["method"] == "POST":
        answer = oss.post(part["url"], data=part["fields"], files={"file": ("blob", piece)})
    else:
        answer = oss.request(part["method"], part["url"], content=piece, headers=part["headers"])
    answer.raise_for_status()


class Observer:
    """Samples the workers and the database while the clients work."""

    def __init__(self, world: World) -> None:
        self._world = world
        master = world.site.process
        assert master
        wait_until(lambda: len(children(master.pid)) == WORKERS, "the workers")
        self._workers = children(master.pid)
        self._memory: dict[int, list[Sample]] = {worker: [] for worker in self._workers}
        self._connections: list[Sample] = []
        self._files_at_rest: list[int] = []
        self._done = 0

    def watch(self, clients: list[Client]) -> None:
        """Returns when the clients have ended and the site is at rest."""
        pause = threading.Event()
        while any(client.is_alive() for client in clients):
            done = self._done + sum(client.done for client in clients)
            for worker in self._workers:
                with suppress(OSError):  # Its samples end, which is reported.
                    self._memory[worker].append(Sample(done, resident_mib(worker)))
            self._connections.append(Sample(done, self._world.postgres.value(CONNECTIONS)))
            pause.wait(EVERY)
        self._done += sum(client.done for client in clients)
        with suppress(OSError):
            self._files_at_rest.append(self._at_rest())

    def _at_rest(self) -> int:
        """The open files of the workers when they have not changed for ten seconds: idle connections are closed."""
        counts: list[int] = []

        def settled() -> bool:
            counts.append(sum(map(open_files, self._workers)))
            return len(counts) >= 50 and len(set(counts[-50:])) == 1

        wait_until(settled, "the workers to be at rest")
        return counts[-1]

    def figures(self) -> tuple[dict[str, str], list[str]]:
        """What was measured, and what has grown."""
        figures, wrong = {}, []
        for number, worker in enumerate(self._workers, 1):
            memory = self._memory[worker]
            figures[f"Memory of worker {number} in the second half, MiB"], grown = growth(
                f"the memory of worker {number}", memory, _allowed(memory)
            )
            wrong += grown
            if len(memory) < len(self._connections):
                wrong.append(f"worker {number} ended")
        figures["Open files of the workers at rest, after each half"] = ", ".join(map(str, self._files_at_rest))
        match self._files_at_rest:
            case [warm, at_end] if at_end <= warm + MOST_MORE:
                pass
            case counts:
                wrong.append(f"the open files of the workers at rest: {counts}; at most {MOST_MORE:g} more are allowed")
        figures["Connections to the database"], grown = growth(
            "the connections to the database", self._connections, MOST_MORE
        )
        return figures, [*wrong, *grown]


def _allowed(samples: list[Sample]) -> float:
    with suppress(ValueError):
        half = second_half(samples)
        return MEMORY_SHARE * sum(each.value for each in half) / len(half)
    return 0.0
