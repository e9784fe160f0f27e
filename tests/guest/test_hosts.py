"""Projects that the app did not shape, each in a process of its own: Django and DRF read many settings only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

HOSTS = Path(__file__).parent / "host"


@pytest.mark.parametrize("host", ["hostile", "labelled"])
def test_the_app_works_in_the_project_and_takes_nothing_over(host: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_", "OSS_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": f"{host}.settings"}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini", host],
        cwd=HOSTS, env=environment, text=True, capture_output=True, check=False, timeout=900,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
