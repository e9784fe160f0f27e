"""After the database was restored from a backup: its rows are brought in line with what OSS has by now.

Rule: OSS is the truth. Completing an upload removes an object with other bytes, as ever; nothing else is deleted there.
An unfinished upload whose object is there is completed, also if its attributes were changed since, unless the rules of
its destination forbid them. One of which OSS has nothing ends with the reason. A completed upload without its object
becomes `deleted`. Objects whose rows are gone are reported, or get rows again (`services.lost_rows`). Completed uploads
are compared with the list of the objects, a thousand to a request; HeadObject is asked only for those that the list
does not confirm, and for none of a bucket that could not be listed.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from django.utils import timezone

from uploads.domain.errors import UploadError, UploadGone
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event, State
from uploads.models import Method, Upload, UploadQuerySet
from uploads.oss.messages import Completed
from uploads.services.abort_many import side_by_side
from uploads.services.activity import activity
from uploads.services.common import as_record, object_at_oss, parts_at_oss
from uploads.services.complete import complete
from uploads.services.expired_credentials import is_allowed
from uploads.services.lost_rows import lost_rows
from uploads.services.object_checks import changed_attributes, object_to_complete
from uploads.services.sweep import STAGES_SECONDS, Swept

ROWS = 1000
"""Rows that one query reads."""
DRY = {
    "completed": "would be completed",
    "ended": "would end",
    "extended": "would be extended",
    "object gone": "would be marked as deleted",
}


def reconcile(*, register: bool = False, dry_run: bool = False) -> Iterator[Swept]:
    """Compare every unfinished and every completed upload with OSS, and list the objects that have no row.

    Can be repeated, and at any time: what is in order is left alone. `register`: such objects get rows again. What OSS
    does not answer is yielded as `failed`: repeat the call. Needs about 100 bytes of memory for each completed upload.
    """
    for batch in _batches(Upload.objects.filter(state__in=[State.UPLOADING, State.COMPLETING])):
        yield from _unfinished(batch, dry_run)
    confirmed: set[UUID] = set()
    unlisted: set[str] = set()
    lost = lost_rows(register=register and not dry_run, confirmed=confirmed, unlisted=unlisted)
    yield from (Swept(*each) for each in lost)
    for batch in _batches(Upload.objects.filter(state=State.COMPLETED).exclude(bucket__in=unlisted)):
        yield from _completed([each for each in batch if each.pk not in confirmed], dry_run)


def _batches(uploads: UploadQuerySet) -> Iterator[list[Upload]]:
    last: UUID | None = None
    while batch := list((uploads.filter(pk__gt=last) if last else uploads).order_by("pk")[:ROWS]):
        last = batch[-1].pk
        yield batch


def _done(what: str, upload: Upload, detail: str, dry_run: bool) -> Swept:
    return Swept(DRY[what] if dry_run else what, upload.key, detail)


def _asked(call: Callable[[Upload], Completed | None], uploads: Sequence[Upload]) -> Iterator[tuple[Upload, object]]:
    yield from zip(uploads, side_by_side(call, uploads), strict=True)


# Unfinished uploads


def _unfinished(uploads: Sequence[Upload], dry_run: bool) -> Iterator[Swept]:
    for upload, found in _asked(_object, uploads):
        if isinstance(found, UploadError):
            yield Swept("failed", upload.key, found.advice)
            continue
        try:
            swept = _reconciled(upload, found if isinstance(found, Completed) else None, dry_run)
        except UploadError as error:
            what = "ended" if upload.state == State.FAILED else "failed"
            yield Swept(what, upload.key, error.advice)
        else:
            yield swept


def _object(upload: Upload) -> Completed | None:
    return object_to_complete(upload)[0]


def _reconciled(upload: Upload, found: Completed | None, dry_run: bool) -> Swept:
    if found is None and upload.method == Method.MULTIPART and not upload.stage and parts_at_oss(upload) is None:
        if not dry_run:
            complete(upload)  # Raises the reason with which the upload ends.
        return _done("ended", upload, "OSS has neither its parts nor its object.", dry_run)
    if found is None:
        _extend(upload, dry_run)
        return _done("extended", upload, "", dry_run)
    if not upload.is_stream and found.size != upload.size:
        _extend(upload, dry_run)
        return Swept("differs", upload.key, "The object has another size than the upload; neither was changed.")
    changed = changed_attributes(upload, found)
    if changed and not _accepts(upload, found):
        _extend(upload, dry_run)
        return Swept("differs", upload.key, f"The destination forbids such an object; neither was changed: {changed}.")
    if not dry_run:
        complete(upload, object_confirmed=True, seconds=STAGES_SECONDS, accepts=_accepts)
    if not dry_run and upload.state != State.COMPLETED:
        return Swept("failed", upload.key, "OSS has not answered yet, or the file is still being checked.")
    return _done("completed", upload, changed, dry_run)


def _accepts(upload: Upload, found: Completed) -> bool:
    """Whether an object with other attributes completes its upload, as it may replace that of a completed one.

    The site may have set its ACL or tags since, and a lifecycle rule its storage class. A user may have, too: the
    operator is told which they are. Nobody but users writes below a staging prefix.
    """
    return not upload.staging_key and is_allowed(upload, found)


def _extend(upload: Upload, dry_run: bool) -> None:
    """Start the expiry again: the one in the backup is not the one that its browser knows, and may have passed.

    The file may be sent at this moment. And the next sweep must not remove an object of which the operator was told.
    """
    if not dry_run:
        Upload.objects.filter(pk=upload.pk, state=upload.state).update(**activity(upload, timezone.now()))


# Completed uploads


def _completed(uploads: Sequence[Upload], dry_run: bool) -> Iterator[Swept]:
    for upload, found in _asked(object_at_oss, uploads):
        if isinstance(found, UploadError):
            yield Swept("failed", upload.key, found.advice)
        elif found is None:
            error = UploadGone(Phrase("OSS does not have the object any more."))
            if not dry_run:
                Upload.objects.advance(upload, Event.DELETE, error=as_record(error))
            yield _done("object gone", upload, "", dry_run)
        elif isinstance(found, Completed) and upload.etag and found.etag != upload.etag:
            yield Swept("differs", upload.key, "The object is not the one that was completed; neither was changed.")
