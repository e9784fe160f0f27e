"""python -m tests.deploy.old_writer MIGRATION NAME STOP [ROWS]: writes uploads as the code of that migration did.

It creates, reads and changes rows until the file STOP exists or ROWS are written, and prints as JSON how many,
the seconds of the slowest statement, and the first error. The file STOP.NAME tells that it has begun.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import django

Result = TypeVar("Result")
BATCH = 1_000


class Writer:
    def __init__(self, migration: str) -> None:
        from django.db import connection
        from django.db.migrations.loader import MigrationLoader

        apps = MigrationLoader(connection).project_state(("uploads", migration)).apps
        self._upload: Any = apps.get_model("uploads", "Upload")
        users: Any = apps.get_model("auth", "User")
        self._owner, _ = users.objects.get_or_create(username="old", defaults={"password": "!"})
        self.written, self.slowest = 0, 0.0

    def fill(self, rows: int) -> None:
        for number in range(0, rows, BATCH):
            batch = [self._new(number + offset) for offset in range(min(BATCH, rows - number))]
            self._upload.objects.bulk_create(batch)
            self.written += len(batch)

    def write(self) -> None:
        row = self._new(self.written)
        self._timed(lambda: row.save(force_insert=True))
        found = self._timed(lambda: self._upload.objects.get(pk=row.pk))
        found.bytes_done = 1
        self._timed(found.save)
        self._timed(lambda: list(self._upload.objects.filter(owner=self._owner, state="uploading")[:5]))
        self.written += 1

    def _new(self, number: int) -> Any:
        from django.utils import timezone

        given = {
            "owner": self._owner,
            "destination": "default",
            "bucket": "demo-bucket",
            "key": f"uploads/{time.time_ns()}/{number}",
            "filename": "old.bin",
            "size": 1,
            "part_size": 102_400,
            "state": "uploading",
            "method": "put",
            "expires_at": timezone.now(),
        }
        known = {field.name for field in self._upload._meta.get_fields()}
        return self._upload(**{name: value for name, value in given.items() if name in known})

    def _timed(self, act: Callable[[], Result]) -> Result:
        began = time.monotonic()
        result = act()
        self.slowest = max(self.slowest, time.monotonic() - began)
        return result


def main(migration: str, name: str, stop: str, rows: str = "") -> None:
    django.setup()
    from django.db import Error

    writer, error = Writer(migration), ""
    try:
        if rows:
            writer.fill(int(rows))
        while not rows and not Path(stop).exists():
            writer.write()
            Path(f"{stop}.{name}").touch()
    except Error as found:
        error = str(found)
    print(json.dumps({"written": writer.written, "slowest": writer.slowest, "error": error}))


if __name__ == "__main__":
    main(*sys.argv[1:])
