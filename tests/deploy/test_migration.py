"""An older schema is migrated while processes of the older release write to it: none of their statements fails.

`make rollout` runs it. The writers use the models as they were in that release, so their statements are those of its
code. `MIGRATE_FROM` names another migration of the app to begin with.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import image
from tests.deploy.world import World, make_directory
from tests.stack import ROOT, wait_until

BEFORE = os.environ.get("MIGRATE_FROM", "0007_staging")
ROWS = 50_000
LONGEST_STATEMENT = 3.0
"""Seconds. A statement may wait for a moment while a column is added, but not while an index of many rows is built."""
WRITERS = 3

pytestmark = [
    pytest.mark.skipif(not os.environ.get("ROLLOUT"), reason="takes minutes: make rollout"),
    # Of the wheel that has PostgreSQL; it then takes another directory.
    pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR"),
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with ExitStack() as held, World(image.make_environment(make_directory(held))) as made:
        yield made


def test_rows_are_written_while_an_older_schema_is_migrated(world: World, tmp_path: Path) -> None:
    world.manage("migrate", "--no-input", "--verbosity", "0", "uploads", BEFORE)
    for app in ("auth", "contenttypes", "authtoken", "sessions", "admin"):
        world.manage("migrate", "--no-input", "--verbosity", "0", app)
    stop = tmp_path / "stop"
    run_writer(world, "fill", stop, ROWS)
    writers = [start_writer(world, f"writer{number}", stop) for number in range(WRITERS)]
    try:
        wait_until(lambda: all(Path(f"{stop}.writer{number}").exists() for number in range(WRITERS)), "the writers")
        began = time.monotonic()
        world.manage("migrate", "--no-input", "--verbosity", "0")
        seconds = time.monotonic() - began
    finally:
        stop.touch()
        told = [json.loads(writer.communicate(timeout=60)[0]) for writer in writers]
    written, slowest = sum(each["written"] for each in told), max(each["slowest"] for each in told)
    print(
        f"migration from {BEFORE} with {ROWS} rows: {seconds:.1f} s, {written} rows written meanwhile, "
        f"slowest statement {slowest:.2f} s"
    )
    assert [each["error"] for each in told] == [""] * WRITERS
    assert written > WRITERS, "they wrote while it ran"
    assert slowest < LONGEST_STATEMENT
    world.manage("migrate", "--check")
    # The new release finds them, and works.
    rows = world.manage("shell", "--verbosity", "0", "--command", COUNT).strip()
    assert int(rows) >= ROWS + written
    assert world.site().is_ready()


COUNT = "from uploads.models import Upload; print(Upload.objects.filter(filename='old.bin').count())"


def start_writer(world: World, name: str, stop: Path, *more: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.deploy.old_writer", BEFORE, name, str(stop), *map(str, more)]
    variables: dict[str, Any] = {
        **os.environ,
        "DATABASE_URL": world.postgres.url,
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
    }
    return subprocess.Popen(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def run_writer(world: World, name: str, stop: Path, rows: int) -> None:
    told = json.loads(start_writer(world, name, stop, rows).communicate()[0])
    assert told["error"] == ""
    assert told["written"] == rows
