"""For pytest, in each process that tries a change: one of the shared servers, and a copy of the shared database.

The first test that fails ends the process. So those that noticed other changes of the same function are tried before
the others are even collected, which takes longer than most tests; and then the quick ones come first. A test that
computes for many times as long as without a change has noticed it, too: a loop does not end.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest

import tests.watchdog
from tests.mutation.shared_servers import DATABASE, VARIABLE
from uploads.localoss.testing import LocalServer

# Each change has a process of its own, which a watchdog would start another one to watch.
tests.watchdog.watched = nullcontext
LIKELY = 3
"""So many tests are tried alone."""
TIMEOUT = 36
"""By this exit code mutmut knows a change with which a loop does not end."""


run = pytest.main


def run_likely_first(arguments: list[str], **options: Any) -> int:
    """What mutmut calls with the tests of a change among the arguments."""
    noticed = _noticed()
    given = noticed.read_text().splitlines() if noticed and noticed.exists() else []
    likely = {name for name, _ in Counter(name for name in given if name in arguments).most_common(LIKELY)}
    if likely:
        fewer = [name for name in arguments if "::" not in name or name in likely]
        if run(fewer, **options) == pytest.ExitCode.TESTS_FAILED:
            return 1
    return int(run(arguments, **options))


pytest.main = run_likely_first


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # After the plugins that are installed, whose fixtures these replace.
    config.pluginmanager.register(SharedFixtures(_directory()))


# After pytest-django, which puts tests without a database last, and they are the quickest.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _noticed():
        items.sort(key=lambda item: _seconds().get(item.nodeid, 0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if not _noticed():
        return (yield)

    def end(*_: object) -> None:
        _add(item.nodeid)
        os._exit(TIMEOUT)

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, 2 + 4 * _seconds().get(item.nodeid, 0))
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and _noticed():
        _add(report.nodeid)


def _add(test: str) -> None:
    if noticed := _noticed():
        noticed.parent.mkdir(exist_ok=True)
        with noticed.open("a") as file:
            file.write(f"{test}\n")


@cache
def _seconds() -> dict[str, float]:
    """How long each test takes without a change."""
    found: dict[str, float] = json.loads(Path("mutmut-stats.json").read_text())["duration_by_test"]
    return found


def _directory() -> Path:
    return Path(os.environ[VARIABLE])


def _noticed() -> Path | None:
    """A file of the function that is changed: for each change that was noticed, the test that did. None: no change."""
    function, change, _ = os.environ.get("MUTANT_UNDER_TEST", "").partition("__mutmut_")
    return _directory() / "noticed" / function if change else None


class SharedFixtures:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @pytest.fixture(scope="session")
    def oss_server(self) -> LocalServer:
        """A server that runs already, and that no other process uses."""
        url, root = json.loads((self.directory / "servers.json").read_text())[_server(self.directory)[0]]
        server = LocalServer(Path(root))
        server.url, server.port = url, int(url.rpartition(":")[2])
        return server

    @pytest.fixture(scope="session")
    def django_db_setup(self, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
        """A database with all migrations."""
        from django.db import connections

        path = self.directory / f"{_server(self.directory)[0]}.sqlite3"
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self.directory / DATABASE, path)
        connections["default"].settings_dict["NAME"] = str(path)
        yield
        connections.close_all()


@cache
def _server(directory: Path) -> tuple[int, IO[bytes]]:
    """The index of a server that no other process uses, and the lock that keeps it until this process ends.

    Taken with the first test: mutmut has a process that runs none.
    """
    while True:
        for index in range(len(json.loads((directory / "servers.json").read_text()))):
            lock = (directory / f"{index}.lock").open("wb")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                return index, lock
        time.sleep(0.05)
