"""What a run must undo, on disk, so that the next start does it if this run cannot.

Rule: a line is on disk before the bucket is changed. A run holds a lock on its file; a file without a lock belongs to a
run that has ended, whatever ended it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path("var/live")


@dataclass
class Journal:
    """The record of one run: where, its prefix, and settings of the bucket as they were (None: there were none)."""

    path: Path
    place: str
    prefix: str
    saved: dict[str, str | None] = field(default_factory=dict)
    _file: int = -1

    @classmethod
    def begin(cls, folder: Path, place: str, prefix: str) -> "Journal":
        """Start the record of a run."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{prefix.strip('/').rpartition('/')[2]}.run"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        journal = cls(path, place, prefix, {}, file)
        journal._write({"place": place, "prefix": prefix})
        return journal

    def save(self, kind: str, document: str | None) -> None:
        """Record a setting of the bucket before it is replaced. Only the first one counts."""
        if kind not in self.saved:
            self.saved[kind] = document
            self._write({"kind": kind, "document": document})

    def end(self) -> None:
        """Everything is undone."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Leave the record to the next start."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def unfinished(folder: Path, place: str) -> Iterator[Journal]:
    """The records of runs in this place that have ended without undoing everything. Each is locked for the caller."""
    for path in sorted(folder.glob("*.run")):
        file = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        lines = []
        for text in path.read_text().splitlines():
            with suppress(ValueError):  # The last line of a run that was killed while it wrote.
                lines.append(json.loads(text))
        if not lines or lines[0]["place"] != place:
            os.close(file)
            continue
        saved = {line["kind"]: line["document"] for line in lines[1:]}
        yield Journal(path, place, lines[0]["prefix"], saved, file)
