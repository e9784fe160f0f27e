"""Child processes that start one after another and end together.

Rule: all end when the parent gets a signal, or when one of them ends by itself.
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

START_SECONDS = 60


class ChildError(Exception):
    """A child process could not start, or ended by itself. The text is one line for the terminal."""


def require_free(host: str, port: int, variable: str) -> None:
    """Raises ChildError, which names the variable to set, when the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise ChildError(f"Port {port} is in use. Stop the program that uses it, or set {variable}.") from None


class _Ended(Exception):
    """A signal asked the parent to end."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the block."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Children:
    """The processes that this one started. They end together."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> "Children":
        return self

    def start(self, name: str, address: tuple[str, int], *arguments: str) -> None:
        """Starts Python with these arguments and waits until its address accepts connections. Raises ChildError."""
        # In a new session Ctrl-C reaches only the parent, which then ends the children in order.
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, start_new_session=True)
        self._running.append((name, process))
        deadline = time.monotonic() + START_SECONDS
        while not _accepts(address):
            if process.poll() is not None:
                raise ChildError(f"The {name} did not start. Its output is above.")
            if time.monotonic() > deadline:
                raise ChildError(f"The {name} did not start within {START_SECONDS} s.")
            time.sleep(0.05)

    def wait(self) -> None:
        """Blocks while all children run. Raises ChildError when one ends."""
        while True:
            for name, process in self._running:
                if process.poll() is not None:
                    raise ChildError(f"The {name} ended unexpectedly (exit code {process.returncode}).")
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        # A signal here would leave a child running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for _name, process in reversed(self._running):
            process.terminate()
        for _name, process in self._running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _accepts(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0
