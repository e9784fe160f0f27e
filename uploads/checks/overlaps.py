"""Destinations whose users can write to the final keys of a staged destination."""

from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from uploads.domain.destination import ISSUES_FOR_PREFIX, Destination
from uploads.domain.keys import user_segment
from uploads.domain.overlaps import may_lie_in_own_prefix


def writers_of_final_keys(staged: Destination, others: Iterable[Destination]) -> list[str]:
    """The names of those of `others` whose credentials for a user's own prefix allow to write final keys of `staged`.

    All of them are in its bucket, and have sound templates.
    """
    issuing = [each for each in others if each.credentials == ISSUES_FOR_PREFIX and not each.stage]
    return sorted(each.name for each in issuing if may_lie_in_own_prefix(staged.key, each.key, _may_be_user))


def _may_be_user(segment: str) -> bool:
    """Whether a user's primary key may give this segment of a key."""
    try:
        return user_segment(get_user_model()._meta.pk.to_python(segment)) == segment
    except ValidationError:
        return False
