"""The database of the standalone site: its options, and where it is when DATABASE_URL does not say.

Rule: an installation never keeps data among the packages, where the next one may remove it.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dj_database_url
from django.conf import settings
from django.core.checks import CheckMessage, Error

from uploads.site.mysql import use_pymysql

FILE = "db.sqlite3"
UNUSABLE: dict[str, Any] = {"ENGINE": "django.db.backends.dummy"}


def default_file(root: Path, environ: Mapping[str, str]) -> Path:
    """The file of the database when DATABASE_URL is not set. `root` is the directory that the package `uploads` is in.

    In a checkout it is `var/db.sqlite3` there. An installed site has it in the user's directory for data, whatever
    directory it is started in: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if (root / "manage.py").exists():
        return root / "var" / FILE
    data = environ.get("XDG_DATA_HOME", "")
    # The specification has relative paths ignored.
    base = Path(data) if os.path.isabs(data) else Path(os.path.expanduser("~/.local/share"))
    return base / "oss-uploads" / FILE


def former_file(root: Path) -> Path:
    """Where the file of an installed site was up to version 0.1: beside the packages."""
    return root / "var" / FILE


def parse(url: str, seconds: int) -> dict[str, Any]:
    """An entry of DATABASES from a URL; connections are kept for `seconds`. Raises ValueError."""
    return dict(dj_database_url.parse(url, conn_max_age=seconds))


def with_options(database: dict[str, Any]) -> dict[str, Any]:
    """The entry of DATABASES with what the site needs of this kind of database."""
    match database["ENGINE"]:
        case "django.db.backends.sqlite3":
            options = {
                # IMMEDIATE: a transaction waits for the write lock at its start, instead of failing at its first write.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                **database.get("OPTIONS", {}),
            }
            return {**database, "OPTIONS": options}
        case "django.db.backends.mysql":
            use_pymysql()
            options = {"charset": "utf8mb4", **database.get("OPTIONS", {})}
            return {**database, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
    return {**database, "CONN_HEALTH_CHECKS": True}


def of_default_file(path: Path, root: Path, seconds: int) -> dict[str, Any]:
    """The entry of DATABASES for this file; one that refuses every query while `check_default_file` reports an error.

    The error must not depend on the order of the checks: Django's own of the models open the database, and would make
    an empty one where the data are still at the former place.
    """
    if _is_at_former_place(path, root) or not _make_directory(path):
        return UNUSABLE
    return parse(f"sqlite:///{path}", seconds)


def check_default_file(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Errors about the default file: it cannot be made, or the data are where an earlier version had them."""
    path: Path | None = settings.DEFAULT_DATABASE
    if path is None:
        return []
    former = former_file(settings.BASE_DIR)
    if _is_at_former_place(path, settings.BASE_DIR):
        hint = (
            f"Stop the site, and move the file, with {FILE}-wal and {FILE}-shm if they are there, to {path.parent}; "
            f"or set DATABASE_URL=sqlite:///{former} to leave it there until the next installation."
        )
        return [Error(f"The database is at its former place, {former}.", hint=hint, id="uploads.E027")]
    if not _make_directory(path):
        text = f"The database cannot be made: {path.parent} is not a directory that this user may write in."
        return [Error(text, hint="Set DATABASE_URL.", id="uploads.E028")]
    return []


def _is_at_former_place(path: Path, root: Path) -> bool:
    former = former_file(root)
    try:
        return former != path and former.exists() and not path.exists()
    except OSError:  # A directory that this user may not enter.
        return False


def _make_directory(path: Path) -> bool:
    """Make the directory of the file, which SQLite does not. Returns whether the file can be made there."""
    if not path.is_absolute():  # A user without a home: `~` would be a directory of that name.
        return False
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.parent.is_dir() and os.access(path.parent, os.W_OK)
