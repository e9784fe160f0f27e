"""For pytest, in each process that tries a change: one of the shared servers, and a copy of the shared database.

The first test that fails ends the process, so that those come first which noticed other changes of the same function,
and then the quick ones.
"""

import fcntl
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import IO

import pytest

import tests.watchdog
from tests.mutation.shared_servers import DATABASE, VARIABLE
from uploads.localoss.testing import LocalServer

# Each change has a process of its own, which a watchdog would start another one to watch.
tests.watchdog.watched = nullcontext


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # After the plugins that are installed, whose fixtures these replace.
    directory = Path(os.environ[VARIABLE])
    config.pluginmanager.register(SharedFixtures(directory))
    function, change, _ = os.environ.get("MUTANT_UNDER_TEST", "").partition("__mutmut_")
    if change:  # Otherwise it is a run of all tests without a change.
        config.pluginmanager.register(Order(directory / "noticed" / function))


class Order:
    """`noticed` has a line for each change of the function that was noticed: the test that did."""

    def __init__(self, noticed: Path) -> None:
        self.noticed = noticed

    # Before pytest-django, which moves tests with real transactions to the end.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        counts = Counter(self.noticed.read_text().splitlines()) if self.noticed.exists() else Counter[str]()
        seconds = json.loads(Path("mutmut-stats.json").read_text())["duration_by_test"]
        items.sort(key=lambda item: (-counts[item.nodeid], seconds.get(item.nodeid, 0)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.noticed.parent.mkdir(exist_ok=True)
            with self.noticed.open("a") as file:
                file.write(f"{report.nodeid}\n")


class SharedFixtures:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def taken(self) -> tuple[int, IO[bytes]]:
        """The index of a server, and its lock. Taken with the first test: mutmut has a process that runs none."""
        return _free_server(self.directory)

    @pytest.fixture(scope="session")
    def oss_server(self) -> LocalServer:
        """A server that runs already, and that no other process uses."""
        url, root = json.loads((self.directory / "servers.json").read_text())[self.taken[0]]
        server = LocalServer(Path(root))
        server.url, server.port = url, int(url.rpartition(":")[2])
        return server

    @pytest.fixture(scope="session")
    def django_db_setup(self, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
        """A database with all migrations."""
        from django.db import connections

        path = self.directory / f"{self.taken[0]}.sqlite3"
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self.directory / DATABASE, path)
        connections["default"].settings_dict["NAME"] = str(path)
        yield
        connections.close_all()


def _free_server(directory: Path) -> tuple[int, IO[bytes]]:
    """The index of a server that no other process uses, and the lock that keeps it until this process ends."""
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
