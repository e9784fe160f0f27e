"""Objects in the index: a row, and its pieces, which are blobs in their order.

Rule: an overwrite or a delete is one transaction. The blobs of the previous object are removed after it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from uploads.localoss.store import versions
from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import Blob, StoredObject
from uploads.localoss.store.versions import COLUMNS, DELETE_MARKER, FREE, MARKS, Rules

Piece = tuple[str, int]
"""The name of a blob, and its size in bytes."""


APPENDABLE = "Appendable"
"""The `kind` of an object that AppendObject made."""


class NotAppendable(Exception):
    """The key has an object to which nothing can be appended."""


class WrongPosition(Exception):
    """The position is not the size of the object, which is the argument, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(slots=True)
class ObjectReader:
    """An object open for reading. Its bytes stay until `close`, even if the object is deleted. `pieces` are tuples of
    start, size and blob."""

    object: StoredObject
    pieces: list[tuple[int, int, str]]
    _blobs: Blobs
    _open: bool = True

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start` on, in chunks."""
        for begin, size, blob in self.pieces:
            if length <= 0:
                return
            if begin + size <= start:
                continue
            take = min(begin + size - start, length)
            yield from self._blobs.read(blob, start - begin, take)
            start, length = start + take, length - take

    def close(self) -> None:
        """Release the object's blobs."""
        if self._open:
            self._open = False
            self._blobs.unpin(self.object.id)


class Objects:
    """Reads and writes objects."""

    def __init__(self, index: Index, blobs: Blobs) -> None:
        self._index = index
        self._blobs = blobs

    def get(self, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
        """The object, or one version of it, which may be a delete marker; None if it does not exist."""
        return versions.find(self._index.connection, bucket, key, version)

    def marker(self, bucket: str, key: str) -> StoredObject | None:
        """The delete marker that is the current version of the key; None if there is none."""
        return versions.latest_marker(self._index.connection, bucket, key)

    def open(self, bucket: str, key: str, version: str | None = None) -> ObjectReader | None:
        """The object or one version of it, open for reading; None if it does not exist. The caller closes it."""
        with self._index.read() as connection:
            with self._blobs.readers:
                stored = versions.find(connection, bucket, key, version)
                if stored is None:
                    return None
                self._blobs.pin(stored.id)
            query = "SELECT start, size, blob FROM pieces WHERE object = ? ORDER BY start"
            pieces = connection.execute(query, (stored.id,)).fetchall()
        return ObjectReader(stored, pieces, self._blobs)

    def put(self, stored: StoredObject, pieces: Iterable[Piece], rules: Rules = FREE) -> None:
        """Store an object. FileExistsError or ObjectRetained if the rules do not allow to replace the present one."""
        with self._index.write() as connection:
            discarded = versions.make_room(connection, stored.bucket, stored.key, rules)
            insert_rows(connection, stored, pieces)
        self.discard(discarded)

    def append(
        self, bucket: str, key: str, position: int, blob: Blob, change: Callable[[StoredObject | None], StoredObject]
    ) -> StoredObject:
        """Add a blob to the end of an object, or make it a new object. `change` gets the present object, and returns
        the one to store, with the id of the present one.

        NotAppendable if the key has an object of another kind, or a delete marker and `position` is not 0.
        WrongPosition if `position` is not the present size in bytes. Nothing is changed if `change` raises.
        """
        with self._index.write() as connection:
            present = versions.find(connection, bucket, key)
            marked = position > 0 and versions.latest_marker(connection, bucket, key)
            if marked or (present and present.kind != APPENDABLE):
                raise NotAppendable
            size = present.size if present else 0
            if position != size:
                raise WrongPosition(size)
            changed = change(present)
            if not changed.version:
                versions.remove_null_marker(connection, bucket, key)
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key.encode()))
            insert_rows(connection, changed, [])
            if blob.size:
                connection.execute("INSERT INTO pieces VALUES (?,?,?,?)", (changed.id, size, blob.size, blob.name))
        if not blob.size:
            self._blobs.remove([blob.name])
        return changed

    def discard(self, discarded: versions.Discarded) -> None:
        """Remove the blobs of deleted objects, after the commit."""
        for identifier, names in discarded:
            self._blobs.discard(identifier, names)

    def link(self, reading: ObjectReader, target: StoredObject, rules: Rules = FREE) -> None:
        """Store a copy of an open object, which shares its bytes. Raises as `put` does."""
        copies = [(self._blobs.link(blob), size) for _, size, blob in reading.pieces]
        try:
            self.put(target, copies, rules)
        except BaseException:
            self._blobs.remove(name for name, _ in copies)
            raise

    def update(
        self, bucket: str, key: str, change: Callable[[StoredObject], StoredObject], version: str | None = None
    ) -> bool:
        """Change an object's ACL or headers, not its bytes. False if it does not exist."""
        with self._index.write() as connection:
            stored = versions.find(connection, bucket, key, version)
            if stored is None or stored.kind == DELETE_MARKER:
                return False
            changed = change(stored)
            values = (changed.acl, json.dumps(dict(changed.headers)), bucket, key.encode(), stored.version)
            for table in ("objects", "versions"):
                query = f"UPDATE {table} SET acl = ?, headers = ? WHERE bucket = ? AND key = ? AND version = ?"  # noqa: S608  # own constant
                connection.execute(query, values)
        return True

    def scan(self, bucket: str, first: bytes, after: bytes | None) -> Iterator[StoredObject]:
        """The objects from the key `first` on and after the key `after`, in the order of their keys."""
        query = f"SELECT {COLUMNS} FROM objects WHERE bucket = ? AND "  # noqa: S608  # own constant
        if after is not None and after >= first:
            rows = self._index.connection.execute(f"{query}key > ? ORDER BY key", (bucket, after))
        else:
            rows = self._index.connection.execute(f"{query}key >= ? ORDER BY key", (bucket, first))
        yield from map(versions.read_row, rows)

    def scan_versions(
        self, bucket: str, first: bytes, after: tuple[bytes, str | None] | None
    ) -> Iterator[tuple[StoredObject, bool]]:
        """All versions and delete markers from the key `first` on, each with whether it is the latest one of its key;
        keys in order, the newest version first. `after` is a key and a version of it, or None for all of the key's.
        """
        return versions.scan(self._index.connection, bucket, first, after)

    def count_markers(self, bucket: str) -> int:
        """The number of delete markers in a bucket."""
        query = "SELECT count(*) FROM versions WHERE bucket = ? AND kind = ?"
        (count,) = self._index.connection.execute(query, (bucket, DELETE_MARKER)).fetchone()
        return int(count)

    def delete(self, bucket: str, key: str, rules: Rules = FREE, now: int = 0) -> StoredObject | None:
        """Delete an object if it exists. With versioning it becomes a previous version, and a delete marker of the time
        `now`, which is returned, the current one. ObjectRetained if a retention policy protects it."""
        marker = None
        with self._index.write() as connection:
            discarded = versions.make_room(connection, bucket, key, rules)
            if rules.versioning:
                marker = versions.add_marker(connection, bucket, key, rules.new_version(), now)
        self.discard(discarded)
        return marker

    def delete_version(self, bucket: str, key: str, version: str, rules: Rules = FREE) -> StoredObject | None:
        """Delete one version for good. Returns it, None if it did not exist. ObjectRetained as with `delete`."""
        with self._index.write() as connection:
            found, discarded = versions.delete_version(connection, bucket, key, version, rules)
        self.discard(discarded)
        return found


def insert_rows(connection: sqlite3.Connection, stored: StoredObject, pieces: Iterable[Piece]) -> None:
    """Insert the rows of a new object."""
    connection.execute(f"INSERT INTO objects ({COLUMNS}) VALUES ({MARKS})", versions.values_of(stored))  # noqa: S608  # own constants
    connection.executemany("INSERT INTO pieces VALUES (?,?,?,?)", _rows(stored.id, pieces))


def _rows(identifier: str, pieces: Iterable[Piece]) -> Iterator[tuple[str, int, int, str]]:
    start = 0
    for blob, size in pieces:
        yield identifier, start, size, blob
        start += size
