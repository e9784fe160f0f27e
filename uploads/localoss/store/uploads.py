"""Multipart uploads and their parts.

Rule: completing turns the rows of parts into the pieces of an object: O(parts), never O(bytes).
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from uploads.localoss.store import objects
from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import Blob, StoredObject, StoredPart, Upload

Choice = tuple[StoredObject, Sequence[StoredPart]]
_PARTS = "SELECT number, blob, size, etag, crc64, modified FROM parts"


class OutOfOrder(Exception):
    """A part of a sequential upload came before its turn."""


class Uploads:
    def __init__(self, index: Index, blobs: Blobs) -> None:
        self._index = index
        self._blobs = blobs

    def create(self, upload: Upload) -> None:
        values = (
            upload.bucket, upload.key.encode(), upload.id, upload.initiated, json.dumps(dict(upload.headers)),
            upload.sequential,
        )  # fmt: skip
        with self._index.write() as connection:
            connection.execute("INSERT INTO uploads VALUES (?,?,?,?,?,?)", values)

    def get(self, bucket: str, key: str, identifier: str) -> Upload | None:
        return _select(self._index.connection, bucket, key, identifier)

    def put_part(self, upload: Upload, number: int, blob: Blob, now: int) -> bool:
        """False if the upload is over by now; OutOfOrder if it is sequential and the part is not the next one."""
        with self._index.write() as connection:
            if _select(connection, upload.bucket, upload.key, upload.id) is None:
                return False
            if upload.sequential:
                _check_order(connection, upload, number)
            query = "SELECT blob FROM parts WHERE upload = ? AND number = ?"
            replaced = connection.execute(query, (upload.id, number)).fetchone()
            values = (upload.id, number, blob.name, blob.size, blob.etag, str(blob.crc64), now)
            connection.execute("INSERT OR REPLACE INTO parts VALUES (?,?,?,?,?,?,?)", values)
        self._blobs.remove(replaced or ())
        return True

    def parts(self, upload: Upload, after: int, limit: int) -> list[StoredPart]:
        """By number, those greater than `after`."""
        query = f"{_PARTS} WHERE upload = ? AND number > ? ORDER BY number LIMIT ?"
        return [_part(row) for row in self._index.connection.execute(query, (upload.id, after, limit))]

    def abort(self, bucket: str, key: str, identifier: str) -> bool:
        """False if there is no such upload."""
        with self._index.write() as connection:
            if _select(connection, bucket, key, identifier) is None:
                return False
            doomed = [part.blob for part in _forget(connection, bucket, key, identifier)]
        self._blobs.remove(doomed)
        return True

    def complete(
        self, upload: Upload, choose: Callable[[list[StoredPart]], Choice], *, overwrite: bool
    ) -> StoredObject | None:
        """Make the object that `choose` says, of the parts that it says. It may raise: then nothing has happened.

        None if the upload is over by now; FileExistsError if the key is taken and must not be overwritten.
        """
        with self._index.write() as connection:
            if _select(connection, upload.bucket, upload.key, upload.id) is None:
                return None
            parts = _forget(connection, upload.bucket, upload.key, upload.id)
            stored, chosen = choose(parts)
            replaced = objects.select(connection, upload.bucket, upload.key)
            if replaced is not None and not overwrite:
                raise FileExistsError
            doomed = objects.erase(connection, replaced)
            # An empty part would share its start with the next one; it adds nothing to the bytes.
            kept = [(part.blob, part.size) for part in chosen if part.size]
            objects.insert(connection, stored, kept)
        names = {name for name, _ in kept}
        self._blobs.remove(part.blob for part in parts if part.blob not in names)
        if replaced is not None:
            self._blobs.discard(replaced.id, doomed)
        return stored

    def scan(self, bucket: str, first: bytes, after: tuple[bytes, str] | None) -> Iterator[tuple[bytes, str, int]]:
        """(key, id, initiated) by key and id: keys from `first` on, and only what comes after `after`."""
        query = "SELECT key, id, initiated FROM uploads WHERE bucket = ? AND "
        # One bound, not two: SQLite would seek by the one and step over everything for the other.
        if after is not None and after[0] >= first:
            rows = self._index.connection.execute(f"{query}(key, id) > (?, ?) ORDER BY key, id", (bucket, *after))
        else:
            rows = self._index.connection.execute(f"{query}key >= ? ORDER BY key, id", (bucket, first))
        yield from rows


def _select(connection: sqlite3.Connection, bucket: str, key: str, identifier: str) -> Upload | None:
    query = "SELECT initiated, headers, sequential FROM uploads WHERE bucket = ? AND key = ? AND id = ?"
    row = connection.execute(query, (bucket, key.encode(), identifier)).fetchone()
    return Upload(identifier, bucket, key, row[0], json.loads(row[1]), bool(row[2])) if row else None


def _check_order(connection: sqlite3.Connection, upload: Upload, number: int) -> None:
    """The next part, or the last one again: its answer may have been lost."""
    query = "SELECT coalesce(max(number), 0) FROM parts WHERE upload = ?"
    (last,) = connection.execute(query, (upload.id,)).fetchone()
    if number not in (last, last + 1):
        raise OutOfOrder


def _forget(connection: sqlite3.Connection, bucket: str, key: str, identifier: str) -> list[StoredPart]:
    """Take an upload out of the index; the parts that it had."""
    query = f"{_PARTS} WHERE upload = ? ORDER BY number"
    parts = [_part(row) for row in connection.execute(query, (identifier,))]
    connection.execute("DELETE FROM parts WHERE upload = ?", (identifier,))
    connection.execute(
        "DELETE FROM uploads WHERE bucket = ? AND key = ? AND id = ?", (bucket, key.encode(), identifier)
    )
    return parts


def _part(row: tuple[int, str, int, str, str, int]) -> StoredPart:
    number, blob, size, etag, crc, modified = row
    return StoredPart(number, blob, size, etag, int(crc), modified)
