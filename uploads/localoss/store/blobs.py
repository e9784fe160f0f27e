"""Bytes on disk.

Rule: file names are made here and hold nothing that came from outside; a blob is written once, then only read or
removed. Blobs of an object that somebody is reading are removed when the last reader is done.
"""

import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from uploads.localoss.store.rows import Blob
from uploads.oss.crc64 import crc64

CHUNK = 1024 * 1024


class Blobs:
    """A directory of blobs, spread over 256 directories."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._readers: Counter[str] = Counter()
        self._doomed: dict[str, list[str]] = {}

    def create(self) -> None:
        """The directories, if they are missing."""
        for number in range(256):
            (self._root / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def sweep(self, known: Collection[str]) -> None:
        """Remove what no row names: uploads that a crash cut off."""
        for path in self._root.glob("??/*"):
            if path.name not in known:
                path.unlink()

    def path(self, name: str) -> Path:
        return self._root / name[:2] / name

    @contextmanager
    def receive(self, chunks: Iterable[bytes]) -> Iterator[Blob]:
        """Write and hash what arrives. The blob stays only if the block ends well: commit its row in there."""
        name = secrets.token_hex(16)
        try:
            yield self._write(name, chunks)
        except BaseException:
            self.remove([name])
            raise

    def _write(self, name: str, chunks: Iterable[bytes]) -> Blob:
        digest, crc, size = hashlib.md5(usedforsecurity=False), 0, 0
        with self.path(name).open("xb", buffering=0) as file:
            for chunk in chunks:
                digest.update(chunk)
                crc = crc64(chunk, crc)
                size += len(chunk)
                _write_all(file, chunk)
        return Blob(name, size, digest.digest(), crc)

    def link(self, name: str) -> str:
        """A second name for the same bytes, which live until both are removed."""
        copy = secrets.token_hex(16)
        self.path(copy).hardlink_to(self.path(name))
        return copy

    def remove(self, names: Iterable[str]) -> None:
        """Unlink; one that cannot be is left for the sweep at the next start."""
        for name in names:
            with suppress(OSError):
                self.path(name).unlink()

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """A piece of a blob, in chunks."""
        with self.path(name).open("rb", buffering=0) as file:
            file.seek(start)
            while length > 0 and (chunk := file.read(min(CHUNK, length))):
                length -= len(chunk)
                yield chunk

    @property
    def readers(self) -> threading.Lock:
        """Held while an object is looked up and pinned, so that no removal falls in between."""
        return self._lock

    def pin(self, owner: str) -> None:
        """Somebody reads this object. The caller holds `readers`."""
        self._readers[owner] += 1

    def unpin(self, owner: str) -> None:
        with self._lock:
            self._readers[owner] -= 1
            if self._readers[owner] > 0:
                return
            del self._readers[owner]
            doomed = self._doomed.pop(owner, [])
        self.remove(doomed)

    def discard(self, owner: str, names: list[str]) -> None:
        """Remove an object's blobs, now or after its last reader."""
        with self._lock:
            if self._readers.get(owner, 0):
                self._doomed.setdefault(owner, []).extend(names)
                return
        self.remove(names)


def _write_all(file: FileIO, chunk: bytes) -> None:
    """A raw write may take less than all, when the disk is nearly full."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]
