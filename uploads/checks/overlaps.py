"""Destinations whose files, or those of their users, can lie where others have theirs."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ValidationError

from uploads.conf import settings
from uploads.domain.destination import ISSUES_FOR_PREFIX, Destination
from uploads.domain.keys import user_segment
from uploads.domain.overlaps import may_begin_with, may_lie_in_own_prefix, own_prefixes_may_overlap


def bucket_of(name: str) -> tuple[str, str]:
    """The name and the region of the bucket of a place. `check_places` reports a place that is malformed."""
    try:
        return settings.place(name).at_oss
    except (ValueError, TypeError):
        return str(name), ""


def writers_of_final_keys(staged: Destination, others: Iterable[Destination]) -> list[str]:
    """The names of those of `others` whose credentials for a user's own prefix allow to write final keys of `staged`.

    All of them are in its bucket, and have sound templates.
    """
    issuing = [each for each in others if _issues_for_prefix(each)]
    return sorted(each.name for each in issuing if may_lie_in_own_prefix(staged.key, each.key, _may_be_user))


def check_own_prefixes(destinations: Sequence[Destination]) -> list[CheckMessage]:
    """What is stored below a prefix without a row is found by the search for one destination, which deletes what breaks
    its rules. All destinations have sound templates."""
    issuing = [each for each in destinations if _issues_for_prefix(each)]
    return [
        Error(
            f"Destinations {first.name!r} and {second.name!r}: credentials 'prefix' of both allow to write the same "
            "keys, and each would delete files of the other that break its rules.",
            hint="Let the keys of both begin with different directories, or use different buckets.",
            id="uploads.E048",
        )
        for first, second in combinations(issuing, 2)
        if bucket_of(first.bucket) == bucket_of(second.bucket)
        and own_prefixes_may_overlap(first.key, second.key, _may_be_user)
    ]


def keys_may_lie_below(destination: Destination, prefix: str) -> bool:
    """Whether this destination, which has a sound template, and somebody who writes below `prefix` meet."""
    known = [each for each in destination.prefixes if isinstance(each, str)]
    if any(each.startswith(prefix) or (each and prefix.startswith(each)) for each in known):
        return True
    return not destination.prefix and may_begin_with(destination.key, prefix, _may_be_user)


def _issues_for_prefix(destination: Destination) -> bool:
    return destination.credentials == ISSUES_FOR_PREFIX and not destination.stage


def _may_be_user(segment: str) -> bool:
    """Whether a user's primary key may give this segment of a key."""
    try:
        return user_segment(get_user_model()._meta.pk.to_python(segment)) == segment
    except ValidationError:
        return False
