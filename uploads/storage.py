"""OSS as a Django storage: names, prefixes and writing for `FileField`, `default_storage` and `collectstatic`.

    STORAGES = {
        "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "media/"}},
        "staticfiles": {
            "BACKEND": "uploads.storage.OssManifestStaticStorage",
            "OPTIONS": {"prefix": "static/", "expires": None, "acl": "public-read"},
        },
    }

Rule: for files that the server itself writes and reads. Files of browsers go straight to OSS, by the API. Reading one
object belongs to `objects.py`.
"""

import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import Any

from django.conf import settings as django_settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name
from django.utils import timezone
from django.utils.deconstruct import deconstructible

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain import options as object_options
from uploads.domain.content_types import content_type_of
from uploads.domain.keys import key_problem
from uploads.domain.places import Place
from uploads.domain.plan import plan
from uploads.objects import download_url, open_object
from uploads.oss.errors import NotFound, OssError
from uploads.oss.limits import MAX_LIST_PAGE, MIB
from uploads.oss.messages import Completed

MAX_SINGLE_PUT = 32 * MIB
"""A larger file is written by a multipart upload, a part at a time in memory."""
OPTIONS = ("acl", "cache_control", "content_disposition", "encryption", "encryption_key_id", "storage_class", "tagging")
"""Options of the objects that a storage writes, as destinations have them."""
TAKEN = "FileAlreadyExists"
"""OSS's code for x-oss-forbid-overwrite. Manual, "PutObject":
https://www.alibabacloud.com/help/en/oss/developer-reference/putobject"""
FOREVER = "public, max-age=31536000, immutable"


def options_problem(given: Mapping[str, Any]) -> str | None:
    """Why these options of objects are not allowed, in words; None if they are."""
    for name, value in sorted(given.items()):
        if name not in OPTIONS:
            return f"{name}: unknown option; the options are {', '.join(OPTIONS)}"
        if problem := object_options.problem(name, value):
            return f"{name}: {problem}"
    problem = object_options.combination_problem(given)
    return str(problem) if problem else None


@deconstructible
class OssStorage(Storage):
    """A Django storage in one bucket.

    `bucket`: a name in BUCKETS, or a bucket at the default place; OSS_BUCKET when empty. `prefix`: put before every
    name. `expires`: seconds for which a URL is valid; None for public objects, whose URLs are not signed.
    `allow_overwrite`: whether a name that exists is written again instead of getting another name. `options`: of the
    objects, see OPTIONS; a wrong one raises ImproperlyConfigured.

    A name that OSS, HTTP clients or policies do not accept raises SuspiciousFileOperation; an object that does not
    exist raises FileNotFoundError.
    """

    def __init__(
        self,
        bucket: str = "",
        prefix: str = "",
        expires: int | None = 3600,
        *,
        allow_overwrite: bool = False,
        **options: Any,
    ) -> None:
        if problem := options_problem(options):
            raise ImproperlyConfigured(f"{type(self).__name__}: {problem}.")
        self._bucket, self._prefix, self._expires = bucket, prefix, expires
        self._allow_overwrite, self._options = allow_overwrite, options

    @property
    def place(self) -> Place:
        return settings.place(self._bucket)

    @property
    def bucket(self) -> str:
        return self.place.bucket

    def _key(self, name: str) -> str:
        key = self._prefix + name.replace("\\", "/")
        if problem := key_problem(key):
            raise SuspiciousFileOperation(f"{name!r} is not a valid name: {problem}")
        return key

    # Reading

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        """Modes: `rb`, `r` (text in UTF-8), `wb` and `w`. A file that is written replaces the object when it closes."""
        if mode in ("w", "wb"):
            return WrittenFile(self, name, mode)
        if mode not in ("r", "rb"):
            raise ValueError(f"Objects cannot be opened with mode {mode!r}, only with r, rb, w or wb.")
        try:
            reader = open_object(oss_client(self.place), self.bucket, self._key(name))
        except NotFound as error:
            raise FileNotFoundError(name) from error
        return File(reader if mode == "rb" else io.TextIOWrapper(reader, "utf-8"), name)

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """Whether a new file may have this name. A directory of the same name is no obstacle at OSS."""
        fits = not (max_length and len(name) > max_length)
        return fits and (self._allow_overwrite or not self._is_object(name))

    def exists(self, name: str) -> bool:
        """Whether there is a file or a directory with this name."""
        plain = name.replace("\\", "/").rstrip("/")
        return not plain or self._is_object(plain) or self._is_directory(plain)

    def _is_object(self, name: str) -> bool:
        try:
            oss_client(self.place).head(self.bucket, self._key(name))
        except NotFound:
            return False
        return True

    def _is_directory(self, name: str) -> bool:
        pages = oss_client(self.place).list_objects(self.bucket, self._key(f"{name}/"), page_size=1)
        return bool(next(pages).keys)

    def size(self, name: str) -> int:
        return self._found(name).size or 0

    def get_modified_time(self, name: str) -> datetime:
        """When the object was written: aware with USE_TZ, otherwise naive in the local time zone."""
        modified = self._found(name).modified
        if modified is None:
            raise FileNotFoundError(name)
        return modified.astimezone(UTC) if django_settings.USE_TZ else timezone.make_naive(modified)

    get_created_time = get_modified_time

    def _found(self, name: str) -> Completed:
        try:
            return oss_client(self.place).head(self.bucket, self._key(name))
        except NotFound as error:
            raise FileNotFoundError(name) from error

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The names of the directories and of the files directly under a path. Unknown paths are empty."""
        inside = path.replace("\\", "/").strip("/")
        folder = self._key(f"{inside}/") if inside else self._prefix
        directories, files = [], []
        for page in oss_client(self.place).list_objects(self.bucket, folder, "/", page_size=MAX_LIST_PAGE):
            directories += [prefix[len(folder) :].rstrip("/") for prefix in page.prefixes]
            files += [key[len(folder) :] for key in page.keys if key != folder]
        return directories, files

    def url(self, name: str | None) -> str:
        """A presigned URL to download, or the plain one when `expires` is None."""
        if self._expires is None:
            return self.place.endpoint.url_of(self.bucket, self._key(name) if name else self._prefix)
        return download_url(self.place, self._key(name or ""), self._expires)

    # Writing

    def _save(self, name: str, content: "File[Any]") -> str:
        """Stores the file, under another name if somebody else has stored this one in the meantime."""
        overwrite = self._allow_overwrite
        while True:
            try:
                self._write(name, content, overwrite=overwrite)
                return name
            except OssError as error:
                if error.code != TAKEN:
                    raise
                if not content.seekable():  # Its bytes are gone.
                    raise FileExistsError(name) from error
            available = self.get_available_name(name)
            overwrite = overwrite or available == name  # A subclass wants this name and no other.
            name = available

    def _write(self, name: str, content: "File[Any]", *, overwrite: bool) -> None:
        client, key = oss_client(self.place), self._key(name)
        options = {**self._options, "forbid_overwrite": not overwrite}
        begin, end = self._headers(name, content, options), object_options.completion_headers(options)
        size = _size(content)
        is_large = size is not None and size > MAX_SINGLE_PUT
        pieces = _pieces(content, plan(size).part_size if is_large else MAX_SINGLE_PUT)
        first = next(pieces, b"")
        second = next(pieces, None)
        if second is None and not is_large:
            client.put_object(self.bucket, key, first, {**begin, **end})
            return
        upload_id = client.initiate(self.bucket, key, begin)
        try:
            parts = [client.upload_part(self.bucket, key, upload_id, 1, first)]
            for number, piece in enumerate(chain([] if second is None else [second], pieces), 2):
                parts.append(client.upload_part(self.bucket, key, upload_id, number, piece))
            client.complete(self.bucket, key, upload_id, parts, end)
        except BaseException:
            client.abort(self.bucket, key, upload_id)
            raise

    def _headers(self, name: str, content: "File[Any]", options: Mapping[str, Any]) -> dict[str, str]:
        given = getattr(content, "content_type", None)
        return object_options.object_headers(
            options,
            filename=name.rpartition("/")[2],
            content_type=content_type_of(name, given),
            metadata={},
            begun=datetime.now(UTC),
        )

    def delete(self, name: str) -> None:
        """Deletes the object. One that does not exist is no error."""
        if not name:
            raise ValueError("The name must be given to delete().")
        oss_client(self.place).delete_object(self.bucket, self._key(name))


class StaticOssStorage(OssStorage):
    def url(self, name: str | None) -> str:
        """Style sheets refer to `font.eot?v=4` and `font.eot?#iefix`: the query is none of the name's."""
        path, mark, query = (name or "").partition("?")
        return super().url(path) + mark + query


class OssManifestStaticStorage(ManifestFilesMixin, StaticOssStorage):  # type: ignore[misc]
    """For `STORAGES["staticfiles"]`: names with a hash of the content, which browsers keep for a year.

    It takes the options of OssStorage, but overwrites by default. `cache_control` is for the files without a hash.
    """

    HASHED = re.compile(r"\.[0-9a-f]{12}(\.|$)")

    def __init__(self, *args: Any, allow_overwrite: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, allow_overwrite=allow_overwrite, **kwargs)

    def _headers(self, name: str, content: "File[Any]", options: Mapping[str, Any]) -> dict[str, str]:
        if self.HASHED.search(name):
            options = {**options, "cache_control": FOREVER}
        return super()._headers(name, content, options)


class WrittenFile(File):  # type: ignore[type-arg]
    """What is written to it becomes the object when it is closed, but not when the `with` block fails."""

    def __init__(self, storage: OssStorage, name: str, mode: str) -> None:
        validate_file_name(name, allow_relative_path=True)
        self._written = SpooledTemporaryFile(max_size=MAX_SINGLE_PUT)  # noqa: SIM115 (closed by `close`)
        super().__init__(self._written, name)
        self.mode, self._storage = mode, storage

    def write(self, content: Any) -> int:
        return int(self._written.write(content.encode() if isinstance(content, str) else content))

    def close(self) -> None:
        if not self.closed:
            try:
                self._written.seek(0)
                self._storage._write(str(self.name), self, overwrite=True)
            finally:
                super().close()

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind:
            super().close()
        else:
            self.close()


def _size(content: "File[Any]") -> int | None:
    """Bytes of the content; None where only reading it tells."""
    try:
        return int(content.size)
    except (AttributeError, TypeError):
        return None


def _pieces(content: "File[Any]", size: int) -> Iterator[bytes]:
    """The bytes of the content, `size` at a time; text is encoded in UTF-8."""
    gathered = bytearray()
    for chunk in content.chunks():
        gathered += chunk.encode() if isinstance(chunk, str) else chunk
        while len(gathered) >= size:
            yield bytes(gathered[:size])
            del gathered[:size]
    if gathered:
        yield bytes(gathered)
