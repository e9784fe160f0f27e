"""What the key and the headers of an object say of its upload."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from uploads.domain.names import clean_relative_path

_IDS = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
"""The field {uuid} in a key: the id of the upload that the key was made for."""
_METADATA = "x-oss-meta-"


def is_storable(key: str) -> bool:
    """Whether every database can hold this key. PostgreSQL refuses the character NUL, in queries as well."""
    return "\0" not in key


def upload_ids(keys: Sequence[str]) -> dict[str, UUID]:
    """The id in each key that has one, by key."""
    return {key: UUID(found[-1]) for key in keys if (found := _IDS.findall(key))}


def relative_path(path: str) -> str:
    """The path of a file in a folder, as a row holds it; empty for a single name."""
    try:
        return clean_relative_path(path) if "/" in path else ""
    except ValueError:
        return ""


def object_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """What the headers of an object say of its metadata."""
    return {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
