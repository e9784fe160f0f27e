"""A real local OSS server in a process of its own, for tests.

Rule: `with LocalServer() as server:` leaves no process and no file behind; ports are free ones, so tests may run
side by side.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from uploads.localoss.config import DEMO_BUCKET, DEMO_KEY, DEMO_REGION

START_SECONDS = 30.0


class LocalServer:
    """`url` is known after `start`; the port and the root stay the same over `kill` and `start`."""

    bucket = DEMO_BUCKET
    region = DEMO_REGION
    access_key_id = DEMO_KEY.id
    access_key_secret = DEMO_KEY.secret

    def __init__(self, root: Path | None = None, arguments: Sequence[str] = (), *, port: int = 0) -> None:
        self._temporary = root is None
        self.root = root or Path(tempfile.mkdtemp(prefix="localoss-"))
        self.port = port
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self._arguments = list(arguments)

    def start(self) -> Self:
        """Returns once connections are accepted."""
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.url = self._first_line()
        match = re.fullmatch(r"http://.*:(\d+)", self.url)
        if match is None:
            self.kill()
            raise RuntimeError("The local OSS server did not start.")
        self.port = int(match[1])
        return self

    def command(self) -> list[str]:
        options = ["--root", str(self.root), "--port", str(self.port), *self._arguments]
        return [sys.executable, "-m", "uploads.localoss", *options]

    def stop(self) -> None:
        """As Ctrl-C or a service manager would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, of every process of it."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        group = self.process.pid
        try:
            if number == signal.SIGKILL:
                os.killpg(group, number)
            else:
                self.process.send_signal(number)
            self.process.wait(timeout=10)
        except ProcessLookupError:
            self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def _first_line(self) -> str:
        if self.process is None or self.process.stdout is None:
            return ""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(START_SECONDS):
                return ""
        return self.process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.kill()
        finally:
            if self._temporary:
                shutil.rmtree(self.root, ignore_errors=True)
