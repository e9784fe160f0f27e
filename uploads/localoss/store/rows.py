"""The rows of the index.

Rule: frozen values. Times are in milliseconds since 1970, sizes in bytes. Keys are ordered by their UTF-8 bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from uploads.localoss.store.settings import BucketSettings


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket. `cors`, `lifecycle` and `overwrite` are its rules as XML; None without any."""

    name: str
    created: int
    acl: str = "private"
    storage_class: str = "Standard"
    cors: bytes | None = None
    lifecycle: bytes | None = None
    overwrite: bytes | None = None
    settings: BucketSettings = field(default_factory=BucketSettings)


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of bytes under a generated name, with its checksums."""

    name: str
    size: int
    md5: bytes
    crc64: int

    @property
    def etag(self) -> str:
        """The ETag of a part or of a PutObject: the MD5 in upper-case hex (OSS manual: "PutObject")."""
        return self.md5.hex().upper()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, or one version of it. `id` is new with every overwrite, `kind` is x-oss-object-type, `headers` are
    those stored with it. `version` is "" for an object without a version id; OSS shows "null"."""

    bucket: str
    key: str
    id: str
    size: int
    etag: str
    crc64: int
    kind: str
    modified: int
    acl: str = "default"
    content_md5: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """An open multipart upload. The parts of a `sequential` one must arrive in their order."""

    id: str
    bucket: str
    key: str
    initiated: int
    headers: Mapping[str, str] = field(default_factory=dict)
    sequential: bool = False


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of an open multipart upload."""

    number: int
    blob: str
    size: int
    etag: str
    crc64: int
    modified: int
