"""LocalServer: a test run's servers end with it, however it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.localoss.support import LIMIT_SECONDS
from tests.stack import ROOT, accepts, wait_until

TEST_RUN = """
import signal, sys
from pathlib import Path
from uploads.localoss.testing import LocalServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell that runs the tests in the background ignores it.
with LocalServer(Path(sys.argv[1])) as server:
    print(server.port, server.process.pid, flush=True)
    sys.stdin.read()
"""


def processes_of(group: int) -> list[int]:
    """The processes of a process group, without those that have ended and wait for their parent."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, process_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are read from /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_server_ends_with_the_process_that_started_it(number: signal.Signals, tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", TEST_RUN, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # Python prints a traceback for SIGINT.
        text=True,
    )
    with run:
        assert run.stdout
        port, group = map(int, run.stdout.readline().split())
        assert len(processes_of(group)) == 2, "the arbiter and its worker"
        run.send_signal(number)
        run.wait(timeout=LIMIT_SECONDS)
        wait_until(lambda: not processes_of(group), "the server's processes to end")
    assert not accepts(port)
