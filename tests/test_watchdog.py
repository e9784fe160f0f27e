"""Whatever ends a test run, its children end with it, and two runs in one checkout do not meet."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT, wait_until
from tests.watchdog import VARIABLE, carriers, watched

READY = """
def ready(text):
    path = pathlib.Path(os.environ["READY"])
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)  # The file is there at once with its content.
    time.sleep(600)
"""
SITE = f"""
import os, pathlib, time
import pytest
from tests.stack import Stack
{READY}
@pytest.mark.django_db
def test_until_it_is_ended(oss_server, settings):
    with Stack(cors=False) as stack:
        ready(str(settings.DATABASES["default"]["NAME"]) + "\\n" + str(stack._var))
"""
BROWSER = f"""
import os, pathlib, time
from tests.e2e.conftest import browser_type_launch_args
{READY}
def test_until_it_is_ended(page):
    page.goto("about:blank")
    ready("")
"""
COMMAND = f"""
import os, pathlib, time
{READY}
ready(os.environ["DATABASE_URL"])
"""


class Run:
    """A test run in a process of its own, on one file."""

    def __init__(self, folder: Path, command: list[str], **environment: str) -> None:
        self.ready = folder / "ready"
        environment = {**os.environ, "READY": str(self.ready), **environment}
        self.process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, start_new_session=True)

    def until_ready(self) -> str:
        wait_until(lambda: self.process.poll() is not None or self._has_said(), "the run to be in the middle")
        assert self.process.poll() is None
        return self.ready.read_text()

    def _has_said(self) -> bool:
        return self.ready.exists()

    def end(self, number: signal.Signals) -> None:
        """Only the process itself is told, as `kill` and CI services do."""
        self.process.send_signal(number)
        self.process.wait()


@pytest.fixture
def token() -> Iterator[str]:
    """What the processes that a test starts carry, for the test to find them."""
    with watched() as token:
        yield token


def pytest_command(folder: Path, source: str) -> list[str]:
    """The file lies in a directory of its own, so the project's settings and conftest are named.

    The tables are made as the models say: without the migrations each run takes a third of the computing time.
    """
    path = folder / "test_run.py"
    path.write_text(source)
    options = ["-q", "-c", "pyproject.toml", "--rootdir", ".", "-p", "tests.conftest", "--no-migrations"]
    return ["-m", "pytest", *options, str(path)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_site_and_local_oss_end_with_the_run(tmp_path: Path, token: str, number: signal.Signals) -> None:
    # SIGKILL leaves files behind; here they lie where pytest removes them.
    run = Run(tmp_path, pytest_command(tmp_path, SITE), TMPDIR=str(tmp_path))
    paths = [Path(line) for line in run.until_ready().splitlines()]
    assert len(carriers(token)) > 4, "the run, two local OSS servers, gunicorn and its workers"
    run.end(number)
    wait_until(lambda: not carriers(token), "the children to end")
    if number == signal.SIGTERM:
        assert [path for path in paths if path.exists()] == []


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_browser_ends_with_the_run(tmp_path: Path, token: str, number: signal.Signals) -> None:
    run = Run(tmp_path, pytest_command(tmp_path, BROWSER))
    run.until_ready()
    assert any("chrom" in name_of(process) for process in carriers(token))
    run.end(number)
    wait_until(lambda: not carriers(token), "the browser to end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_postgresql_ends_with_its_command(tmp_path: Path, token: str, number: signal.Signals) -> None:
    run = Run(tmp_path, ["-m", "tests.postgres", sys.executable, "-c", COMMAND])
    assert run.until_ready().startswith("postgres://")
    assert any("postgres" in name_of(process) for process in carriers(token))
    run.end(number)
    wait_until(lambda: not carriers(token), "PostgreSQL and the command to end")


def name_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().partition("\0")[0]
    except OSError:
        return ""


def test_processes_of_others_are_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"], env={VARIABLE: "another"}) as other:
        with watched() as token:
            child = subprocess.Popen(["sleep", "600"])
            # Linux wakes the parent before the environment of a new program can be read.
            wait_until(lambda: carriers(token) == [child.pid], "the child to carry the token, alone")
        assert child.wait() == -signal.SIGKILL
        assert other.poll() is None
        other.kill()


TOGETHER = """
import os, pathlib, time
import pytest
from django.contrib.auth import get_user_model

@pytest.mark.django_db(transaction=True)
def test_beside_the_other():
    get_user_model().objects.create_user("ann")
    pathlib.Path(os.environ["READY"]).write_text("")
    while not pathlib.Path(os.environ["OTHER"]).exists():
        time.sleep(0.05)
    assert get_user_model().objects.count() == 1
"""


def test_two_runs_side_by_side_have_databases_of_their_own() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *pytest_command(Path(folder), TOGETHER)]
        first, second = str(Path(folder) / "first"), str(Path(folder) / "second")
        runs = [
            subprocess.Popen(command, cwd=ROOT, env={**os.environ, "READY": mine, "OTHER": other})
            for mine, other in ((first, second), (second, first))
        ]
        assert [run.wait(600) for run in runs] == [0, 0]
