"""Complete: the parts become an object, once, whatever happens on the way.

Rule: before OSS is asked to complete, the row holds what the object must turn out to be (`expected`); so whoever
comes later, after a lost answer or a killed worker, can tell by a HeadObject how it ended. An object's key holds the
upload's id: what lies there came from this upload, whoever finished it.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain import options
from uploads.domain.errors import InvalidUpload, ObjectMismatch, PartsMissing, UploadError, UploadGone, from_storage
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event, State
from uploads.models import Method, Part, Upload, User
from uploads.oss import messages
from uploads.oss.crc64 import combine_all
from uploads.oss.errors import OssError, StorageError, Unreachable
from uploads.oss.messages import Completed
from uploads.oss.messages import Part as OssPart
from uploads.services import destination_rules as destination_rules
from uploads.services.common import as_record, callback_of, object_at_oss, parts_at_oss, require

HEADS_AT_ONCE = 8
"""Small files are looked at side by side: each is a round trip to OSS."""


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What the browser says of the file at its end; each may be left out, but a stream's size."""

    crc64: str = ""
    etag: str = ""
    size: int | None = None
    parts: Mapping[int, str] | None = None
    """Number → ETag of all parts, from clients that know no sizes: instead of `size`."""


NOTHING = ClientReport()


def complete(
    upload: Upload, report: ClientReport = NOTHING, *, actor: User | None = None, object_confirmed: bool = False
) -> Upload:
    """Put the parts together, once. `object_confirmed`: OSS itself says that the object is there.

    Returns the upload `completed`, or still `completing` when OSS has not said how it ended: call again. Safe to
    repeat and to call twice at once. Raises PartsMissing naming what OSS lacks, ObjectMismatch, WrongState.
    """
    upload.refresh_from_db()
    if upload.state == State.COMPLETED:
        return upload
    require(upload, State.UPLOADING, State.COMPLETING)
    if upload.method != Method.MULTIPART:
        return _complete_single(upload, object_at_oss(upload), report, actor)
    held = None if object_confirmed else parts_at_oss(upload)
    if held is None:
        return reconcile(upload, report, actor)
    try:
        parts = _chosen(upload, held, report)
    except PartsMissing:
        # Somebody with lent credentials may have finished it by other means.
        return _adopt(upload, report, actor)
    if upload.state == State.UPLOADING and not Upload.objects.advance(
        upload, Event.COMPLETE, actor=actor, expected=_expected(parts, report), size=sum(part.size for part in parts)
    ):
        return complete(upload, report, actor=actor)  # Somebody was first; the state has moved on.
    return _complete_multipart(upload, parts, report, actor)


def complete_many(
    many: Sequence[tuple[Upload, ClientReport]], *, actor: User | None = None
) -> list[Upload | UploadError]:
    """Small files at once: each its upload or its error, in order."""
    single = [upload for upload, _ in many if upload.method != Method.MULTIPART and upload.state == State.UPLOADING]
    with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
        looked = dict(zip((upload.pk for upload in single), pool.map(_look, single), strict=True))
    arrived = {
        upload.pk: (upload, found, report)
        for upload, report in many
        if isinstance(found := looked.get(upload.pk), Completed) and _is_whole(upload, found)
    }
    ended = _finish_many(list(arrived.values()), actor)
    return [ended.get(upload.pk) or _attempt(upload, looked.get(upload.pk), report, actor) for upload, report in many]


def _finish_many(arrived: Sequence[tuple[Upload, Completed, ClientReport]], actor: User | None) -> dict[UUID, Upload]:
    """Claims and ends those that are what was sent and that nobody else has claimed; the others want a second look."""
    found = {upload.pk: done for upload, done, _ in arrived}
    for upload, done, report in arrived:
        upload.expected, upload.size = _expected_of(done, report), done.size
    with transaction.atomic():  # OSS was asked before; here is nothing but the database.
        uploads = [upload for upload, _, _ in arrived]
        sound = [upload for upload in uploads if not _wrong(upload, found[upload.pk])]
        claimed = Upload.objects.advance_many(sound, Event.COMPLETE, ("expected", "size"), actor=actor)
        for upload in claimed:
            for name, value in _end(upload, found[upload.pk]).items():
                setattr(upload, name, value)
        ended = Upload.objects.advance_many(claimed, Event.FINISH, _ENDED, actor=actor)
        Part.objects.filter(upload__in=ended).delete()
    return {upload.pk: upload for upload in ended}


def detect_unreported(uploads: Iterable[Upload]) -> bool:
    """Looks for files in one request whose client tells nobody that they have arrived, as Uppy does not: whoever asks
    for such an upload learns how it ended. True when one of these has."""
    silent = [
        upload
        for upload in uploads
        if upload.is_stream and upload.method != Method.MULTIPART and upload.state == State.UPLOADING
    ]
    return bool(silent) and any(isinstance(each, Upload) for each in complete_many([(up, NOTHING) for up in silent]))


def _look(upload: Upload) -> Completed | UploadError | None:
    """No database here: this runs in a thread of its own."""
    try:
        return object_at_oss(upload)
    except UploadError as error:
        return error


def _attempt(
    upload: Upload, found: Completed | UploadError | None, report: ClientReport, actor: User | None
) -> Upload | UploadError:
    if isinstance(found, UploadError):
        return found
    try:
        return complete(upload, report, actor=actor)
    except UploadError as error:
        return error


# The parts


def _chosen(upload: Upload, held: Sequence[OssPart], report: ClientReport) -> list[OssPart]:
    """The parts to complete with. Raises PartsMissing; a part beyond the plan is left out, so OSS drops it."""
    if upload.is_stream:
        return _stream_parts(upload, held, report)
    planned, there = upload.plan, {part.number: part for part in held}
    damaged = _damaged(upload, held)
    wrong = [n for n in planned.numbers() if n not in there or there[n].size != planned.size_of(n) or n in damaged]
    if wrong:
        detail = Phrase(
            "{count} of {total} parts are missing or wrong at OSS: send them again.",
            count=len(wrong),
            total=planned.part_count,
        )
        raise PartsMissing(detail, errors={"parts": wrong})
    return [there[n] for n in planned.numbers()]


def _damaged(upload: Upload, held: Sequence[OssPart]) -> set[int]:
    """Parts whose CRC64 at OSS is not the one that the browser recorded: its own, where CORS hides OSS's."""
    recorded = dict(upload.parts.exclude(crc64="").values_list("number", "crc64"))
    theirs = {part.number: str(part.crc64) for part in held if part.crc64 is not None}
    return {number for number, crc64 in recorded.items() if theirs.get(number, crc64) != crc64}


def _stream_parts(upload: Upload, held: Sequence[OssPart], report: ClientReport) -> list[OssPart]:
    """A stream's parts have any size; together they are as many bytes as were sent."""
    size = _size(upload, report)
    if report.parts is not None:
        held = _listed(held, report.parts)
        size = sum(part.size for part in held)
    if size is None:
        detail = Phrase("A stream's size is known at its end: send size.")
        raise InvalidUpload(detail, errors={"size": [detail]})
    place = settings.destinations.get(upload.destination)
    if place is not None and place.max_size is not None and size > place.max_size:
        raise destination_rules.too_large(place, size)
    numbers = [0, *(part.number for part in held)]
    gaps = [n for before, after in pairwise(numbers) for n in range(before + 1, after)]
    if gaps or not held:
        raise PartsMissing(Phrase("Parts are missing at OSS: send them again."), errors={"parts": gaps or [1]})
    if damaged := _damaged(upload, held):
        raise PartsMissing(Phrase("Parts arrived damaged: send them again."), errors={"parts": sorted(damaged)})
    total = sum(part.size for part in held)
    if total != size:
        detail = Phrase(
            "OSS holds {held} bytes of {size}: send the parts that are missing or wrong again.", held=total, size=size
        )
        raise PartsMissing(detail, errors={"parts": [], "size": [total]})
    return list(held)


def _listed(held: Sequence[OssPart], wanted: Mapping[int, str]) -> Sequence[OssPart]:
    """What OSS holds, if that is what the client lists, no less and no more: it says no size that would tell."""
    there = {part.number: part.etag.upper() for part in held}
    wrong = sorted(number for number in {*there, *wanted} if there.get(number) != wanted.get(number))
    if wrong:
        detail = Phrase(
            "{count} parts are not the same at OSS as in the list of {total}: send them again.",
            count=len(wrong),
            total=len(wanted),
        )
        raise PartsMissing(detail, errors={"parts": wrong})
    sizes = [part.size for part in held]
    # Taken up again with parts of another size, a file would have holes. Uppy's last part alone may be smaller;
    # beyond 10,000 times its part size it cuts at fractions of a byte.
    odd = [part.number for part in held if part.size > sizes[0] + 1 or (part.size < sizes[0] - 1 and part != held[-1])]
    if odd:
        detail = Phrase("Parts of a file have one size; {count} have another. Start the upload anew.", count=len(odd))
        raise PartsMissing(detail, errors={"parts": odd})
    return held


def _expected(parts: Sequence[OssPart], report: ClientReport) -> dict[str, str]:
    """What the object must turn out to be, known before OSS is asked to make it."""
    expected = {"etag": messages.multipart_etag(part.etag for part in parts)}
    if all(part.crc64 is not None for part in parts):
        expected["crc64"] = str(combine_all((part.crc64 or 0, part.size) for part in parts))
    if report.crc64:
        expected["client_crc64"] = report.crc64
    return expected


# The ends


def _complete_multipart(upload: Upload, parts: Sequence[OssPart], report: ClientReport, actor: User | None) -> Upload:
    headers, (asked, variables) = options.completion_headers(upload.options), callback_of(upload)
    try:
        done = oss_client().complete(
            upload.bucket, upload.key, upload.upload_id, parts, headers, callback=asked, variables=variables
        )
    except Unreachable as error:
        return reconcile(upload, report, actor, after=error)
    except OssError as error:
        if error.code == "NoSuchUpload":
            return reconcile(upload, report, actor)
        if not error.retryable:
            Upload.objects.advance(upload, Event.REOPEN, actor=actor)
        raise from_storage(error) from error
    return _finish(upload, done, actor)


def _complete_single(upload: Upload, done: Completed | None, report: ClientReport, actor: User | None) -> Upload:
    """The object is there already, or not: one request has no parts to put together."""
    if done is None:
        raise PartsMissing(Phrase("The file has not arrived at OSS: send it."), errors={"parts": [1]})
    if not _is_whole(upload, done):
        detail = Phrase(
            "OSS holds {held} bytes instead of {size}: send the file again.", held=done.size, size=upload.size
        )
        raise PartsMissing(detail, errors={"parts": [1]})
    return _claim_and_finish(upload, done, report, actor)


def _is_whole(upload: Upload, done: Completed) -> bool:
    return upload.is_stream or done.size == upload.size


def _adopt(upload: Upload, report: ClientReport, actor: User | None) -> Upload:
    """Parts are missing, and yet the object may be there. If it is not, says again what is missing."""
    done = object_at_oss(upload)
    if done is None or done.size != _size(upload, report):
        if upload.state == State.COMPLETING:
            Upload.objects.advance(upload, Event.REOPEN)
        _chosen(upload, parts_at_oss(upload) or [], report)
        return complete(upload, report, actor=actor)  # They have arrived in the meantime.
    with suppress(StorageError):  # What is left is swept away another time.
        oss_client().abort(upload.bucket, upload.key, upload.upload_id)
    return _claim_and_finish(upload, done, report, actor)


def reconcile(
    upload: Upload, report: ClientReport = NOTHING, actor: User | None = None, *, after: Unreachable | None = None
) -> Upload:
    """Ask OSS how it ended: the answer was lost, or the multipart upload is gone.

    `after`: the lost answer; OSS may still be at it, so that a missing object proves nothing yet.
    """
    upload.refresh_from_db()  # Whoever made the parts vanish has claimed the upload before.
    if upload.state == State.COMPLETED:
        return upload
    require(upload, State.UPLOADING, State.COMPLETING)
    done = object_at_oss(upload)
    if done is not None and (upload.expected or _size(upload, report) in (None, done.size)):
        return _claim_and_finish(upload, done, report, actor)
    if after is not None:
        return upload
    gone = UploadGone(Phrase("OSS has dropped this upload and its parts. Start the upload anew."))
    Upload.objects.advance(upload, Event.FAIL, actor=actor, error=as_record(gone), released_at=timezone.now())
    if upload.state == State.COMPLETED:
        return upload  # Somebody else found it finished in the meantime.
    raise gone


def _size(upload: Upload, report: ClientReport) -> int | None:
    """Bytes of the whole; of a stream, what was said last."""
    return upload.size if report.size is None or not upload.is_stream else report.size


def _claim_and_finish(upload: Upload, done: Completed, report: ClientReport, actor: User | None) -> Upload:
    """The object is there; claim the upload if nobody did before, and record the end."""
    if upload.state == State.UPLOADING:
        expected = _expected_of(done, report)
        Upload.objects.advance(upload, Event.COMPLETE, actor=actor, expected=expected, size=done.size)
    return _finish(upload, done, actor)


def _expected_of(done: Completed, report: ClientReport) -> dict[str, str]:
    """The same of an object that is there already: what the browser says, where it says something."""
    return {"etag": report.etag or done.etag} | ({"client_crc64": report.crc64} if report.crc64 else {})


def _actual(done: Completed) -> dict[str, str]:
    crc64 = "" if done.crc64 is None else str(done.crc64)
    return {"etag": done.etag, "crc64": crc64, "client_crc64": crc64}


def _wrong(upload: Upload, done: Completed) -> dict[str, str]:
    """What the object should be and is not, as far as OSS says."""
    actual = _actual(done)
    return {name: value for name, value in (upload.expected or {}).items() if actual[name] and value != actual[name]}


_ENDED = ("etag", "crc64", "location", "completed_at", "released_at", "parts_done", "bytes_done")


def _facts(upload: Upload, done: Completed) -> dict[str, Any]:
    facts: dict[str, Any] = {"etag": done.etag, "crc64": _actual(done)["crc64"], "location": _location(upload)}
    return facts if done.callback is None else {**facts, "callback": done.callback}


def _end(upload: Upload, done: Completed) -> dict[str, Any]:
    now, known = timezone.now(), messages.part_count(done.etag) if upload.is_stream else upload.part_count
    ended = {"completed_at": now, "released_at": now, "parts_done": known, "bytes_done": upload.size}
    return _facts(upload, done) | ended


def _finish(upload: Upload, done: Completed, actor: User | None) -> Upload:
    """Compare what OSS has with what must be there, and record the end."""
    if wrong := _wrong(upload, done):
        mismatch = _mismatch(wrong, _actual(done))
        facts = _facts(upload, done)
        Upload.objects.advance(upload, Event.FAIL, actor=actor, error=as_record(mismatch), **facts)
        raise mismatch
    if Upload.objects.advance(upload, Event.FINISH, actor=actor, **_end(upload, done)):
        upload.parts.all().delete()
    require(upload, State.COMPLETED)
    if done.callback is not None and upload.callback != done.callback:
        # OSS's callback was here first, and finished what waited for its answer.
        Upload.objects.filter(pk=upload.pk).update(callback=done.callback)
        upload.refresh_from_db()
    return upload


def _mismatch(wrong: Mapping[str, str], actual: Mapping[str, str]) -> ObjectMismatch:
    return ObjectMismatch(
        Phrase(
            "The object is in the bucket, but it is not what was sent: {differences}. "
            "It was left there to be looked at; upload the file again.",
            differences=_differences(wrong, actual),
        ),
        errors={name: [value, actual[name]] for name, value in wrong.items()},
    )


def _differences(wrong: Mapping[str, str], actual: Mapping[str, str]) -> Phrase:
    names = {"etag": "ETag", "crc64": Phrase("CRC64 of the parts"), "client_crc64": Phrase("CRC64 of the file")}
    each = (
        Phrase("{name} {sent}, at OSS {held}", name=names[name], sent=value, held=actual[name])
        for name, value in wrong.items()
    )
    return Phrase.of(each, ", ")


def _location(upload: Upload) -> str:
    return settings.endpoint.url_of(upload.bucket, upload.key)
