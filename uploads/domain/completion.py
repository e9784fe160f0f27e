"""What to do next with an upload that is to end: one pure function, `decide`.

The service looks, decides, acts and looks again until there is an outcome. Single and batch completion, callbacks,
the sweep and the detection of unreported uploads all share it.

Rule: no I/O, no clock, no Django. Before OSS is asked to complete, the row is claimed and holds what the object must
turn out to be (`expected`). So whoever comes later, after a lost answer or a killed worker, can tell by a HeadObject
how it ended. An object's key holds the upload's id: an object with this key came from this upload. If it is not what
the destination demands, the upload fails and the object is removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from uploads.domain.attributes import Difference, attribute_differences
from uploads.domain.errors import (
    Conflict,
    OverQuota,
    PartsMissing,
    TooLarge,
    UploadError,
    UploadGone,
    WrongState,
)
from uploads.domain.expectations import actual, expected_of_object, expected_of_parts, mismatch
from uploads.domain.parts import NO_REPORT, ClientReport, FilePlan, parts_to_complete
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.oss.messages import Completed, Part


class Unknown(Enum):
    """OSS has not been asked yet."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an upload that is to end."""

    state: State
    is_multipart: bool
    file: FilePlan
    report: ClientReport = NO_REPORT
    expected: Mapping[str, str] | None = None
    """What the object must be, from the row: `etag`, `crc64`, `client_crc64`. Before the claim, the last of them alone
    counts: what the client said of its file before it was sent."""
    required: Mapping[str, str] = field(default_factory=dict)
    """The attributes that the object must have, by `domain.attributes`."""
    is_protected: bool = False
    """OSS refuses a second object with this key: what is there stays until it is removed."""
    parts: Sequence[Part] | Unknown | None = UNKNOWN
    """ListParts; None: OSS does not know the multipart upload (any more)."""
    found: Completed | Unknown | None = UNKNOWN
    """HeadObject, or OSS's answer to Complete; None: there is no object. Asked after `parts`, where both are known."""
    is_staged: bool = False
    """The object lies below a staging prefix, and is to be checked and copied."""
    in_stages: bool = False
    """The staged object was accepted: its stage says how far it is."""
    object_confirmed: bool = False
    """Somebody has seen the object: look there first."""
    answer_lost: bool = False
    """OSS was asked to complete and did not answer: it may still be at it."""
    refusal: UploadError | None = None
    """OSS was asked to complete and refused."""
    key_taken: bool = False
    """It refused because there is an object with this key."""


# The actions


@dataclass(frozen=True, slots=True)
class LookAtParts:
    """Ask OSS for ListParts."""


@dataclass(frozen=True, slots=True)
class LookAtObject:
    """Ask OSS for HeadObject."""


@dataclass(frozen=True, slots=True)
class AbortParts:
    """The object was made by other means: let OSS drop the parts of the multipart upload."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Move to `completing`, and write down what the object must turn out to be."""

    expected: Mapping[str, str]
    size: int | None


@dataclass(frozen=True, slots=True)
class Complete:
    """Ask OSS for CompleteMultipartUpload with these parts."""

    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Finish:
    """The object is there, as it should be: move to `completed`."""

    done: Completed


@dataclass(frozen=True, slots=True)
class Accept:
    """The staged object is there, as it should be: its checks begin (`domain.staging`)."""

    done: Completed


@dataclass(frozen=True, slots=True)
class Fail:
    """It cannot end well: move to `failed`, and remove what OSS holds. `found`: the object that is there."""

    error: UploadError
    found: Completed | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """OSS did not complete, and the parts are there: move back to `uploading`."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """An outcome: the caller is told why not."""

    error: UploadError


@dataclass(frozen=True, slots=True)
class Stop:
    """An outcome: the upload as it is, `completed`, or `completing` while only OSS knows or its stages continue."""


Action = LookAtParts | LookAtObject | AbortParts | Claim | Complete | Finish | Accept | Fail | Reopen | Refuse | Stop

_WORDS = {
    State.UPLOADING: Phrase("The upload is not finished yet."),
    State.COMPLETING: Phrase("The upload is being completed."),
    State.COMPLETED: Phrase("The upload is already completed."),
    State.ABORTED: Phrase("The upload was aborted. Start a new upload."),
    State.FAILED: Phrase("The upload has failed. Start a new upload."),
    State.DELETED: Phrase("The upload was completed, and its object was deleted. Start a new upload."),
}


def wrong_state(state: State) -> WrongState:
    """The error for an upload whose state does not allow what was asked."""
    return WrongState(_WORDS[state], errors={"state": [state.value]})


# The decision


def decide(facts: Facts) -> Action:
    """What to do next. Each action adds to the facts, so that repeating this ends with Refuse or Stop."""
    if facts.state == State.COMPLETED and facts.file.is_stream and facts.report.size not in (None, facts.file.size):
        return Refuse(wrong_state(facts.state))  # It was kept by somebody who did not have all of it.
    if facts.state == State.COMPLETED or (facts.state == State.COMPLETING and facts.in_stages):
        return Stop()
    if facts.state not in (State.UPLOADING, State.COMPLETING):
        return Refuse(wrong_state(facts.state))
    return _decide_multipart(facts) if facts.is_multipart else _decide_single(facts)


def _decide_single(facts: Facts) -> Action:
    """One request brought the whole file: there are no parts to put together."""
    if facts.found is UNKNOWN:
        return LookAtObject()
    if facts.found is None:
        return _send_again(facts, Phrase("The file has not arrived at OSS: send it."))
    if not facts.file.is_stream and facts.found.size != facts.file.size and not facts.is_protected:
        held, size = facts.found.size, facts.file.size
        return _send_again(
            facts, Phrase("OSS has {held} bytes instead of {size}: send the file again.", held=held, size=size)
        )
    return _end(facts, facts.found)


def _send_again(facts: Facts, detail: Phrase) -> Action:
    return _reopened(facts, PartsMissing(detail, errors={"parts": [1]}))


def _reopened(facts: Facts, error: UploadError) -> Action:
    """The client must send something again, so the upload has to be open."""
    return Reopen() if facts.state == State.COMPLETING else Refuse(error)


def _decide_multipart(facts: Facts) -> Action:
    if facts.key_taken:
        return _decide_taken(facts)
    if facts.refusal is not None:
        return Refuse(facts.refusal) if facts.refusal.retryable else _reopened(facts, facts.refusal)
    if facts.found is UNKNOWN and (facts.object_confirmed or facts.answer_lost):
        return LookAtObject()
    if isinstance(facts.found, Completed) and _is_result(facts, facts.found):
        return _end(facts, facts.found)
    if facts.answer_lost:
        return Stop()
    if facts.parts is UNKNOWN:
        return LookAtParts()
    if facts.parts is None:
        return LookAtObject() if facts.found is UNKNOWN else Fail(_gone())
    try:
        parts = parts_to_complete(facts.file, facts.parts, facts.report)
    except PartsMissing as error:
        # A client with temporary credentials may have finished the file by other means.
        return LookAtObject() if facts.found is UNKNOWN else _reopened(facts, error)
    except (TooLarge, OverQuota) as error:
        # More bytes than allowed are there, and more parts do not help. Failing removes them.
        return Fail(error)
    except UploadError as error:
        return Refuse(error)
    if facts.state == State.UPLOADING:
        return Claim(expected_of_parts(parts, _full_report(facts)), sum(part.size for part in parts))
    return Complete(parts)


def _decide_taken(facts: Facts) -> Action:
    """OSS was asked twice and its first answer was lost, or somebody put another object there."""
    if facts.found is UNKNOWN:
        return LookAtObject()
    if facts.found is not None:
        return _end(facts, facts.found)
    return _reopened(facts, facts.refusal or _taken())


def _is_result(facts: Facts, found: Completed) -> bool:
    """Whether this object is what the upload was to become, whoever finished it."""
    if found.size is None:
        return True  # OSS's own answer to Complete.
    if facts.state == State.COMPLETING and facts.expected:
        # Another object may have been there before; only without parts is it certain that OSS made this one of them.
        return facts.parts is None or not _differences(facts, found)
    size = facts.file.size_reported(facts.report)
    return found.size == size or (size is None and (facts.parts is None or facts.parts is UNKNOWN))


def _end(facts: Facts, found: Completed) -> Action:
    """The object is there: claim the upload if nobody did before, and record the end."""
    if facts.state == State.UPLOADING:
        if error := facts.file.beyond_limits(found.size):
            return Fail(error, found)
        if facts.is_multipart and facts.parts is not None:
            return AbortParts()
        size = found.size if facts.file.is_stream else facts.file.size
        return Claim(expected_of_object(found, _full_report(facts)), size)
    wrong = _all_differences(facts, found)
    if wrong:
        return Fail(mismatch(wrong), found)
    return Accept(found) if facts.is_staged else Finish(found)


def _full_report(facts: Facts) -> ClientReport:
    """The report, with the checksum that the client gave earlier if it has none now, as that of a callback."""
    known = (facts.expected or {}).get("client_crc64", "")
    return facts.report if facts.report.crc64 or facts.report.keep else replace(facts.report, crc64=known)


def _differences(facts: Facts, found: Completed) -> dict[str, Difference]:
    """Where the object's bytes are not those expected, as far as OSS tells."""
    held = actual(found)
    expected = (facts.expected or {}).items()
    return {name: (value, held[name]) for name, value in expected if held[name] not in ("", value)}


def _all_differences(facts: Facts, found: Completed) -> dict[str, Difference]:
    """Where the object is not what it must be: its bytes, its size, its attributes."""
    wrong = _differences(facts, found)
    size = facts.file.size
    if size is not None and found.size is not None and found.size != size:
        wrong["size"] = (str(size), str(found.size))
    return wrong | attribute_differences(facts.required, found.headers)


def _gone() -> UploadGone:
    return UploadGone(Phrase("OSS no longer has this upload and its parts. Start a new upload."))


def _taken() -> Conflict:
    return Conflict(Phrase("An object with this key exists and must not be overwritten."))
