"""A migrated SQLite database with the accounts demo and admin, made once for a state of the code, in `var/`.

Migrating takes two seconds of computing time, and each process of a test run needs such a database.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PREPARED = ROOT / "var" / "prepared"
PREPARE = """
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
get_user_model().objects.create_user("demo", password="demo")
get_user_model().objects.create_superuser("admin", password="admin")
"""


def copy_database(settings: str, environment: Mapping[str, str], to: Path) -> None:
    """Copies the database of this settings module to `to`. `environment`: of the process that makes it, if one must."""
    PREPARED.mkdir(parents=True, exist_ok=True)
    kept = PREPARED / f"{settings}-{_state()}.sqlite3"
    with (PREPARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for earlier in PREPARED.glob(f"{settings}-*.sqlite3"):
                earlier.unlink()
            _make(kept, environment)
        shutil.copy(kept, to)


def _make(path: Path, environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(dir=PREPARED) as fresh:
        database = Path(fresh) / "db.sqlite3"
        subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", PREPARE],
            env={**environment, "DATABASE_URL": f"sqlite:///{database}"}, cwd=ROOT, check=True,
        )  # fmt: skip
        os.replace(database, path)  # Whole or not at all, also when the run is killed.


@cache
def _state() -> str:
    """A hash of what the database is made by: migrations, models and settings, and the versions of packages."""
    paths = [Path(__file__), ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py"), *(ROOT / "uploads").rglob("*.py")]
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]
