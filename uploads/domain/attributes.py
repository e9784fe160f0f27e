"""What an object must be besides its bytes: its headers, its metadata, its tags and its ACL.

Rule: pure. An object that OSS describes otherwise was not made by the request that the server signed. Only what OSS
tells is compared: it leaves out the number of tags for callers that may not read them, and the answer to
CompleteMultipartUpload describes nothing.

A symbolic link may point at any object of the bucket, and whoever reads it with the server's rights gets that object.
An appendable object may still grow. OSS makes both for everybody who may write the key, so neither is accepted.

Manual, "HeadObject": https://www.alibabacloud.com/help/en/oss/developer-reference/headobject
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from uploads.domain import options

ACL = options.OBJECT_ACL
STORAGE_CLASS = "x-oss-storage-class"
TAG_COUNT = "x-oss-tagging-count"
METADATA = "x-oss-meta-"
OBJECT_TYPE = "x-oss-object-type"
FILE_TYPES = ("Normal", "Multipart")
"""The types of objects that PutObject, PostObject and CompleteMultipartUpload make."""
FORCED_DOWNLOAD = "x-oss-force-download"
"""OSS adds Content-Disposition to answers of its own domains, and says so in this header."""

_ALWAYS = ("content-type", "content-disposition", "content-encoding", "content-language", "cache-control", "expires")
"""Absent means none: an object has these only if the request that made it had them."""
_WHERE_REQUIRED = (
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
)
"""Without a requirement the bucket's own encryption decides."""
_WHERE_TOLD = (ACL, STORAGE_CLASS, TAG_COUNT)

Difference = tuple[str, str]
"""The value that is required, and the value that OSS reports."""


def required_attributes(headers: Mapping[str, str], acl: str, tags: int) -> dict[str, str]:
    """The attributes of an object that was made with these request headers, in lower case.

    `acl`: one of OSS's ACLs, "" for the bucket's. `tags`: the number of tags.
    """
    names = {name.lower(): value for name, value in headers.items()}
    return {STORAGE_CLASS: "Standard", **names, ACL: acl or "default", TAG_COUNT: str(tags)}


def is_file(held: Mapping[str, str]) -> bool:
    """Whether an object with these headers, in lower case, has bytes of its own that nobody adds to.

    True where OSS does not tell.
    """
    return (held.get(OBJECT_TYPE) or FILE_TYPES[0]) in FILE_TYPES


def is_saved(held: Mapping[str, str]) -> bool:
    """Whether browsers save an object with these headers, in lower case, instead of showing it."""
    return held.get("content-disposition", "").strip().lower().startswith("attachment")


def attribute_differences(required: Mapping[str, str], held: Mapping[str, str]) -> dict[str, Difference]:
    """Attribute → the required and the reported value, where they differ; empty if OSS has not described the object.

    `held`: the headers of HeadObject in lower case, with the ACL of GetObjectACL under `ACL`.
    """
    if not held:
        return {}
    names = [*_ALWAYS, *(name for name in _WHERE_REQUIRED if name in required)]
    names += [name for name in _WHERE_TOLD if name in held and name in required]
    names += sorted({name for name in (*required, *held) if name.startswith(METADATA)})
    if FORCED_DOWNLOAD in held:
        names.remove("content-disposition")
    pairs = {name: (required.get(name, ""), held.get(name, "")) for name in names}
    wrong = {name: (must, has) for name, (must, has) in pairs.items() if _plain(name, must) != _plain(name, has)}
    return wrong if is_file(held) else {**wrong, OBJECT_TYPE: (FILE_TYPES[0], held[OBJECT_TYPE])}


def _plain(name: str, value: str) -> str:
    """The value in a form in which equal values are equal texts."""
    text = value.strip()
    if name in ("content-type", "cache-control"):
        return "".join(text.split()).lower()
    if name == "expires":
        try:
            return parsedate_to_datetime(text).isoformat()
        except ValueError:
            return text
    return text
