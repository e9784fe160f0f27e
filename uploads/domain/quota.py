"""How much one file and one user may bring to a destination.

Rule: pure; whoever asks has counted. Each refusal names the field, the limit and what would fit.
"""

from dataclasses import dataclass

from uploads.domain.errors import OverQuota, TooLarge
from uploads.domain.phrase import Phrase


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
        detail = Phrase(
            "You may upload {most} bytes in 24 hours; {left} remain.",
            most=limits.max_bytes_per_day,
            left=max(0, limits.max_bytes_per_day - usage.size),
        )
        raise OverQuota(detail, errors={"size": [detail]})


def too_large(destination: str, max_size: int, size: int) -> TooLarge:
    """The error for a file of `size` bytes where `max_size` is the limit."""
    detail = Phrase(
        "The destination {name!r} accepts files of at most {most} bytes; this one has {size}.",
        name=destination,
        most=max_size,
        size=size,
    )
    return TooLarge(detail, errors={"size": [detail]})
