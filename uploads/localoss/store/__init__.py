"""The data directory: an index in SQLite, and blobs with the bytes.

Rule: this package knows no HTTP. It returns None or False for what does not exist; operations turn that into errors.
"""

from pathlib import Path

from uploads.localoss.store.account import Account
from uploads.localoss.store.blobs import Blobs
from uploads.localoss.store.buckets import Buckets
from uploads.localoss.store.index import BucketGone, Index
from uploads.localoss.store.objects import Objects
from uploads.localoss.store.uploads import Uploads

__all__ = ["BucketGone", "Store"]


class Store:
    """The data of one server, under `root`."""

    def __init__(self, root: Path) -> None:
        self._index = Index(root / "index.sqlite3")
        self.blobs = Blobs(root / "blobs")
        self.account = Account(self._index)
        self.buckets = Buckets(self._index)
        self.objects = Objects(self._index, self.blobs)
        self.uploads = Uploads(self._index, self.blobs)

    def prepare(self) -> None:
        """Create missing files, remove blobs that a crash left unreferenced. Call it once, before serving."""
        self._index.create()
        self.blobs.create()
        query = "SELECT blob FROM parts UNION ALL SELECT blob FROM pieces"
        self.blobs.sweep({name for (name,) in self._index.connection.execute(query)})

    def close(self) -> None:
        """Close this thread's connection to the index."""
        self._index.close()
