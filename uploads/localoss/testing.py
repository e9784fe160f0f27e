"""The local OSS server in a child process, for tests.

Rule: `with LocalServer() as server:` leaves no process and no file behind. The server listens on a free port, so
several test runs can work side by side. It ends with the process that started it, also when that process is killed.
"""

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from uploads.localoss.config import DEMO_BUCKET, DEMO_KEY, DEMO_REGION

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class LocalServer:
    """A local OSS server that a test starts, stops and kills.

    `root` is the directory of its data; without one, a temporary directory is made and removed. `arguments` are
    further command-line options. `port` 0 takes a free one. `account_rules` are names of rules for new accounts that
    hold from the start. `url` is known after `start`; port and root stay the same over `kill` and `start`.
    """

    bucket = DEMO_BUCKET
    region = DEMO_REGION
    access_key_id = DEMO_KEY.id
    access_key_secret = DEMO_KEY.secret

    def __init__(
        self,
        root: Path | None = None,
        arguments: Sequence[str] = (),
        *,
        port: int = 0,
        account_rules: Sequence[str] = (),
    ) -> None:
        self._temporary = root is None
        self.root = root or Path(tempfile.mkdtemp(prefix="localoss-"))
        self.port = port
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        rules = ["--account-rules", ",".join(account_rules)] if account_rules else []
        self._arguments = [*arguments, *rules]

    def start(self) -> Self:
        """Start the server; return once it accepts connections. RuntimeError if it does not start."""
        # The server ends when its standard input is closed, which happens however this process ends. Linux could send
        # a signal instead (PR_SET_PDEATHSIG), but already when the thread ends that started the child.
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.url = self._first_line()
        match = re.fullmatch(r"http://.*:(\d+)", self.url)
        if match is None:
            self.kill()
            raise RuntimeError("The local OSS server did not start.")
        self.port = int(match[1])
        return self

    def set_account_rules(self, *names: str, endpoints: Mapping[str, str] | None = None) -> None:
        """Let exactly these rules hold from now on, and let host names play these kinds of endpoint. The server must
        have been started with `--allow-faults`. urllib.error.HTTPError for an unknown name or kind."""
        body = json.dumps({"rules": names, **({} if endpoints is None else {"endpoints": endpoints})}).encode()
        request = urllib.request.Request(f"{self.url}/-/account-rules", body, method="PUT")  # noqa: S310  # own server
        urllib.request.urlopen(request, timeout=START_SECONDS).close()  # noqa: S310  # own server

    def command(self) -> list[str]:
        """The command line that starts the server."""
        options = ["--root", str(self.root), "--port", str(self.port), "--exit-with-stdin", *self._arguments]
        return [sys.executable, "-m", "uploads.localoss", *options]

    def stop(self) -> None:
        """End the server by SIGTERM, as a service manager does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End every process of the server by SIGKILL."""
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
            self.process.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:
            self.process.wait()
        finally:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
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
