"""Objects in the index: a row, and its pieces, which are blobs in their order.

Rule: an overwrite or a delete is one transaction. The blobs of the previous object are removed after it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import StoredObject

_COLUMNS = "bucket, key, id, size, etag, crc64, kind, modified, acl, content_md5, headers"
Piece = tuple[str, int]
"""The name of a blob, and its size in bytes."""


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

    def get(self, bucket: str, key: str) -> StoredObject | None:
        """The object; None if it does not exist."""
        return select(self._index.connection, bucket, key)

    def open(self, bucket: str, key: str) -> ObjectReader | None:
        """The object, open for reading; None if it does not exist. The caller closes it."""
        with self._index.read() as connection:
            with self._blobs.readers:
                stored = select(connection, bucket, key)
                if stored is None:
                    return None
                self._blobs.pin(stored.id)
            query = "SELECT start, size, blob FROM pieces WHERE object = ? ORDER BY start"
            pieces = connection.execute(query, (stored.id,)).fetchall()
        return ObjectReader(stored, pieces, self._blobs)

    def put(self, stored: StoredObject, pieces: Iterable[Piece], *, overwrite: bool = True) -> bool:
        """Store an object. False if the key exists and `overwrite` is false."""
        with self._index.write() as connection:
            replaced = select(connection, stored.bucket, stored.key)
            if replaced is not None and not overwrite:
                return False
            obsolete = delete_rows(connection, replaced)
            insert_rows(connection, stored, pieces)
        if replaced is not None:
            self._blobs.discard(replaced.id, obsolete)
        return True

    def link(self, reading: ObjectReader, target: StoredObject, *, overwrite: bool = True) -> bool:
        """Store a copy of an open object, which shares its bytes. False as with `put`."""
        copies = [(self._blobs.link(blob), size) for _, size, blob in reading.pieces]
        done = False
        try:
            done = self.put(target, copies, overwrite=overwrite)
        finally:
            if not done:
                self._blobs.remove(name for name, _ in copies)
        return done

    def update(self, bucket: str, key: str, change: Callable[[StoredObject], StoredObject]) -> bool:
        """Change an object's ACL or headers, not its bytes. False if it does not exist."""
        with self._index.write() as connection:
            stored = select(connection, bucket, key)
            if stored is None:
                return False
            changed = change(stored)
            connection.execute(
                "UPDATE objects SET acl = ?, headers = ? WHERE bucket = ? AND key = ?",
                (changed.acl, json.dumps(dict(changed.headers)), bucket, key.encode()),
            )
        return True

    def scan(self, bucket: str, first: bytes, after: bytes | None) -> Iterator[StoredObject]:
        """The objects from the key `first` on and after the key `after`, in the order of their keys."""
        query = f"SELECT {_COLUMNS} FROM objects WHERE bucket = ? AND "  # noqa: S608  # own constant
        if after is not None and after >= first:
            rows = self._index.connection.execute(f"{query}key > ? ORDER BY key", (bucket, after))
        else:
            rows = self._index.connection.execute(f"{query}key >= ? ORDER BY key", (bucket, first))
        yield from map(_object, rows)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object if it exists."""
        with self._index.write() as connection:
            stored = select(connection, bucket, key)
            obsolete = delete_rows(connection, stored)
        if stored is not None:
            self._blobs.discard(stored.id, obsolete)


def select(connection: sqlite3.Connection, bucket: str, key: str) -> StoredObject | None:
    """The object; None if it does not exist."""
    query = f"SELECT {_COLUMNS} FROM objects WHERE bucket = ? AND key = ?"  # noqa: S608  # own constant
    row = connection.execute(query, (bucket, key.encode())).fetchone()
    return _object(row) if row else None


def _object(row: tuple[str, bytes, str, int, str, str, str, int, str, str, str]) -> StoredObject:
    name, raw, identifier, size, etag, crc, kind, modified, acl, content_md5, headers = row
    return StoredObject(
        name, raw.decode(), identifier, size, etag, int(crc), kind, modified, acl, content_md5, json.loads(headers)
    )


def delete_rows(connection: sqlite3.Connection, stored: StoredObject | None) -> list[str]:
    """Delete an object's rows. Returns the names of its blobs, to be removed after the commit."""
    if stored is None:
        return []
    obsolete = [name for (name,) in connection.execute("SELECT blob FROM pieces WHERE object = ?", (stored.id,))]
    connection.execute("DELETE FROM pieces WHERE object = ?", (stored.id,))
    connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (stored.bucket, stored.key.encode()))
    return obsolete


def insert_rows(connection: sqlite3.Connection, stored: StoredObject, pieces: Iterable[Piece]) -> None:
    """Insert the rows of a new object."""
    values = (
        stored.bucket, stored.key.encode(), stored.id, stored.size, stored.etag, str(stored.crc64), stored.kind,
        stored.modified, stored.acl, stored.content_md5, json.dumps(dict(stored.headers)),
    )  # fmt: skip
    connection.execute(f"INSERT INTO objects ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", values)  # noqa: S608  # own constant
    connection.executemany("INSERT INTO pieces VALUES (?,?,?,?)", _rows(stored.id, pieces))


def _rows(identifier: str, pieces: Iterable[Piece]) -> Iterator[tuple[str, int, int, str]]:
    start = 0
    for blob, size in pieces:
        yield identifier, start, size, blob
        start += size
