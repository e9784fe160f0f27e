"""Whether OSS confirms this machine's clock, by which the sweep counts days and writes when its next attempts follow.

Rule: a difference of up to 24 hours is no matter here: what needs OSS's time adds it.
"""

from uploads.conf import settings
from uploads.domain.errors import UploadError
from uploads.domain.places import Place
from uploads.oss.clock import MAX_OFFSET
from uploads.oss.endpoint import Endpoint
from uploads.services.common import storage_errors
from uploads.services.transactions import oss_client

WRONG_CLOCK = (
    "Nothing is done, because this machine's clock differs from OSS's by more than 24 hours. Correct the clock."
)
CONTRADICTED, UNKNOWN = "refused", "failed"

Problem = tuple[str, str]
"""CONTRADICTED or UNKNOWN, and the reason."""


def unconfirmed_clocks() -> dict[str, Problem]:
    """Ask OSS for its time, once for each endpoint: the destinations whose OSS does not confirm the clock, by name.

    Call it before you read the time that it is about.
    """
    answers: dict[Endpoint, Problem | None] = {}
    found = {}
    for destination in settings.destinations.values():
        place = settings.place(destination.bucket)
        if place.internal_endpoint not in answers:
            answers[place.internal_endpoint] = _problem(place)
        if problem := answers[place.internal_endpoint]:
            found[destination.name] = problem
    return found


def is_wrong(unconfirmed: dict[str, Problem]) -> bool:
    """Whether every OSS that has told its time contradicts the clock. If one confirms it, another one's is wrong."""
    told = [name for name in settings.destinations if unconfirmed.get(name, ("", ""))[0] != UNKNOWN]
    return bool(told) and all(name in unconfirmed for name in told)


def _problem(place: Place) -> Problem | None:
    try:
        with storage_errors():
            difference = oss_client(place).synchronize()
    except UploadError as error:
        return UNKNOWN, f"Nothing is deleted, because OSS's time is not known. {error.advice}"
    if difference is None:
        return UNKNOWN, "Nothing is deleted, because OSS's time is not known: what answered is not OSS."
    return (CONTRADICTED, WRONG_CLOCK) if abs(difference) > MAX_OFFSET else None
