"""Buckets in the index. Rule: a bucket goes only when nothing is left in it."""

from typing import Literal

from uploads.localoss.store.index import Index
from uploads.localoss.store.rows import Bucket

_COLUMNS = "name, created, acl, storage_class, cors, lifecycle"


class Buckets:
    def __init__(self, index: Index) -> None:
        self._index = index

    def create(self, bucket: Bucket) -> bool:
        """False if it exists already."""
        with self._index.write() as connection:
            values = (
                bucket.name, bucket.created, bucket.acl, bucket.storage_class, bucket.cors, bucket.lifecycle,
            )  # fmt: skip
            cursor = connection.execute(f"INSERT OR IGNORE INTO buckets ({_COLUMNS}) VALUES (?,?,?,?,?,?)", values)  # noqa: S608  # own constant
            return cursor.rowcount == 1

    def get(self, name: str) -> Bucket | None:
        query = f"SELECT {_COLUMNS} FROM buckets WHERE name = ?"  # noqa: S608  # own constant
        row = self._index.connection.execute(query, (name,)).fetchone()
        return Bucket(*row) if row else None

    def all(self, prefix: str, after: str, limit: int) -> list[Bucket]:
        """By name."""
        query = f"SELECT {_COLUMNS} FROM buckets WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?"  # noqa: S608  # own constant
        rows = self._index.connection.execute(query, (after, len(prefix), prefix, limit))
        return [Bucket(*row) for row in rows]

    def delete(self, name: str) -> Literal["deleted", "objects", "uploads"]:
        """Deleted, or what is still in it."""
        with self._index.write() as connection:
            if connection.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return "objects"
            if connection.execute("SELECT 1 FROM uploads WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return "uploads"
            connection.execute("DELETE FROM buckets WHERE name = ?", (name,))
            return "deleted"

    def set_acl(self, name: str, acl: str) -> None:
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET acl = ? WHERE name = ?", (acl, name))

    def set_cors(self, name: str, cors: bytes | None) -> None:
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET cors = ? WHERE name = ?", (cors, name))

    def set_lifecycle(self, name: str, lifecycle: bytes | None) -> None:
        with self._index.write() as connection:
            connection.execute("UPDATE buckets SET lifecycle = ? WHERE name = ?", (lifecycle, name))

    def with_lifecycle(self) -> list[Bucket]:
        """Those that have rules."""
        query = f"SELECT {_COLUMNS} FROM buckets WHERE lifecycle IS NOT NULL ORDER BY name"  # noqa: S608  # own constant
        return [Bucket(*row) for row in self._index.connection.execute(query)]
