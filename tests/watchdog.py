"""Ends the child processes of a test run when the run has ended, however it ended.

Children of a run (sites, local OSS servers, PostgreSQL, browsers) start processes of their own, some in sessions of
their own, and a run that is killed with SIGKILL cleans up nothing. So all of them are recognised by a variable in
their environment, which processes inherit. A separate process, this file run as a script, waits until the run has
ended and kills what still carries the variable. It needs /proc; elsewhere it does nothing.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "UPLOADS_TEST_RUNS"
"""The tokens of a run and of the runs that it was started by, joined by colons."""


@contextmanager
def watched() -> Iterator[str]:
    """Processes started within the block end with it, and with this process. Yields the token they carry."""
    token, outer = secrets.token_hex(16), os.environ.get(VARIABLE)
    # The watchdog itself must not be found, nor end with the terminal's process group.
    watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, token], stdin=subprocess.PIPE, start_new_session=True, env={}
    )
    os.environ[VARIABLE] = f"{outer}:{token}" if outer else token
    try:
        yield token
    finally:
        if outer is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = outer
        assert watchdog.stdin is not None
        watchdog.stdin.close()
        watchdog.wait()


def carriers(token: str) -> list[int]:
    """The ids of the running processes that carry the token. Processes that have ended are left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if token.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def main() -> None:
    sys.stdin.read()  # Returns when the run has closed its end of the pipe, or no longer exists.
    while found := carriers(sys.argv[1]):
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
