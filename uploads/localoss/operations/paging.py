"""Pages of keys and common prefixes, for objects and for multipart uploads (OSS manual: "ListObjectsV2").

Rule: the cost of a page depends on its entries alone. The keys under a common prefix are skipped, not read.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

After: TypeAlias = tuple[bytes, str]
"""The position that a scan starts after: a key, and an upload id among the uploads of that key."""

Scan: TypeAlias = Callable[[After | None], Iterator[tuple[bytes, T]]]

# Greater than every upload id: a position after all uploads of a key.
HIGH = "\U0010ffff"


def start(prefix: bytes, delimiter: bytes, marker: bytes, id_marker: str = "") -> After | None:
    """The position of the page after `marker`. A marker that is a common prefix stands for all keys under it."""
    if not marker:
        return None
    if common_prefix(marker, prefix, delimiter) == marker:
        return beyond(marker)
    return marker, id_marker or HIGH


def beyond(prefix: bytes) -> After:
    """The position after every key that starts with `prefix`. UTF-8 never has the byte FF."""
    return prefix + b"\xff", ""


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes:
    """The key up to and including the first delimiter after the prefix; empty if there is none."""
    if not delimiter or not key.startswith(prefix):
        return b""
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else b""


def entries(scan: Scan[T], prefix: bytes, delimiter: bytes, after: After | None) -> Iterator[tuple[bytes, T | None]]:
    """The pairs (key, entry) and (common prefix, None), in the order of their bytes."""
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
