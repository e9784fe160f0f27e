"""The plan of an upload: from the file's size to the size and number of its parts.

Rule: pure arithmetic on the limits in `oss.limits`. The server decides; the browser only slices the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from uploads.domain.phrase import Phrase
from uploads.domain.sizes import readable_pair
from uploads.oss.limits import GIB, MAX_OBJECT_SIZE, MAX_PART_NUMBER, MAX_PART_SIZE, MIB, MIN_PART_SIZE

SMALLEST_PART = 8 * MIB
"""In smaller parts, round trips and CORS preflights (one for each part) take too much of the time."""

GROWTH_STEP = 1000
"""Parts of a stream after which they grow."""

REFERENCE_SIZE, REFERENCE_PART = 10 * GIB, 16
"""In bytes and in MiB: 10 GiB is sent in parts of 16 MiB. The part size grows with the square root of the file's size:
a failed part loses little on a poor connection, and thousands of GiB need fewer than 10,000 parts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts 1 to `part_count`, each of `part_size` bytes but the last. A file of 0 bytes has one empty part.

    A stream has neither `size` nor `part_count` (None) before its end; its parts may have any size that OSS accepts.
    """

    size: int | None
    part_size: int
    part_count: int | None

    @property
    def is_single(self) -> bool:
        """Whether the file is sent in one request instead of a multipart upload."""
        return self.part_count == 1

    def size_of(self, number: int) -> int | None:
        """Bytes of part `number`; None for a stream. Raises ValueError for a number outside the plan."""
        last = self.part_count or MAX_PART_NUMBER
        if not 1 <= number <= last:
            raise ValueError(
                Phrase("part {number} does not exist; the parts are numbered 1 to {last}", number=number, last=last)
            )
        if self.size is None:
            return None
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def largest_stream_part(self, number: int) -> int:
        """The most bytes of a stream's part.

        After each thousand parts they may be larger by one part size, so that 10,000 parts hold long streams. The
        engine cuts its streams by the same rule (`growingStart` in frontend/src/engine/parts.ts).
        """
        steps = (number - 1) // GROWTH_STEP
        return min((steps + 1) * self.part_size, MAX_PART_SIZE)

    def numbers(self) -> Iterator[int]:
        """The numbers of all parts; for a stream, of all that there can be."""
        return iter(range(1, (self.part_count or MAX_PART_NUMBER) + 1))


def plan(size: int | None, part_size: int | None = None) -> Plan:
    """The plan for a file of `size` bytes, or for a stream (None).

    `part_size` (bytes) is raised if the file would need more than OSS's 10,000 parts. Without it, parts are of 8 MiB up
    to 2.5 GiB, 16 MiB at 10 GiB and 32 MiB at 40 GiB, in whole MiB; a stream begins with the smallest, and the client
    may send larger ones later. Raises ValueError (with a phrase) for a file beyond 10,000 parts of 5 GiB.
    """
    if size is None:
        return Plan(None, max(part_size or SMALLEST_PART, MIN_PART_SIZE), None)
    if not 0 <= size <= MAX_OBJECT_SIZE:
        most, given = readable_pair(MAX_OBJECT_SIZE, size)
        raise ValueError(Phrase("an object can have at most {most}, not {size}", most=most, size=given))
    if part_size is None:
        part_size = max(SMALLEST_PART, _ceil_sqrt(_ceil_div(size * REFERENCE_PART**2, REFERENCE_SIZE)) * MIB)
    needed = _whole_mib(_ceil_div(size, MAX_PART_NUMBER)) if size > part_size * MAX_PART_NUMBER else part_size
    part_size = min(max(needed, MIN_PART_SIZE), MAX_PART_SIZE)
    return Plan(size, part_size, max(1, _ceil_div(size, part_size)))


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def _ceil_sqrt(n: int) -> int:
    root = isqrt(n)
    return root if root * root == n else root + 1


def _whole_mib(size: int) -> int:
    return _ceil_div(size, MIB) * MIB
