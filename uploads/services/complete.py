"""Complete: the parts become an object, once, whatever happens on the way.

Rule: `domain.completion.decide` says what to do next; here it is done, and what was learned is handed to it again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any

from uploads.conf import settings
from uploads.domain import completion, options
from uploads.domain.completion import UNKNOWN, Action
from uploads.domain.errors import PartsMissing, UploadError, from_storage
from uploads.domain.parts import NO_REPORT, ClientReport
from uploads.domain.states import Event, State
from uploads.models import Part, Upload, User
from uploads.models.databases import atomic, retry_deadlocks
from uploads.oss.callback import request_headers
from uploads.oss.errors import OssError, StorageError, Unreachable
from uploads.oss.messages import Completed
from uploads.oss.multipart_calls import COMPLETE_ALL
from uploads.services import outcome, staging
from uploads.services.abort import release
from uploads.services.common import as_record, callback_of, parts_at_oss
from uploads.services.completion_case import Accepts, Case
from uploads.services.credentials import forget_credentials
from uploads.services.object_checks import object_to_complete
from uploads.services.transactions import oss_client, require_no_transaction

CONCURRENT_CALLS = 8
"""Calls to OSS at once for a batch: each is a round trip."""


def complete(
    upload: Upload,
    report: ClientReport = NO_REPORT,
    *,
    actor: User | None = None,
    object_confirmed: bool = False,
    seconds: float = staging.WORK_SECONDS,
    accepts: Accepts | None = None,
) -> Upload:
    """Put the parts together, once. `object_confirmed`: somebody has seen the object, so look there first.

    `accepts`: which objects may have other attributes than the upload demands; by default none. Its bytes and its size
    are compared in any case.

    Returns the upload `completed`, or still `completing`: call again. It is so while OSS has not said how it ended, and
    while a staged file is checked and copied, for which this call takes about `seconds` at most. Safe to repeat and to
    call twice at once. Raises PartsMissing naming what OSS lacks, ObjectMismatch, Rejected, UploadGone, WrongState,
    StorageBusy, StorageRefused.
    """
    upload.refresh_from_db()
    case = Case(upload, report, object_confirmed, accepts)
    _run([case], actor, seconds)
    if case.error is not None:
        raise case.error
    return upload


def complete_many(
    uploads: Sequence[tuple[Upload, ClientReport]], *, actor: User | None = None
) -> list[Upload | UploadError]:
    """Complete many at once: each its upload or its error, in order. The rows are taken as they are handed in."""
    cases = [Case(upload, report) for upload, report in uploads]
    _run(cases, actor, staging.WORK_SECONDS)
    return [case.error or case.upload for case in cases]


def _run(cases: Sequence[Case], actor: User | None, seconds: float) -> None:
    """Decide, act, and look again, until each case has its outcome. Cases with the same action act together.

    Then the staged uploads among them are checked and copied, for `seconds` altogether.
    """
    while waiting := [case for case in cases if not case.ended]:
        groups: dict[type[Action], list[tuple[Case, Any]]] = {}
        for case in waiting:
            action = case.decide()
            groups.setdefault(type(action), []).append((case, action))
        for kind, group in groups.items():
            _ACT[kind](group, actor)
    until = monotonic() + seconds
    for index, case in enumerate(cases):
        if case.upload.stage and case.error is None and (index == 0 or monotonic() < until):
            try:
                staging.advance_stages(case.upload, actor=actor, until=until)
            except UploadError as error:
                case.refuse(error)


# The actions. Each is done for all cases that are to do it now.

_Group = Sequence[tuple[Case, Any]]


def _at_oss(group: _Group, call: Callable[[Case, Any], dict[str, Any]]) -> None:
    """Calls to OSS, side by side. What a call learns is added to its case; the database is not used in threads."""

    def one(pair: tuple[Case, Any]) -> tuple[Case, dict[str, Any] | UploadError]:
        case, action = pair
        try:
            return case, call(case, action)
        except UploadError as error:
            return case, error

    require_no_transaction()  # The threads have database connections of their own, and would not see it.
    if len(group) == 1:
        results = [one(group[0])]
    else:
        with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
            results = list(pool.map(one, group))
    for case, result in results:
        if isinstance(result, UploadError):
            case.refuse(result)
        else:
            case.learned |= result


def _look_at_parts(group: _Group, actor: User | None) -> None:
    # An object that was seen before the parts may be another by now.
    _at_oss(group, lambda case, _: {"parts": parts_at_oss(case.upload), "found": UNKNOWN})
    for case, _ in group:
        recorded = case.upload.parts.exclude(crc64="").values_list("number", "crc64")
        case.recorded_crc64 = dict(recorded)


def _look_at_object(group: _Group, actor: User | None) -> None:
    _at_oss(group, lambda case, _: {"found": _object_or_copy(case)})


def _object_or_copy(case: Case) -> Completed | None:
    found, case.is_copied = object_to_complete(case.upload)
    if found is not None and case.accepts is not None and case.accepts(case.upload, found):
        return replace(found, headers={})
    return found


def _abort_parts(group: _Group, actor: User | None) -> None:
    for case, _ in group:
        with suppress(StorageError):  # The sweep aborts what is left.
            oss_client(case.upload).abort(case.upload.bucket, case.upload.key, case.upload.upload_id)
        case.learned["parts"] = None


def _claim(group: _Group, actor: User | None) -> None:
    for case, action in group:
        case.upload.expected, case.upload.size = dict(action.expected), action.size
    _advance(group, Event.COMPLETE, ("expected", "size"), actor)


def _complete(group: _Group, actor: User | None) -> None:
    _at_oss(group, _complete_multipart)


def _complete_multipart(case: Case, action: completion.Complete) -> dict[str, Any]:
    upload = case.upload
    headers = {**options.completion_headers(upload.transfer_options), **request_headers(*callback_of(upload))}
    if _takes_all(upload) and len(action.parts) == len(case.learned["parts"]):
        headers[COMPLETE_ALL] = "yes"
    try:
        done = oss_client(upload).complete(upload.bucket, upload.key, upload.upload_id, action.parts, headers)
    except Unreachable:
        return {"answer_lost": True, "found": UNKNOWN}
    except OssError as error:
        if error.code == "NoSuchUpload":
            return {"parts": None, "found": UNKNOWN}
        taken = error.code == "FileAlreadyExists"
        return {"refusal": from_storage(error), "key_taken": taken, **({"found": UNKNOWN} if taken else {})}
    return {"found": done}


def _takes_all(upload: Upload) -> bool:
    """Not for a stream: while it is kept, another part may arrive."""
    destination = settings.destinations.get(upload.destination)
    return destination is not None and destination.complete_all and not upload.is_stream


@retry_deadlocks
def _finish(group: _Group, actor: User | None) -> None:
    for case, action in group:
        if case.is_copied:
            case.upload.key = case.upload.final_key
        for name, value in outcome.end_fields(case.upload, action.done, case.report).items():
            setattr(case.upload, name, value)
    with atomic():
        moved = _advance(group, Event.FINISH, ("key", *outcome.END_FIELDS), actor)
        Part.objects.filter(upload__in=[case.upload for case in moved]).delete()
    for case in moved:
        case.ended = True
        forget_credentials(case.upload)
    for case, action in group:
        if not case.ended and action.done.callback is not None:
            outcome.record_callback(case.upload, action.done.callback)


def _accept(group: _Group, actor: User | None) -> None:
    for case, action in group:
        staging.accept(case.upload, action.done)
        case.look_again()


def _fail(group: _Group, actor: User | None) -> None:
    for case, action in group:
        kept = outcome.object_fields(case.upload, action.found, case.report) if action.found else {}
        values = {"error": as_record(action.error), **kept}
        if Upload.objects.advance(case.upload, Event.FAIL, actor=actor, unchanged=True, **values):
            forget_credentials(case.upload)
            with suppress(UploadError):  # The sweep repeats it.
                release(case.upload)
            case.refuse(action.error)
        else:
            case.look_again()


def _reopen(group: _Group, actor: User | None) -> None:
    for case, _ in group:
        if case.upload.is_stream:
            # They were those of the parts that were to be completed. The ETag tells that there may be an object.
            case.upload.size = None
            (case.upload.expected or {}).pop("client_crc64", None)
    _advance(group, Event.REOPEN, ("size", "expected"), actor)


def _refuse(group: _Group, actor: User | None) -> None:
    for case, action in group:
        # While an abort removes them, parts seem to be missing: the state says what has happened.
        if isinstance(action.error, PartsMissing) and case.has_moved():
            case.look_again()
        else:
            case.refuse(action.error)


def _stop(group: _Group, actor: User | None) -> None:
    for case, _ in group:
        case.ended = True
        reported = outcome.reported_callback(case.upload, case.report)
        if reported is not None and case.upload.state == State.COMPLETED and case.upload.callback is None:
            outcome.record_callback(case.upload, reported)


_ACT: dict[type[Action], Callable[[_Group, User | None], None]] = {
    completion.LookAtParts: _look_at_parts,
    completion.LookAtObject: _look_at_object,
    completion.AbortParts: _abort_parts,
    completion.Claim: _claim,
    completion.Complete: _complete,
    completion.Finish: _finish,
    completion.Accept: _accept,
    completion.Fail: _fail,
    completion.Reopen: _reopen,
    completion.Refuse: _refuse,
    completion.Stop: _stop,
}


def _advance(group: _Group, event: Event, fields: Sequence[str], actor: User | None) -> list[Case]:
    """Move the uploads by the state table. Returns the cases that moved; the others look again.

    What a case has learned holds for the claim that it knows, not for a newer one.
    """
    moved = {
        upload.pk
        for upload in Upload.objects.advance_many(
            [case.upload for case, _ in group], event, fields, actor=actor, unchanged=True
        )
    }
    for case, _ in group:
        if case.upload.pk not in moved:
            case.look_again()
    return [case for case, _ in group if case.upload.pk in moved]
