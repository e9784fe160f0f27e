"""Multipart uploads and their parts in the index.

Rule: completing an upload turns the rows of its parts into the pieces of an object. It copies no bytes.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from uploads.localoss.store import objects, versions
from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import Blob, StoredObject, StoredPart, Upload

Choice = tuple[StoredObject, Sequence[StoredPart]]
_PARTS = "SELECT number, blob, size, etag, crc64, modified FROM parts"


class OutOfOrder(Exception):
    """A part of a sequential upload is not the next one."""


class Uploads:
    """Reads and writes multipart uploads."""

    def __init__(self, index: Index, blobs: Blobs) -> None:
        self._index = index
        self._blobs = blobs

    def create(self, upload: Upload) -> None:
        """Store a new upload."""
        values = (
            upload.bucket, upload.key.encode(), upload.id, upload.initiated, json.dumps(dict(upload.headers)),
            upload.sequential,
        )  # fmt: skip
        with self._index.write() as connection:
            connection.execute("INSERT INTO uploads VALUES (?,?,?,?,?,?)", values)

    def get(self, bucket: str, key: str, identifier: str) -> Upload | None:
        """The open upload; None if there is none."""
        return _select(self._index.connection, bucket, key, identifier)

    def put_part(self, upload: Upload, number: int, blob: Blob, now: int) -> bool:
        """Store a part; it replaces one of the same number. False if the upload has ended. OutOfOrder for a sequential
        upload.
        """
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
        """At most `limit` parts with numbers greater than `after`, in order of numbers."""
        query = f"{_PARTS} WHERE upload = ? AND number > ? ORDER BY number LIMIT ?"
        return [_part(row) for row in self._index.connection.execute(query, (upload.id, after, limit))]

    def abort(self, bucket: str, key: str, identifier: str) -> bool:
        """Delete the upload and its parts. False if there is none."""
        with self._index.write() as connection:
            if _select(connection, bucket, key, identifier) is None:
                return False
            obsolete = [part.blob for part in _delete_rows(connection, bucket, key, identifier)]
        self._blobs.remove(obsolete)
        return True

    def complete(
        self, upload: Upload, choose: Callable[[list[StoredPart]], Choice], rules: versions.Rules
    ) -> StoredObject | None:
        """Store the object that `choose` makes of the parts, and end the upload. If `choose` raises, nothing is
        changed.

        None if the upload has ended. FileExistsError or ObjectRetained if the rules do not allow to replace the present
        object.
        """
        with self._index.write() as connection:
            if _select(connection, upload.bucket, upload.key, upload.id) is None:
                return None
            parts = _delete_rows(connection, upload.bucket, upload.key, upload.id)
            stored, chosen = choose(parts)
            discarded = versions.make_room(connection, upload.bucket, upload.key, rules)
            # An empty part has the same start as the next one, and no bytes.
            kept = [(part.blob, part.size) for part in chosen if part.size]
            objects.insert_rows(connection, stored, kept)
        names = {name for name, _ in kept}
        self._blobs.remove(part.blob for part in parts if part.blob not in names)
        for identifier, obsolete in discarded:
            self._blobs.discard(identifier, obsolete)
        return stored

    def count_parts(self, bucket: str) -> int:
        """The number of parts of all open uploads of a bucket."""
        query = "SELECT count(*) FROM parts JOIN uploads ON uploads.id = parts.upload WHERE uploads.bucket = ?"
        (count,) = self._index.connection.execute(query, (bucket,)).fetchone()
        return int(count)

    def scan(self, bucket: str, first: bytes, after: tuple[bytes, str] | None) -> Iterator[tuple[bytes, str, int]]:
        """Tuples of key, upload id and time of initiation, ordered by key and id, from the key `first` on and after
        `after`.
        """
        query = "SELECT key, id, initiated FROM uploads WHERE bucket = ? AND "
        # With both bounds, SQLite would seek by one of them and read every row up to the other.
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
    """OutOfOrder unless it is the next part, or the last one again, whose response may have been lost."""
    query = "SELECT coalesce(max(number), 0) FROM parts WHERE upload = ?"
    (last,) = connection.execute(query, (upload.id,)).fetchone()
    if number not in (last, last + 1):
        raise OutOfOrder


def _delete_rows(connection: sqlite3.Connection, bucket: str, key: str, identifier: str) -> list[StoredPart]:
    """Delete the rows of an upload. Returns its parts."""
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
