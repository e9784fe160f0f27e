"""Blobs: files with the bytes of parts and objects.

Rule: file names are generated here and contain no input. A blob is written once, then only read or removed. The blobs
of an object that is being read are removed after the last reader. Chunks of zeros become holes of the file, so that a
sparse file of any size takes no room on the disk.
"""

import hashlib
import os
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
ZEROS = bytes(CHUNK)


class Blobs:
    """A directory of blobs, in 256 subdirectories."""

    def __init__(self, root: Path, *, fsync: bool = False) -> None:
        self._root, self._fsync = root, fsync
        self._lock = threading.Lock()
        self._readers: Counter[str] = Counter()
        self._obsolete: dict[str, list[str]] = {}

    def create(self) -> None:
        """Create the missing subdirectories."""
        for number in range(256):
            (self._root / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def sweep(self, known: Collection[str]) -> None:
        """Remove every blob that is not in `known`: the remains of requests that a crash interrupted."""
        for path in self._root.glob("??/*"):
            if path.name not in known:
                path.unlink()

    def path(self, name: str) -> Path:
        """The file of a blob."""
        return self._root / name[:2] / name

    @contextmanager
    def receive(self, chunks: Iterable[bytes | memoryview]) -> Iterator[Blob]:
        """Write a new blob and hash it. It is removed if the block raises; commit the row that names it within the
        block.
        """
        name = secrets.token_hex(16)
        try:
            yield self._write(name, chunks)
        except BaseException:
            self.remove([name])
            raise

    def _write(self, name: str, chunks: Iterable[bytes | memoryview]) -> Blob:
        digest, crc, size = hashlib.md5(usedforsecurity=False), 0, 0
        with self.path(name).open("xb", buffering=0) as file:
            for chunk in chunks:
                digest.update(chunk)
                crc = crc64(chunk, crc)
                size += len(chunk)
                if _is_zeros(chunk):
                    file.seek(size)
                else:
                    _write_all(file, chunk)
            file.truncate(size)  # A hole at the end is not part of the file yet.
            if self._fsync:
                os.fsync(file.fileno())
                self._fsync_directory(name)
        return Blob(name, size, digest.digest(), crc)

    def link(self, name: str) -> str:
        """A second name for the same bytes, which stay until both names are removed."""
        copy = secrets.token_hex(16)
        self.path(copy).hardlink_to(self.path(name))
        if self._fsync:
            self._fsync_directory(copy)
        return copy

    def _fsync_directory(self, name: str) -> None:
        """Write the directory of a blob to the disk: a file whose name is lost is lost too."""
        descriptor = os.open(self.path(name).parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, names: Iterable[str]) -> None:
        """Remove blobs. One that cannot be removed now is removed at the next start."""
        for name in names:
            with suppress(OSError):
                self.path(name).unlink()

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start` on, in chunks."""
        with self.path(name).open("rb", buffering=0) as file:
            file.seek(start)
            while length > 0 and (chunk := file.read(min(CHUNK, length))):
                length -= len(chunk)
                yield chunk

    @property
    def readers(self) -> threading.Lock:
        """The lock to hold while an object is looked up and pinned, so that its blobs are not removed in between."""
        return self._lock

    def pin(self, owner: str) -> None:
        """Count a reader of the object `owner`. The caller holds `readers`."""
        self._readers[owner] += 1

    def unpin(self, owner: str) -> None:
        """Count a reader less; after the last one, remove the discarded blobs."""
        with self._lock:
            self._readers[owner] -= 1
            if self._readers[owner] > 0:
                return
            del self._readers[owner]
            obsolete = self._obsolete.pop(owner, [])
        self.remove(obsolete)

    def discard(self, owner: str, names: list[str]) -> None:
        """Remove the blobs of the object `owner`, now or after its last reader."""
        with self._lock:
            if self._readers.get(owner, 0):
                self._obsolete.setdefault(owner, []).extend(names)
                return
        self.remove(names)


def _is_zeros(chunk: bytes | memoryview) -> bool:
    """Whether all bytes are zero. Other data is recognised by its first bytes, and so costs nothing."""
    head = bytes(chunk[:64])
    return head == ZEROS[: len(head)] and len(chunk) <= CHUNK and bytes(chunk) == ZEROS[: len(chunk)]


def _write_all(file: FileIO, chunk: bytes | memoryview) -> None:
    """Write all of `chunk`. An unbuffered write may write less, when the disk is nearly full."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]
