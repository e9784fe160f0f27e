"""How much one file and one user may bring to a destination.

Rule: pure; whoever asks has counted. Each refusal names the field, the limit and what would fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uploads.domain.errors import OverQuota, TooLarge
from uploads.domain.phrase import Phrase
from uploads.domain.sizes import readable, readable_pair
from uploads.oss.limits import GIB

DEFAULT_RESERVATION = 10 * GIB
"""Bytes that a file of unknown size reserves of a quota where the destination has no `max_size`."""
GROWTH_STEP = 1000
"""Parts of a stream that have the same size: after each thousand they are larger by one part size."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a user has at one destination: unfinished uploads, and bytes begun within 24 hours."""

    active: int = 0
    size: int = 0

    def plus(self, size: int) -> "Usage":
        """With one more upload of `size` bytes."""
        return Usage(self.active + 1, self.size + size)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a user may have at one destination; None: no limit."""

    max_active: int | None = None
    max_bytes_per_day: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is anything to count."""
        return self.max_active is not None or self.max_bytes_per_day is not None


def check_quota(limits: Limits, usage: Usage, size: int) -> None:
    """Raises OverQuota if an upload of `size` bytes on top of `usage` would be too much."""
    if limits.max_active is not None and usage.active >= limits.max_active:
        detail = Phrase(
            "You have {count} unfinished uploads; the limit is {most}. Finish or abort one first.",
            count=usage.active,
            most=limits.max_active,
        )
        raise OverQuota(detail, errors={"destination": [detail]})
    if limits.max_bytes_per_day is not None and usage.size + size > limits.max_bytes_per_day:
        limit = limits.max_bytes_per_day
        left = max(0, limit - usage.size)
        detail = Phrase("You may upload {most} in 24 hours; {left} remain.", most=readable(limit), left=readable(left))
        raise OverQuota(detail, errors={"size": [detail]}, sizes={"limit": limit, "left": left, "size": size})


def too_large(destination: str, max_size: int, size: int) -> TooLarge:
    """The error for a file of `size` bytes where `max_size` is the limit."""
    most, given = readable_pair(max_size, size)
    detail = Phrase(
        "The destination {name!r} accepts files of at most {most}; this one has {size}.",
        name=destination,
        most=most,
        size=given,
    )
    return TooLarge(detail, errors={"size": [detail]}, sizes={"limit": max_size, "size": size})


# Reservations of files whose size is unknown


def reservation(limits: Limits, usage: Usage, max_size: int | None) -> int | None:
    """The bytes that a file of unknown size may have; None: any number. Raises OverQuota if nothing is left.

    Where bytes are limited it is `max_size`, or what is left of the quota if that is less.
    """
    check_quota(limits, usage, 1)
    if limits.max_bytes_per_day is None:
        return max_size
    return min(limits.max_bytes_per_day - usage.size, DEFAULT_RESERVATION if max_size is None else max_size)


def beyond_reservation(reserved: int) -> OverQuota:
    """The error for a file of unknown size that has grown beyond its reservation."""
    detail = Phrase(
        "This upload may have at most {most}. That was left of the limits when it began.", most=readable(reserved)
    )
    return OverQuota(detail, errors={"size": [detail]}, sizes={"limit": reserved})


def beyond_limits(
    destination: str, max_size: int | None, reserved: int | None, size: int
) -> TooLarge | OverQuota | None:
    """Why a file of unknown size may not have `size` bytes: TooLarge, OverQuota, or None if it may."""
    if max_size is not None and size > max_size:
        return too_large(destination, max_size, size)
    return beyond_reservation(reserved) if reserved is not None and size > reserved else None


def room(reserved: int, part_size: int, numbers: Sequence[int], held: Mapping[int, int]) -> list[int]:
    """For each part number the bytes that a part may have within the reservation; not positive if there are none.

    `held`: the bytes of the parts that OSS has, by number. A part below the requested one that OSS does not have counts
    in full: it may have been signed.
    """
    before, after = [0], [sum(held.values())]
    for number in range(1, max(numbers, default=0) + 1):
        size = held.get(number)
        before.append(before[-1] + (part_size * (1 + (number - 1) // GROWTH_STEP) if size is None else size))
        after.append(after[-1] - (size or 0))
    return [reserved - before[number - 1] - after[number] for number in numbers]
