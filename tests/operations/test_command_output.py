"""What the commands print for people, as processes of their own: against an OSS that is away, and in a terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http import TIMEOUT
from tests.stack import ROOT

KEY = "uploads/1/film.mp4"
STALE_UPLOAD = f"""
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from uploads.models import Upload
call_command("migrate", verbosity=0)
Upload.objects.create(
    owner=get_user_model().objects.create_user("ann"), destination="default", bucket="b", key="{KEY}", upload_id="u",
    method="multipart", filename="film.mp4", size=20_000_000, part_size=8_388_608,
    expires_at=timezone.now() - timedelta(days=1),
)
"""
AWAY = "The storage did not answer in time. Nothing is lost; try again."


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DJANGO_PROXIES": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "OSS_ENDPOINT": "http://127.0.0.1:1",
        "OSS_ADDRESSING": "path",
        "OSS_REGION": "cn-hangzhou",
        "OSS_BUCKET": "b",
        "OSS_ACCESS_KEY_ID": "id",
        "OSS_ACCESS_KEY_SECRET": "secret",
        "UPLOADS_ORIGINS": "http://127.0.0.1:8000",
    }


def start(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str], list[str]]:
    """The exit code, and the lines on stdout and on stderr."""
    out, errors = process.communicate(timeout=TIMEOUT)
    return process.returncode, out.splitlines(), errors.splitlines()


def test_no_log_line_comes_between_the_lines_of_a_command(environment: dict[str, str]) -> None:
    assert ended(start(environment, "shell", "-v", "0", "-c", STALE_UPLOAD)) == (0, [], [])
    commands = ("doctor",), ("configure_bucket",), ("sweep_uploads",), ("doctor", "-v", "0"), ("doctor", "-v", "2")
    doctor, configure, sweep, silent, verbose = [start(environment, *command) for command in commands]

    code, lines, errors = ended(doctor)
    assert (code, errors) == (1, [])
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok", "ok", "FAIL", "->"]
    assert lines[-2] == "FAIL  endpoint: http://127.0.0.1:1: OSS could not be reached."

    assert ended(configure) == (1, [], [f"CommandError: b: {AWAY} (OSS could not be reached. (GetBucketCors))"])
    assert ended(sweep) == (0, [f"failed: {KEY} ({AWAY})", f"failed: uploads/ ({AWAY})", "2 failed"], [])
    assert ended(silent) == (1, lines[-2:], [])

    code, also, errors = ended(verbose)
    assert (code, also) == (1, lines)
    assert set(errors) == {"WARNING: OSS answered GetBucketLocation with Unreachable"}


def test_nor_in_a_project_that_sets_up_no_log(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "plain_settings.py").write_text("from uploads.site.settings import *\nLOGGING = {}\n")
    plain = environment | {"DJANGO_SETTINGS_MODULE": "plain_settings", "PYTHONPATH": str(tmp_path)}
    code, lines, errors = ended(start(plain, "configure_bucket"))
    assert (code, lines, [line.partition(":")[0] for line in errors]) == (1, [], ["CommandError"])


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_colors_unless_no_color_is_set(environment: dict[str, str], variables: dict[str, str]) -> None:
    wrong = environment | variables | {"OSS_REGION": "oss-cn-hangzhou"}
    parent, child = pty.openpty()
    command = [sys.executable, "manage.py", "doctor"]
    process = subprocess.Popen(command, cwd=ROOT, env=wrong, stdout=child, stderr=child)
    os.close(child)
    printed = b""
    try:
        while received := os.read(parent, 65536):
            printed += received
    except OSError:  # The terminal was closed at the end of the command.
        pass
    os.close(parent)
    assert process.wait(TIMEOUT) == 1
    assert b"FAIL" in printed
    assert (b"\x1b[" in printed) is (variables == {})
