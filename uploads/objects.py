"""Reads one finished object, by bucket and key: as a file here, or through a presigned URL in a browser.

Rule: a reader sees the object as it was when it was opened; if the object is replaced meanwhile, reading fails. Names,
prefixes and writing belong to `storage.py`, which is built on this.
"""

import io
import os
from typing import TYPE_CHECKING

from uploads.connection import oss_now
from uploads.domain.options import disposition
from uploads.domain.places import Place
from uploads.oss.client import OssClient
from uploads.oss.messages import Completed
from uploads.oss.signing import OssRequest, presign

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 1024 * 1024
READ_ALL_BYTES = 8 * BUFFER_BYTES
"""Bytes of each request for the rest of an object."""


class ObjectReader(io.RawIOBase):
    """A seekable file over one object. Each read is one GetObject with a Range, of the ETag that was found at first.

    Raises OssError with the code PreconditionFailed when the object was replaced.
    """

    def __init__(self, client: OssClient, bucket: str, key: str, found: Completed) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._etag, self._size, self._position = found.etag, found.size or 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._position)
        if length <= 0:
            return 0
        content = self._client.get_range(self._bucket, self._key, self._position, length, self._etag)
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def readall(self) -> bytes:
        # RawIOBase reads 8 KiB at a time here, each with a request.
        pieces = []
        while piece := self.read(READ_ALL_BYTES):
            pieces.append(piece)
        return b"".join(pieces)


def open_object(client: OssClient, bucket: str, key: str) -> io.BufferedReader:
    """The object as a binary file, opened for reading and buffered. Raises NotFound, and other errors of OSS."""
    return io.BufferedReader(ObjectReader(client, bucket, key, client.head(bucket, key)), BUFFER_BYTES)


def download_url(place: Place, key: str, expires: int, filename: str = "", *, kind: str = "attachment") -> str:
    """A presigned URL for GetObject, valid for `expires` seconds, or as long as the credentials behind it.

    `filename`: the browser saves it under this name, or with the `kind` `inline` shows it if it can.
    Raises CredentialsUnavailable.
    See https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls.
    """
    query = [("response-content-disposition", disposition(kind, filename))] if filename else []
    context, request = place.signing(oss_now(place)), OssRequest("GET", place.bucket, key, query)
    return presign(context, request, place.endpoint.url_of(place.bucket, key), context.life(expires))
