"""Finished objects read: by a browser through a signed address, or here as a file, a range at a time.

Rule: what is read is the object as it was when it was opened; if it is replaced meanwhile, reading fails.
"""

import io
import os
from typing import TYPE_CHECKING

from uploads.conf import settings
from uploads.domain.options import disposition
from uploads.oss import signing
from uploads.oss.client import OssClient, utcnow
from uploads.oss.messages import Completed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1024 * 1024


class ObjectReader(io.RawIOBase):
    """Bytes of one object, from anywhere in it; each read is one request."""

    def __init__(self, client: OssClient, bucket: str, key: str, found: Completed) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._etag, self._size, self._at = found.etag, found.size or 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("there is nothing before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._at)
        if length <= 0:
            return 0
        content = self._client.get_range(self._bucket, self._key, self._at, length, self._etag)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


def open_object(client: OssClient, bucket: str, key: str) -> io.BufferedReader:
    """A file, opened for reading. Raises NotFound."""
    return io.BufferedReader(ObjectReader(client, bucket, key, client.head(bucket, key)), BUFFER)


def download_url(bucket: str, key: str, expires: int, filename: str = "") -> str:
    """A signed GET, good for `expires` seconds. `filename`: offered as a download under this name."""
    query = [("response-content-disposition", disposition("attachment", filename))] if filename else []
    url = settings.endpoint.url_of(bucket, key)
    return signing.presign(settings.credentials, settings.region, utcnow(), expires, "GET", url, bucket, key, query)
