"""The disk: an index of what exists, and blobs with the bytes.

Rule: nothing here knows HTTP; absence is None or False, and the operations say what OSS calls it.
"""

from pathlib import Path

from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.buckets import Buckets
from uploads.localoss.store.index import BucketGone, Index
from uploads.localoss.store.objects import Objects
from uploads.localoss.store.uploads import Uploads

__all__ = ["BucketGone", "Store"]


class Store:
    """Everything under one root."""

    def __init__(self, root: Path) -> None:
        self._index = Index(root / "index.sqlite3")
        self.blobs = Blobs(root / "blobs")
        self.buckets = Buckets(self._index)
        self.objects = Objects(self._index, self.blobs)
        self.uploads = Uploads(self._index, self.blobs)

    def prepare(self) -> None:
        """Once, before serving: create what is missing, remove what a crash left half."""
        self._index.create()
        self.blobs.create()
        query = "SELECT blob FROM parts UNION ALL SELECT blob FROM pieces"
        self.blobs.sweep({name for (name,) in self._index.connection.execute(query)})

    def close(self) -> None:
        self._index.close()
