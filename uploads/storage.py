"""OSS as a Django Storage: names, prefixes and writing for `FileField` and `default_storage`.

    STORAGES = {"default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "media/"}}}

Rule: for files that the server itself writes and reads. Files of browsers go straight to OSS, by the API. Reading one
object belongs to `objects.py`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain.keys import key_problem
from uploads.domain.plan import plan
from uploads.objects import download_url, open_object
from uploads.oss.errors import NotFound
from uploads.oss.limits import MIB
from uploads.oss.messages import Completed

MAX_SINGLE_PUT = 32 * MIB
"""A larger file is written by a multipart upload, a part at a time in memory."""


@deconstructible
class OssStorage(Storage):
    """A Django storage in one bucket.

    `bucket`: OSS_BUCKET when empty. `prefix`: put before every name. `expires`: seconds for which a URL is valid; None
    for public objects, whose URLs are not signed. A name that OSS, HTTP clients or policies do not accept raises
    SuspiciousFileOperation; an object that does not exist raises FileNotFoundError.
    """

    def __init__(self, bucket: str = "", prefix: str = "", expires: int | None = 3600) -> None:
        self._bucket, self._prefix, self._expires = bucket, prefix, expires

    @property
    def bucket(self) -> str:
        return self._bucket or settings.bucket

    def _key(self, name: str) -> str:
        key = self._prefix + name.replace("\\", "/")
        if problem := key_problem(key):
            raise SuspiciousFileOperation(f"{name!r} is not a valid name: {problem}")
        return key

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError("Objects can only be opened with mode 'rb'. Use save() to write.")
        try:
            return File(open_object(oss_client(), self.bucket, self._key(name)), name)
        except NotFound as error:
            raise FileNotFoundError(name) from error

    def _save(self, name: str, content: "File[Any]") -> str:
        content_type = getattr(content, "content_type", None)
        headers = {"Content-Type": content_type} if content_type else {}
        client, key = oss_client(), self._key(name)
        size = content.size
        if size <= MAX_SINGLE_PUT:
            client.put_object(self.bucket, key, b"".join(_pieces(content, MAX_SINGLE_PUT)), headers)
            return name
        upload_id = client.initiate(self.bucket, key, headers)
        try:
            parts = [
                client.upload_part(self.bucket, key, upload_id, number, piece)
                for number, piece in enumerate(_pieces(content, plan(size).part_size), 1)
            ]
            client.complete(self.bucket, key, upload_id, parts)
        except BaseException:
            client.abort(self.bucket, key, upload_id)
            raise
        return name

    def delete(self, name: str) -> None:
        oss_client().delete_object(self.bucket, self._key(name))

    def exists(self, name: str) -> bool:
        try:
            oss_client().head(self.bucket, self._key(name))
        except NotFound:
            return False
        return True

    def size(self, name: str) -> int:
        return self._found(name).size or 0

    def get_modified_time(self, name: str) -> datetime:
        modified = self._found(name).modified
        if modified is None:
            raise FileNotFoundError(name)
        return modified

    get_created_time = get_modified_time

    def _found(self, name: str) -> Completed:
        try:
            return oss_client().head(self.bucket, self._key(name))
        except NotFound as error:
            raise FileNotFoundError(name) from error

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The names of the directories and of the files directly under a path."""
        folder = self._prefix + path.strip("/") + "/" if path.strip("/") else self._prefix
        directories, files = [], []
        for page in oss_client().list_objects(self.bucket, folder, "/"):
            directories += [prefix[len(folder) :].rstrip("/") for prefix in page.prefixes]
            files += [key[len(folder) :] for key in page.keys if key != folder]
        return directories, files

    def url(self, name: str | None) -> str:
        """A presigned URL to download, or the plain one when `expires` is None."""
        key = self._key(name or "")
        if self._expires is None:
            return settings.endpoint.url_of(self.bucket, key)
        return download_url(self.bucket, key, self._expires)


def _pieces(content: IO[Any], size: int) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(size):
        yield piece.encode() if isinstance(piece, str) else piece
