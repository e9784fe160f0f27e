"""The index: a SQLite file with the rows of buckets, objects, uploads and parts.

Rule: a row is written after the bytes that it names are complete on disk, and bytes are removed after the row that
named them. If the process is killed, at whatever moment, no acknowledged data is lost and no partial data is visible.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FIRST = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, acl TEXT NOT NULL, storage_class TEXT NOT NULL, cors BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL REFERENCES buckets, key BLOB NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, crc64 TEXT NOT NULL, kind TEXT NOT NULL, modified INTEGER NOT NULL, acl TEXT NOT NULL,
    content_md5 TEXT NOT NULL, headers TEXT NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pieces (
    object TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, blob TEXT NOT NULL,
    PRIMARY KEY (object, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    bucket TEXT NOT NULL REFERENCES buckets, key BLOB NOT NULL, id TEXT NOT NULL UNIQUE, initiated INTEGER NOT NULL,
    headers TEXT NOT NULL, PRIMARY KEY (bucket, key, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    crc64 TEXT NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
"""
_SECOND = """
ALTER TABLE buckets ADD COLUMN lifecycle BLOB;
ALTER TABLE uploads ADD COLUMN sequential INTEGER NOT NULL DEFAULT 0;
"""

_THIRD = """
ALTER TABLE buckets ADD COLUMN overwrite BLOB;
"""

_FOURTH = """
ALTER TABLE buckets ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE objects ADD COLUMN version TEXT NOT NULL DEFAULT '';
CREATE TABLE versions (
    bucket TEXT NOT NULL REFERENCES buckets, key BLOB NOT NULL, sequence INTEGER NOT NULL, version TEXT NOT NULL,
    id TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, crc64 TEXT NOT NULL, kind TEXT NOT NULL,
    modified INTEGER NOT NULL, acl TEXT NOT NULL, content_md5 TEXT NOT NULL, headers TEXT NOT NULL,
    PRIMARY KEY (bucket, key, sequence)
) WITHOUT ROWID;
CREATE TABLE account (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

MIGRATIONS = (_FIRST, _SECOND, _THIRD, _FOURTH)
"""The script at position n changes an index of version n to n + 1. SQLite's user_version holds the version."""


class BucketGone(Exception):
    """The bucket was deleted while something was written to it."""


class Index:
    """Connections to the index, one for each thread. Writers wait for each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._writers = threading.Lock()

    def create(self) -> None:
        """Create the file and its tables, or migrate them to the current version."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self.connection.executescript(f"BEGIN;{script}PRAGMA user_version = {number};COMMIT;")

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction. BucketGone if a row's bucket no longer exists.

        With the lock, threads wait in turn; SQLite alone would let them poll.
        """
        with self._writers:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.IntegrityError) and "FOREIGN KEY" in str(error):
                    raise BucketGone from error
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: several SELECTs see the same state."""
        connection = self.connection
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None
