"""What each client was told about each of its files. Rule: only here, and safe for threads."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.chaos.files import Spec

Outcome = Literal["", "completed", "kept", "failed", "aborted", "left"]
"""Of `kept`, an interrupted stream, the object is the beginning of the file. Of `left` nobody was told anything: the
client went away. "": the client still waits."""


@dataclass(slots=True)
class Entry:
    """One file of one client. `code` is that of the error with which it failed."""

    client: str
    spec: Spec
    outcome: Outcome = ""
    code: str = ""
    upload: str = ""
    """The id of the upload, where the client knows it."""


class Ledger:
    """The entries by the names of the files."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def begin(self, client: str, specs: Iterable[Spec]) -> None:
        """A client uploads these. Those that it has begun before keep their entry."""
        with self._lock:
            for spec in specs:
                self._entries.setdefault(spec.name, Entry(client, spec))

    def tell(self, name: str, outcome: Outcome, code: str = "", upload: str = "") -> None:
        """A client was told how its file ended."""
        with self._lock:
            entry = self._entries[name]
            entry.outcome, entry.code, entry.upload = outcome, code, upload

    def outcome(self, name: str) -> Outcome:
        with self._lock:
            return self._entries[name].outcome

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries.values())
