"""Options of an object besides its bytes: access, caching, storage class, encryption, tags, speed limit.

Rule: pure. One table says which values an option may have. This module also decides which request carries an option:
OSS accepts most of them only when an upload begins.

OSS's manual: https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from uploads.domain.names import without_direction_controls
from uploads.domain.phrase import Phrase
from uploads.oss.limits import MAX_TRAFFIC_LIMIT, MIN_TRAFFIC_LIMIT

ACLS = ("default", "private", "public-read", "public-read-write")
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
ENCRYPTIONS = ("AES256", "KMS", "SM4")
DATA_ENCRYPTIONS = ("SM4",)
"""Where KMS encrypts the keys. Without it OSS encrypts the bytes by AES256."""
MAX_EXPIRES = 10 * 366 * 24 * 3600
MAX_FILENAME = 200
"""Characters of a file name in Content-Disposition: percent-encoded they fit into a header."""
_TAG = re.compile(r"[A-Za-z0-9 +\-=._:/]*")
DISPOSITIONS = ("inline", "attachment")
MAX_TAGS, MAX_TAG_NAME, MAX_TAG_VALUE = 10, 128, 256
MAX_HEADER_LENGTH = 1024
TRAFFIC_LIMIT = "x-oss-traffic-limit"
OBJECT_ACL = "x-oss-object-acl"

Problem = Phrase | None


def _one_of(known: Sequence[str], value: Any) -> Problem:
    return None if value in known else Phrase("it must be one of {known}", known=", ".join(known))


def _line(value: Any) -> Problem:
    """A header's value: no character may end the header's line."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= MAX_HEADER_LENGTH:
        return None
    return Phrase("it must be one line of at most {most} ASCII characters", most=MAX_HEADER_LENGTH)


def _flag(value: Any) -> Problem:
    return None if isinstance(value, bool) else Phrase("it must be true or false")


def _speed(value: Any) -> Problem:
    if type(value) is int and MIN_TRAFFIC_LIMIT <= value <= MAX_TRAFFIC_LIMIT:
        return None
    low, high = MIN_TRAFFIC_LIMIT, MAX_TRAFFIC_LIMIT
    return Phrase("it must be an integer from {low} to {high} ({unit})", low=low, high=high, unit="bit/s")


def _tags(value: Any) -> Problem:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        return Phrase("it must map names to values, both strings")
    if len(value) > MAX_TAGS:
        return Phrase("an object can have at most {most} tags", most=MAX_TAGS)
    for name, text in value.items():
        if not 1 <= len(name) <= MAX_TAG_NAME or len(text) > MAX_TAG_VALUE:
            return Phrase(
                "a tag's name must have 1 to {name} characters, its value at most {value}",
                name=MAX_TAG_NAME,
                value=MAX_TAG_VALUE,
            )
        if not _TAG.fullmatch(name + text):
            return Phrase("a tag may contain only the letters A to Z and a to z, digits, spaces and + - = . _ : /")
    return None


def _disposition(value: Any) -> Problem:
    """`inline`, `attachment`, or a mapping with one of them as `type`, and the `filename`."""
    if isinstance(value, Mapping):
        name = value.get("filename")
        named = isinstance(name, str) and 0 < len(name) <= MAX_FILENAME and _is_text(name)
        if set(value) == {"type", "filename"} and value["type"] in DISPOSITIONS and named:
            return None
    elif isinstance(value, str) and value in DISPOSITIONS:
        return None
    return Phrase(
        "it must be one of {known}, or map type to one of them and filename to a name of 1 to {most} characters",
        known=", ".join(DISPOSITIONS),
        most=MAX_FILENAME,
    )


def _is_text(text: str) -> bool:
    """Whether UTF-8 can express it: a half of a surrogate pair cannot be sent."""
    return text.encode("utf-8", "replace").decode() == text


def _expires(value: Any) -> Problem:
    """Seconds from the beginning of the upload, or a date."""
    if isinstance(value, str) and _date(value) is not None:
        return None
    if type(value) is int and 0 <= value <= MAX_EXPIRES:
        return None
    return Phrase(
        "it must be a number of seconds from 0 to {most}, or a date such as 2027-01-15T09:30:00Z", most=MAX_EXPIRES
    )


def _date(text: str) -> datetime | None:
    """A date of ISO 8601; UTC unless it says otherwise."""
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


CHECKS: dict[str, Callable[[Any], Problem]] = {
    "acl": partial(_one_of, ACLS),
    "storage_class": partial(_one_of, STORAGE_CLASSES),
    "tagging": _tags,
    "cache_control": _line,
    "content_disposition": _disposition,
    "expires": _expires,
    "encryption": partial(_one_of, ENCRYPTIONS),
    "encryption_key_id": _line,
    "data_encryption": partial(_one_of, DATA_ENCRYPTIONS),
    "forbid_overwrite": _flag,
    "traffic_limit": _speed,
}
"""Option → why a value is not allowed. `expires`: the date in the Expires header, or the seconds to it from the
upload's beginning. `content_disposition`: the upload's file name is added, or another. `data_encryption`: how OSS
encrypts the bytes where KMS encrypts the keys. `traffic_limit`: bit/s of each request."""

OPTIONS = frozenset(CHECKS)


def problem(name: str, value: Any) -> Problem:
    """Why this option or its value is not allowed; None if it is."""
    check = CHECKS.get(name)
    return Phrase("unknown option") if check is None else check(value)


def combination_problem(options: Mapping[str, Any]) -> Problem:
    """Why these options, each of them valid, cannot be combined; None if they can."""
    for name in ("encryption_key_id", "data_encryption"):
        if options.get(name) and options.get("encryption") != "KMS":
            return Phrase("{option} can only be set where encryption is KMS", option=name)
    return None


# Which request carries what


def object_headers(
    options: Mapping[str, Any], *, filename: str, content_type: str, metadata: Mapping[str, str], begun: datetime
) -> dict[str, str]:
    """Headers of InitiateMultipartUpload, and of PutObject and PostObject, which begin and complete in one request."""
    headers = {"Content-Type": content_type}
    if options.get("cache_control"):
        headers["Cache-Control"] = options["cache_control"]
    if options.get("content_disposition"):
        chosen = options["content_disposition"]
        kind, name = (chosen, filename) if isinstance(chosen, str) else (chosen["type"], chosen["filename"])
        headers["Content-Disposition"] = disposition(kind, name)
    if options.get("expires") is not None:
        headers["Expires"] = format_datetime(_expiry(options["expires"], begun), usegmt=True)
    if options.get("storage_class"):
        headers["x-oss-storage-class"] = options["storage_class"]
    if options.get("encryption"):
        headers["x-oss-server-side-encryption"] = options["encryption"]
    if options.get("encryption_key_id"):
        headers["x-oss-server-side-encryption-key-id"] = options["encryption_key_id"]
    if options.get("data_encryption"):
        headers["x-oss-server-side-data-encryption"] = options["data_encryption"]
    if options.get("tagging"):
        headers["x-oss-tagging"] = "&".join(f"{_tag(name)}={_tag(text)}" for name, text in options["tagging"].items())
    return {**headers, **_overwriting(options), **{f"x-oss-meta-{name}": text for name, text in metadata.items()}}


def _expiry(value: int | str, begun: datetime) -> datetime:
    if isinstance(value, str):
        return _date(value) or begun
    return begun.astimezone(UTC) + timedelta(seconds=value)


def staged(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an object while it is staged: nobody reads it, and it has no storage class that delays reading."""
    kept = ("encryption", "encryption_key_id", "data_encryption", "forbid_overwrite", "traffic_limit")
    return {"acl": "private", **{name: options[name] for name in kept if name in options}}


def completion_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """Headers of CompleteMultipartUpload, and of PutObject and PostObject."""
    acl = {OBJECT_ACL: options["acl"]} if options.get("acl") else {}
    return {**acl, **_overwriting(options)}


def traffic(options: Mapping[str, Any]) -> dict[str, str]:
    """The speed limit of every request that carries bytes: a query parameter in a URL, a field in a form."""
    return {TRAFFIC_LIMIT: str(options["traffic_limit"])} if options.get("traffic_limit") else {}


def fits_a_form(options: Mapping[str, Any]) -> bool:
    """Whether PostObject can carry these options: it has no field for tags."""
    return not options.get("tagging")


def _overwriting(options: Mapping[str, Any]) -> dict[str, str]:
    return {"x-oss-forbid-overwrite": "true"} if options.get("forbid_overwrite") else {}


def _tag(text: str) -> str:
    return quote(text, safe="")


def disposition(kind: str, filename: str) -> str:
    """A Content-Disposition header (RFC 6266). Clients that read only ASCII get underscores for other characters."""
    filename = without_direction_controls(filename)
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    named = f'{kind}; filename="{plain}"'
    return named if plain == filename else f"{named}; filename*=UTF-8''{quote(filename, safe='')}"
