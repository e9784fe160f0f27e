"""Versions of objects: what happens to the object whose key is written or deleted (OSS manual: "Versioning").

Rule: `objects` holds the current version of a key unless that is a delete marker; `versions` holds all others, the
newest with the highest sequence number. The version "" is OSS's version "null". Functions run in a write transaction.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from uploads.localoss.store.rows import Bucket, StoredObject

DELETE_MARKER = "DeleteMarker"
"""The `kind` of a version that stands for a deleted object."""
COLUMNS = "bucket, key, id, size, etag, crc64, kind, modified, acl, content_md5, headers, version"
_CURRENT = 1 << 62
"""The sequence number of a current object in listings: it is newer than all others."""
MARKS = ",".join("?" * 12)
Discarded = list[tuple[str, list[str]]]
"""The ids of deleted objects with the names of their blobs, to be removed after the commit."""
Row = tuple[str, bytes, str, int, str, str, str, int, str, str, str, str]


class ObjectRetained(Exception):
    """The object is protected by the bucket's retention policy."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a bucket allows to happen to an existing object.

    `overwrite`: it may be replaced, which matters only without versioning. `versioning` is that of the bucket.
    `retained_since`: an object modified at this time or later, in milliseconds, may be neither replaced nor deleted.
    """

    overwrite: bool = True
    versioning: str = ""
    retained_since: int | None = None

    def check_retention(self, stored: StoredObject) -> None:
        """ObjectRetained if the retention policy protects the object."""
        if self.retained_since is not None and stored.modified >= self.retained_since:
            raise ObjectRetained

    def new_version(self) -> str:
        """The version of a new object or delete marker: an id of 64 characters, or "" unless versioning is enabled."""
        return f"CAEQ{secrets.token_hex(30)}" if self.versioning == "Enabled" else ""


FREE = Rules()


def rules_of(bucket: Bucket, now: int, *, overwrite: bool = True) -> Rules:
    """The rules of a bucket at a time in milliseconds."""
    settings = bucket.settings
    return Rules(overwrite, settings.versioning, settings.worm.retained_since(now) if settings.worm else None)


def read_row(row: Row) -> StoredObject:
    """The object of a row of COLUMNS."""
    name, raw, identifier, size, etag, crc, kind, modified, acl, content_md5, headers, version = row
    return StoredObject(
        name, raw.decode(), identifier, size, etag, int(crc), kind, modified, acl, content_md5, json.loads(headers),
        version,
    )  # fmt: skip


def values_of(stored: StoredObject) -> Row:
    """The values of an object for COLUMNS."""
    return (
        stored.bucket, stored.key.encode(), stored.id, stored.size, stored.etag, str(stored.crc64), stored.kind,
        stored.modified, stored.acl, stored.content_md5, json.dumps(dict(stored.headers)), stored.version,
    )  # fmt: skip


def find(connection: sqlite3.Connection, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
    """The current object for the version None, or the version, which may be a delete marker; None if it does not
    exist."""
    where = "" if version is None else " AND version = ?"
    values = (bucket, key.encode(), *(() if version is None else (version,)))
    query = f"SELECT {COLUMNS} FROM objects WHERE bucket = ? AND key = ?{where}"  # noqa: S608  # own constants
    row = connection.execute(query, values).fetchone()
    if row is None and version is not None:
        query = f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND key = ?{where}"  # noqa: S608  # own constants
        row = connection.execute(query, values).fetchone()
    return read_row(row) if row else None


def latest_marker(connection: sqlite3.Connection, bucket: str, key: str) -> StoredObject | None:
    """The delete marker that is the current version of a key; None if the current version is an object or missing."""
    newest = None if find(connection, bucket, key) else _newest(connection, bucket, key)
    return newest if newest is not None and newest.kind == DELETE_MARKER else None


def make_room(connection: sqlite3.Connection, bucket: str, key: str, rules: Rules) -> Discarded:
    """Remove the object that has a key, or make it a previous version, so that another can take its place.

    FileExistsError if it may not be overwritten, ObjectRetained if a retention policy protects it.
    """
    current = find(connection, bucket, key)
    if rules.versioning == "Enabled":
        if current is not None:
            _archive(connection, current)
        return []
    if rules.versioning == "Suspended":
        null = find(connection, bucket, key, "")
        removed = _remove(connection, null, rules)
        if current is not None and current.version:
            _archive(connection, current)
        return removed
    if current is not None and not rules.overwrite:
        raise FileExistsError
    return _remove(connection, current, rules)


def add_marker(connection: sqlite3.Connection, bucket: str, key: str, version: str, now: int) -> StoredObject:
    """Make a new delete marker the current version of a key. Call `make_room` before."""
    marker = StoredObject(bucket, key, "", 0, "", 0, DELETE_MARKER, now, version=version)
    _insert(connection, marker)
    return marker


def remove_null_marker(connection: sqlite3.Connection, bucket: str, key: str) -> None:
    """Remove the delete marker whose version is "null". A new object of that version takes its place."""
    values = (bucket, key.encode(), DELETE_MARKER)
    connection.execute("DELETE FROM versions WHERE bucket = ? AND key = ? AND version = '' AND kind = ?", values)


def delete_version(
    connection: sqlite3.Connection, bucket: str, key: str, version: str, rules: Rules
) -> tuple[StoredObject | None, Discarded]:
    """Delete one version for good; the newest of those that are left becomes the current one. Returns the deleted
    version, None if it did not exist. ObjectRetained as with `make_room`."""
    found = find(connection, bucket, key, version)
    removed = _remove(connection, found, rules)
    newest = _newest(connection, bucket, key)
    if find(connection, bucket, key) is None and newest is not None and newest.kind != DELETE_MARKER:
        connection.execute(
            "DELETE FROM versions WHERE bucket = ? AND key = ? AND version = ?",
            (bucket, key.encode(), newest.version),
        )
        connection.execute(f"INSERT INTO objects ({COLUMNS}) VALUES ({MARKS})", values_of(newest))  # noqa: S608  # own constants
    return found, removed


def scan(
    connection: sqlite3.Connection, bucket: str, first: bytes, after: tuple[bytes, str | None] | None
) -> Iterator[tuple[StoredObject, bool]]:
    """The versions of a bucket, as `Objects.scan_versions` describes them."""
    key, version = after or (first, None)
    rest, previous = [], b""
    if after is not None and version is not None and key >= first:
        # The marker names one version of its key: the older ones of the same key come first.
        older = list(_rows(connection, bucket, "key = ?", key))
        position = next((number for number, row in enumerate(older) if row[-2] == version), len(older))
        rest, previous = older[position + 1 :], key
    where, start = ("key > ?", key) if after is not None and key >= first else ("key >= ?", first)
    for row in chain(rest, _rows(connection, bucket, where, start)):
        yield read_row(row[:-1]), row[1] != previous
        previous = row[1]


def _rows(connection: sqlite3.Connection, bucket: str, where: str, key: bytes) -> Iterator[Any]:
    """Rows of COLUMNS and sequence, in the order of keys and from the newest version to the oldest."""
    select = f"SELECT {COLUMNS}"
    condition = f"WHERE bucket = ? AND {where}"
    query = (
        f"{select}, {_CURRENT} AS sequence FROM objects {condition} UNION ALL "
        f"{select}, sequence FROM versions {condition} ORDER BY key, sequence DESC"
    )
    return connection.execute(query, (bucket, key, bucket, key))


def _newest(connection: sqlite3.Connection, bucket: str, key: str) -> StoredObject | None:
    """The newest of the versions that are not in `objects`."""
    query = f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND key = ? ORDER BY sequence DESC LIMIT 1"  # noqa: S608  # own constant
    row = connection.execute(query, (bucket, key.encode())).fetchone()
    return read_row(row) if row else None


def _archive(connection: sqlite3.Connection, current: StoredObject) -> None:
    connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (current.bucket, current.key.encode()))
    _insert(connection, current)


def _insert(connection: sqlite3.Connection, stored: StoredObject) -> None:
    query = "SELECT coalesce(max(sequence), 0) + 1 FROM versions WHERE bucket = ? AND key = ?"
    (sequence,) = connection.execute(query, (stored.bucket, stored.key.encode())).fetchone()
    insert = f"INSERT INTO versions ({COLUMNS}, sequence) VALUES ({MARKS},?)"  # noqa: S608  # own constants
    connection.execute(insert, (*values_of(stored), sequence))


def _remove(connection: sqlite3.Connection, stored: StoredObject | None, rules: Rules) -> Discarded:
    """Delete a version and its pieces, wherever it is."""
    if stored is None:
        return []
    if stored.kind != DELETE_MARKER:
        rules.check_retention(stored)
    obsolete = [name for (name,) in connection.execute("SELECT blob FROM pieces WHERE object = ?", (stored.id,))]
    connection.execute("DELETE FROM pieces WHERE object = ?", (stored.id,))
    where = (stored.bucket, stored.key.encode(), stored.version)
    connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?", where)
    connection.execute("DELETE FROM versions WHERE bucket = ? AND key = ? AND version = ?", where)
    return [(stored.id, obsolete)]
