"""Sizes as people read them. Decimal, as the page and OSS's console show them: 1 MB is 1,000,000 bytes."""

from uploads.domain.phrase import Phrase

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def readable(count: int) -> Phrase:
    """`count` bytes as "999 bytes", "1.5 kB" or "500 MB". Rounded down, so that a limit is not shown as larger."""
    if count < 1000:
        return _exact(count)
    power = min((len(str(count)) - 1) // 3, len(_UNITS))
    whole, rest = divmod(count, 1000**power)
    tenth = rest * 10 // 1000**power if whole < 100 else 0
    return Phrase("{amount} {unit}", amount=f"{whole}.{tenth}" if tenth else str(whole), unit=_UNITS[power - 1])


def readable_pair(first: int, second: int) -> tuple[Phrase, Phrase]:
    """Two sizes that a text compares: in bytes if they would look the same."""
    pair = readable(first), readable(second)
    return pair if first == second or pair[0] != pair[1] else (_exact(first), _exact(second))


def _exact(count: int) -> Phrase:
    return Phrase("1 byte") if count == 1 else Phrase("{count} bytes", count=f"{count:,}")
