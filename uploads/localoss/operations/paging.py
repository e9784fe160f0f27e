"""Pages of keys with common prefixes, for objects and for uploads alike.

Rule: a page costs what it shows, however much there is: what lies under a common prefix is jumped over.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

After: TypeAlias = tuple[bytes, str]
"""What a scan starts after: a key and, among the uploads of that key, an id."""

Scan: TypeAlias = Callable[[After | None], Iterator[tuple[bytes, T]]]

# As an id: "and all uploads of that key".
HIGH = "\U0010ffff"


def start(prefix: bytes, delimiter: bytes, marker: bytes, id_marker: str = "") -> After | None:
    """Where the page after `marker` begins; a marker that is a common prefix stands for all that is under it."""
    if not marker:
        return None
    if common_prefix(marker, prefix, delimiter) == marker:
        return beyond(marker)
    return marker, id_marker or HIGH


def beyond(prefix: bytes) -> After:
    """After every key that starts with `prefix`: no UTF-8 holds the byte FF."""
    return prefix + b"\xff", ""


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes:
    """Up to and with the first delimiter after the prefix; nothing when there is none."""
    if not delimiter or not key.startswith(prefix):
        return b""
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else b""


def entries(scan: Scan[T], prefix: bytes, delimiter: bytes, after: After | None) -> Iterator[tuple[bytes, T | None]]:
    """(key, what is there) and (common prefix, None), in their order."""
    while True:
        for key, item in scan(after):
            if not key.startswith(prefix):
                return
            if common := common_prefix(key, prefix, delimiter):
                yield common, None
                after = beyond(common)
                break
            yield key, item
        else:
            return
