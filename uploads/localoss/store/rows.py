"""What the store keeps, as frozen values. Times are milliseconds since 1970; a key is text, ordered by its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bucket:
    """`cors`, `lifecycle`: the rules as XML, None without any."""

    name: str
    created: int
    acl: str = "private"
    storage_class: str = "Standard"
    cors: bytes | None = None
    lifecycle: bytes | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes on disk under a name of our own."""

    name: str
    size: int
    md5: bytes
    crc64: int

    @property
    def etag(self) -> str:
        return self.md5.hex().upper()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`headers`: whatever was sent to be kept and returned. `id` is new with every overwrite."""

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


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload under way. `sequential`: its parts must come in their order."""

    id: str
    bucket: str
    key: str
    initiated: int
    headers: Mapping[str, str] = field(default_factory=dict)
    sequential: bool = False


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of an upload under way."""

    number: int
    blob: str
    size: int
    etag: str
    crc64: int
    modified: int
