"""What a row records in `error` when its upload ends: who aborted it, or why it failed.

Rule: pure. The texts are phrases, to be translated when they are read.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from uploads.domain.phrase import Phrase


class AbortedBy(StrEnum):
    """The `code` of the recorded error of an aborted upload."""

    USER = "aborted_by_user"
    ADMINISTRATOR = "aborted_by_administrator"
    EXPIRY = "expired"


TITLE = Phrase("The upload was aborted")
DETAILS = {
    AbortedBy.USER: Phrase("You aborted it in another tab or on another device."),
    AbortedBy.ADMINISTRATOR: Phrase("An administrator aborted it."),
    AbortedBy.EXPIRY: Phrase("It was not finished in time and has expired."),
}


def abort_record(by: AbortedBy) -> dict[str, Any]:
    """The `error` of a row that was aborted, in the form of `services.common.as_record`."""
    detail = DETAILS[by]
    return {"code": by.value, "title": TITLE, "detail": detail, "phrase": detail.as_json()}


def from_record(kept: Mapping[str, Any]) -> dict[str, Phrase]:
    """The title and detail of a recorded error. Older rows hold plain English."""
    detail = Phrase.from_json(kept["phrase"]) if "phrase" in kept else Phrase(str(kept.get("detail", "")))
    return {"title": Phrase(str(kept.get("title", ""))), "detail": detail}
