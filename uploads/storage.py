"""OSS as a Django Storage: read and write finished objects by `FileField` and `default_storage`.

    STORAGES = {"default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "media/"}}}

Rule: this is for what the server itself writes and reads; what browsers bring goes straight to OSS, by the API.
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

ONE_REQUEST = 32 * MIB
"""Beyond this a file goes in parts, so that a failure costs a part alone."""


@deconstructible
class OssStorage(Storage):
    """`bucket`: the site's where empty. `prefix`: before every name. `expires`: seconds that `url()` lives; None where
    the objects are public and URLs are plain."""

    def __init__(self, bucket: str = "", prefix: str = "", expires: int | None = 3600) -> None:
        self._bucket, self._prefix, self._expires = bucket, prefix, expires

    @property
    def bucket(self) -> str:
        return self._bucket or settings.bucket

    def _key(self, name: str) -> str:
        key = self._prefix + name.replace("\\", "/")
        if problem := key_problem(key):
            raise SuspiciousFileOperation(f"{name!r} will not do as a name: {problem}")
        return key

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError("Objects are opened for reading, in binary: 'rb'. To write, save().")
        try:
            return File(open_object(oss_client(), self.bucket, self._key(name)), name)
        except NotFound as error:
            raise FileNotFoundError(name) from error

    def _save(self, name: str, content: "File[Any]") -> str:
        content_type = getattr(content, "content_type", None)
        headers = {"Content-Type": content_type} if content_type else {}
        client, key = oss_client(), self._key(name)
        size = content.size
        if size <= ONE_REQUEST:
            client.put_object(self.bucket, key, b"".join(_pieces(content, ONE_REQUEST)), headers)
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
        """Directories and files right under a path."""
        folder = self._prefix + path.strip("/") + "/" if path.strip("/") else self._prefix
        directories, files = [], []
        for page in oss_client().list_objects(self.bucket, folder, "/"):
            directories += [prefix[len(folder) :].rstrip("/") for prefix in page.prefixes]
            files += [key[len(folder) :] for key in page.keys if key != folder]
        return directories, files

    def url(self, name: str | None) -> str:
        key = self._key(name or "")
        plain = settings.endpoint.url_of(self.bucket, key)
        return plain if self._expires is None else download_url(self.bucket, key, self._expires)


def _pieces(content: IO[Any], size: int) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(size):
        yield piece.encode() if isinstance(piece, str) else piece
