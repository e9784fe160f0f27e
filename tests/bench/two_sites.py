"""Two processes of the site on one PostgreSQL and Redis, with a local OSS, and what calls them."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.servers import Postgres, Redis, children
from tests.deploy import image
from tests.stack import ROOT, Site, free_port
from uploads.localoss.testing import LocalServer

USERS = 32
"""So many that none of them reaches a throttle."""
ACCOUNTS = f"""
from django.contrib.auth import get_user_model
from uploads.web.tokens import token_of
for number in range({USERS}):
    print(token_of(get_user_model().objects.create_user(f"user{{number}}")))
"""


class ImageSite(Site):
    """A site process with the command line of the image, the bare view in it, and this Python."""

    def command(self) -> list[str]:
        (directory := Path(self.environment["TMPDIR"])).mkdir(exist_ok=True)
        given = image.command(self.port, directory)
        at = given.index("python")
        self.environment |= dict(pair.split("=", 1) for pair in given[1:at])
        return [*given[at + 1 : -1], "tests.bench_bare"]


@dataclass(frozen=True)
class World:
    ports: tuple[int, int]
    tokens: tuple[str, ...]
    oss: LocalServer


@contextmanager
def world() -> Iterator[World]:
    """Two processes of the site that share PostgreSQL, Redis and a local OSS; and users with their tokens."""
    with ExitStack() as held:
        run = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="uploads-bench-")))
        postgres, redis = Postgres(run / "postgres"), Redis(run / "redis")
        held.callback(postgres.kill)
        held.callback(redis.kill)
        oss = held.enter_context(LocalServer(run / "oss"))
        environment = {
            **dict(image.clean(os.environ)),
            "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SECURE_COOKIES": "false",
            "DATABASE_URL": postgres.url,
            "CACHE_URL": redis.url,
            "OSS_ENDPOINT": oss.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": oss.region,
            "OSS_BUCKET": oss.bucket,
            "OSS_ACCESS_KEY_ID": oss.access_key_id,
            "OSS_ACCESS_KEY_SECRET": oss.access_key_secret,
        }
        sites = [ImageSite({**environment, "TMPDIR": str(run / name)}, free_port(), run / "log") for name in "ab"]
        _manage(environment, "migrate", "--no-input")
        tokens = _manage(environment, "shell", "--verbosity", "0", "--command", ACCOUNTS).split()
        for site in sites:
            held.callback(site.kill)
            site.start()
        yield World((sites[0].port, sites[1].port), tuple(tokens[-USERS:]), oss)


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


class Caller:
    """Calls these processes of the site in turn, over connections that stay open. `times`: milliseconds, by name."""

    def __init__(self, ports: Sequence[int], oss: LocalServer) -> None:
        self._sites = itertools.cycle([HTTPConnection("127.0.0.1", port) for port in ports])
        self._oss = HTTPConnection(urlsplit(oss.url).netloc)
        self.times: dict[str, list[float]] = defaultdict(list)

    def post(self, name: str, path: str, token: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        site, content = next(self._sites), json.dumps(body).encode()
        began = time.perf_counter()
        site.request("POST", path, content, headers)
        answer = site.getresponse()
        received = answer.read()
        self.times[name].append((time.perf_counter() - began) * 1000)
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {answer.status} {received[:500]!r}")
        return json.loads(received)

    def send(self, part: dict[str, Any], content: bytes) -> None:
        self._oss.request(part["method"], part["url"], content, part["headers"])
        answer = self._oss.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"part: {answer.status}")
        answer.read()

    def bare(self, name: str, token: str, upload: str, parts: list[dict[str, int]]) -> None:
        self.post(name, "/bare/", token, {"id": upload, "parts": parts})


def computing_time() -> float:
    """Milliseconds of this process and of all that it has started. Other work on the machine is not in it."""
    found = [os.getpid()]
    for process in found:
        found += children(process)
    return sum(_nanoseconds(process) for process in found) / 1e6


def _nanoseconds(process: int) -> int:
    total = 0
    for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with suppress(OSError):  # The thread has ended.
            total += int(path.read_text().split()[0])
    return total
