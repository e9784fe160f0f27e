"""For pytest, in each process that tries a change: one of the shared servers, and a copy of the shared database."""

import fcntl
import json
import os
import shutil
import time
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
    config.pluginmanager.register(SharedFixtures(Path(os.environ[VARIABLE])))


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
