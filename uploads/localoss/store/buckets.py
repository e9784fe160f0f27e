"""Buckets in the index.

Rule: only an empty bucket is deleted.
"""

from dataclasses import replace
from typing import Any, Literal

from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import Bucket
from uploads.localoss.store.settings import BucketSettings

_COLUMNS = "name, created, acl, storage_class, cors, lifecycle, overwrite, settings"


class Buckets:
    """Reads and writes buckets."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def create(self, bucket: Bucket) -> bool:
        """Create a bucket. False if it exists."""
        with self._index.write() as connection:
            values = (
                bucket.name, bucket.created, bucket.acl, bucket.storage_class, bucket.cors, bucket.lifecycle,
                bucket.overwrite, bucket.settings.serialized(),
            )  # fmt: skip
            cursor = connection.execute(f"INSERT OR IGNORE INTO buckets ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", values)  # noqa: S608  # own constant
            return cursor.rowcount == 1

    def get(self, name: str) -> Bucket | None:
        """The bucket; None if it does not exist."""
        query = f"SELECT {_COLUMNS} FROM buckets WHERE name = ?"  # noqa: S608  # own constant
        row = self._index.connection.execute(query, (name,)).fetchone()
        return _bucket(row) if row else None

    def all(self, prefix: str, after: str, limit: int) -> list[Bucket]:
        """At most `limit` buckets whose names start with `prefix` and follow `after`, in order of names."""
        query = f"SELECT {_COLUMNS} FROM buckets WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?"  # noqa: S608  # own constant
        rows = self._index.connection.execute(query, (after, len(prefix), prefix, limit))
        return [_bucket(row) for row in rows]

    def delete(self, name: str) -> Literal["deleted", "objects", "uploads"]:
        """Delete an empty bucket; otherwise say what it contains."""
        with self._index.write() as connection:
            if connection.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return "objects"
            if connection.execute("SELECT 1 FROM versions WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return "objects"
            if connection.execute("SELECT 1 FROM uploads WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return "uploads"
            connection.execute("DELETE FROM buckets WHERE name = ?", (name,))
            return "deleted"

    def set_acl(self, name: str, acl: str) -> None:
        """Set the ACL."""
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET acl = ? WHERE name = ?", (acl, name))

    def set_cors(self, name: str, cors: bytes | None) -> None:
        """Set the CORS rules, as XML; None removes them."""
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET cors = ? WHERE name = ?", (cors, name))

    def set_lifecycle(self, name: str, lifecycle: bytes | None) -> None:
        """Set the lifecycle rules, as XML; None removes them."""
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET lifecycle = ? WHERE name = ?", (lifecycle, name))

    def set_overwrite(self, name: str, overwrite: bytes | None) -> None:
        """Set the overwrite protection, as XML; None removes it."""
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET overwrite = ? WHERE name = ?", (overwrite, name))

    def change_settings(self, name: str, **changes: Any) -> None:
        """Change fields of the BucketSettings."""
        with self._index.write() as connection:
            row = connection.execute("SELECT settings FROM buckets WHERE name = ?", (name,)).fetchone()
            if row:
                changed = replace(BucketSettings.parse(row[0]), **changes)
                connection.execute("UPDATE buckets SET settings = ? WHERE name = ?", (changed.serialized(), name))

    def with_lifecycle(self) -> list[Bucket]:
        """The buckets that have lifecycle rules."""
        query = f"SELECT {_COLUMNS} FROM buckets WHERE lifecycle IS NOT NULL ORDER BY name"  # noqa: S608  # own constant
        return [_bucket(row) for row in self._index.connection.execute(query)]


def _bucket(row: tuple[Any, ...]) -> Bucket:
    name, created, acl, storage_class, cors, lifecycle, overwrite, settings = row
    return Bucket(name, created, acl, storage_class, cors, lifecycle, overwrite, BucketSettings.parse(settings))
