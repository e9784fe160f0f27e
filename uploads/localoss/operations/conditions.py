"""The request headers Range and If-… (OSS manual: "GetObject").

Rule: pure.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from uploads.localoss.answers import http_time, quoted
from uploads.localoss.errors import Refusal
from uploads.localoss.store.rows import StoredObject

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def is_modified(headers: Mapping[str, str], stored: StoredObject) -> bool:
    """Whether the object is to be sent; False means 304. Refusal (PreconditionFailed) if If-Match or
    If-Unmodified-Since fails.
    """
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is not None and not _names(match, stored.etag):
        raise Refusal("PreconditionFailed", {"Condition": "If-Match"})
    changed = stored.modified // 1000
    until, since = _time(headers.get("if-unmodified-since")), _time(headers.get("if-modified-since"))
    if match is None and until is not None and changed > until:
        raise Refusal("PreconditionFailed", {"Condition": "If-Unmodified-Since"})
    if none_match is not None:
        return not _names(none_match, stored.etag)
    return since is None or changed > since


def not_modified(stored: StoredObject) -> dict[str, str]:
    """The headers of a 304 response."""
    return {"ETag": quoted(stored.etag), "Last-Modified": http_time(stored.modified)}


def requested_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """The first byte and the length of the requested range; None for the whole object.

    OSS ignores a range beyond the object, unless `x-oss-range-behavior: standard` is sent; then a range that starts
    beyond it is a Refusal (InvalidRange).
    """
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    standard = headers.get("x-oss-range-behavior") == "standard"
    if not found[1]:
        length = int(found[2])
        fits = 0 < length <= size or (standard and length > 0 and size > 0)
        if fits:
            return size - min(length, size), min(length, size)
        _refuse_beyond(standard, size)
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    if first >= size:
        _refuse_beyond(standard, size)
        return None
    if last >= size:
        return (first, size - first) if standard else None
    return first, last - first + 1


def _refuse_beyond(standard: bool, size: int) -> None:
    if standard:
        raise Refusal("InvalidRange", {"ActualObjectSize": str(size)})


def _names(listed: str, etag: str) -> bool:
    return listed.strip() == "*" or etag in (item.strip().strip('"') for item in listed.split(","))


def _time(text: str | None) -> float | None:
    """Seconds since 1970; None if the date is absent or cannot be read."""
    if text is None:
        return None
    try:
        time = parsedate_to_datetime(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
