"""The plan: from a file's size to its part size and parts.

Rule: pure arithmetic; OSS's limits come from `oss.limits`. The browser only slices, the server decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from uploads.domain.phrase import Phrase
from uploads.oss.limits import GIB, MAX_OBJECT_SIZE, MAX_PART_NUMBER, MAX_PART_SIZE, MIB, MIN_PART_SIZE

SMALLEST_PART = 8 * MIB
"""Below this, round trips and preflights (one a part, see the protocol's section on browsers) cost too much."""

REFERENCE_SIZE, REFERENCE_PART = 10 * GIB, 16
"""Bytes and MiB: 10 GiB goes in parts of 16 MiB. From there the part grows with the root of the size, so that
a bad line loses little with each failed part, and still thousands of gigabytes stay under 10,000 parts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts 1 … `part_count`, each `part_size` bytes but the last. A size of 0 is one empty part.

    A stream has no size before its end (`size` and `part_count` None): its parts may have any size that OSS takes.
    """

    size: int | None
    part_size: int
    part_count: int | None

    @property
    def is_single(self) -> bool:
        """Whether the file goes in one request instead of a multipart upload."""
        return self.part_count == 1

    def size_of(self, number: int) -> int | None:
        """Bytes of part `number`; None in a stream. Raises ValueError for a number outside the plan."""
        last = self.part_count or MAX_PART_NUMBER
        if not 1 <= number <= last:
            raise ValueError(Phrase("there is no part {number}: the parts are 1 to {last}", number=number, last=last))
        if self.size is None:
            return None
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def numbers(self) -> Iterator[int]:
        """Of a stream: all that there may be."""
        return iter(range(1, (self.part_count or MAX_PART_NUMBER) + 1))


def plan(size: int | None, part_size: int | None = None) -> Plan:
    """The plan for `size` bytes; `part_size` is a wish, raised where OSS's 10,000 parts would not do.

    Without a wish: 8 MiB up to 2.5 GiB, 16 MiB at 10 GiB, 32 MiB at 40 GiB, in whole MiB. A size that no
    multipart upload can hold (beyond 10,000 × 5 GiB) is a ValueError. A stream (None) begins with small parts, so
    that the first is soon there; who sends it may let them grow.
    """
    if size is None:
        return Plan(None, max(part_size or SMALLEST_PART, MIN_PART_SIZE), None)
    if not 0 <= size <= MAX_OBJECT_SIZE:
        raise ValueError(Phrase("an object holds 0 to {most} bytes, not {size}", most=MAX_OBJECT_SIZE, size=size))
    if part_size is None:
        part_size = max(SMALLEST_PART, _ceil_sqrt(_ceil_div(size * REFERENCE_PART**2, REFERENCE_SIZE)) * MIB)
    needed = _whole_mib(_ceil_div(size, MAX_PART_NUMBER)) if size > part_size * MAX_PART_NUMBER else part_size
    part_size = min(max(part_size, needed, MIN_PART_SIZE), MAX_PART_SIZE)
    return Plan(size, part_size, max(1, _ceil_div(size, part_size)))


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _ceil_sqrt(n: int) -> int:
    root = isqrt(n)
    return root if root * root == n else root + 1


def _whole_mib(size: int) -> int:
    return _ceil_div(size, MIB) * MIB
