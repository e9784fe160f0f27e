"""The rules that destinations need in their bucket, as key prefixes and days.

Rule: pure. A bucket is asked nothing here; `lifecycle_rules` and `overwrite_rules` join these with what it has.
"""

from collections.abc import Iterable

from uploads.domain.destination import Destination, outermost_prefixes

SECONDS_PER_DAY = 86_400
MARGIN_DAYS = 7
"""OSS counts from the begin of an upload, and the expiry moves with each activity: an upload may take this many days
longer than `upload_expires`."""


def days_until_abort(destinations: Iterable[Destination]) -> dict[str, int]:
    """By key prefix, the days after which OSS shall abort an unfinished upload, because it is stale.

    OSS allows no rule inside another's prefix, so the outer prefix stands for all within it, with the longest time.
    A destination without a prefix of its own has none: the rule would abort uploads of other applications.
    """
    own = [each for each in destinations if each.has_own_prefix]
    return {
        prefix: MARGIN_DAYS + max(upload_days(each) for each in own if any(p.startswith(prefix) for p in each.prefixes))
        for prefix in outermost_prefixes(own)
    }


def days_until_expiry(destinations: Iterable[Destination]) -> dict[str, int]:
    """By staging prefix, the days after which OSS shall delete a staged object.

    It is the time of an unfinished upload, as a staged object is one that was not checked or not copied.
    """
    days: dict[str, int] = {}
    for destination in destinations:
        if destination.stage:
            prefix = destination.stage_prefix
            days[prefix] = max(days.get(prefix, 0), upload_days(destination) + MARGIN_DAYS)
    return days


def protected_prefixes(destinations: Iterable[Destination]) -> list[str]:
    """The prefixes of destinations that forbid overwriting.

    A prefix that also holds the keys of a destination that allows it is left out.
    """
    destinations = list(destinations)
    allowing = [each.prefix for each in destinations if not each.forbid_overwrite]
    return [
        prefix
        for prefix in outermost_prefixes(each for each in destinations if each.forbid_overwrite)
        if not any(other.startswith(prefix) for other in allowing)
    ]


def upload_days(destination: Destination) -> int:
    """The whole days after which an unfinished upload without activity is stale."""
    return -(-destination.upload_expires // SECONDS_PER_DAY)
