"""Removals: what a deleted upload has at OSS is removed, once, after the commit of the deletion or by the sweep.

Rule: an object is removed only if it is the upload's. HeadObject is asked first, because another upload may have
written to the same key since. While OSS does not answer, the record stays, and the sweep repeats the attempt.
Manual: DeleteObject, https://www.alibabacloud.com/help/en/oss/developer-reference/deleteobject.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.utils import timezone

from uploads.domain.errors import UploadError
from uploads.domain.retries import pause
from uploads.domain.states import State
from uploads.models import REGISTERED_ID_VERSION, Method, ObjectRemoval, Outcome, Reason, Upload
from uploads.models.databases import on_commit
from uploads.oss.messages import Completed
from uploads.services.abort import IN_FLIGHT, abort_all_at_key, abort_until_gone, signatures_expire
from uploads.services.common import (
    as_record,
    destination_of,
    is_registered_as,
    object_at_oss,
    object_identity,
    storage_errors,
)
from uploads.services.transactions import oss_client, oss_until

CLAIM = timedelta(minutes=10)
"""One removal takes far less. The claim of a process that was killed expires after this."""
BATCH = 50
SECONDS = 5.0
"""How long one deletion removes objects after its commit, and waits for OSS. The sweep removes the others."""


class AfterCommit:
    """What one deletion removes by itself: until SECONDS have passed, or a request to OSS fails. None is repeated."""

    def __init__(self) -> None:
        self._deadline: float | None = None

    def schedule(self, removals: Sequence[ObjectRemoval]) -> None:
        """Carry these out after the commit; at once outside of a transaction."""
        for removal in removals:
            on_commit(self._attempt_at(removal.pk), robust=True)

    def _attempt_at(self, pk: UUID) -> Callable[[], None]:
        def carry_out_in_time() -> None:
            self._carry_out(pk)

        return carry_out_in_time  # Not a partial: Django logs the name of a function that fails.

    def _carry_out(self, pk: UUID) -> None:
        if self._deadline is None:
            self._deadline = monotonic() + SECONDS
        if monotonic() >= self._deadline:
            return
        with oss_until(self._deadline):
            if not carry_out(pk):
                self._deadline = 0.0


def removals_of(upload: Upload, reason: Reason) -> list[ObjectRemoval]:
    """What is to be removed when this upload is deleted now; not written yet. Empty if OSS has nothing of it."""
    now = timezone.now()
    common: dict[str, Any] = {
        "upload": upload.pk,
        "destination": upload.destination,
        "bucket": upload.bucket,
        "owner": "" if upload.owner_id is None else str(upload.owner_id),
        "reason": reason,
        "requested_at": now,
        "due_at": now,
    }
    until = _signatures_expire(upload, now)
    return [
        ObjectRemoval(**common, key=key, upload_id=upload_id, etag=etag, look_until=until if late else now)
        for key, upload_id, etag, late in _places(upload)
        if key
    ]


def _places(upload: Upload) -> Iterator[tuple[str, str, str, bool]]:
    """Key, id of a multipart upload to abort, ETag, and whether a signature or credential can still write there."""
    if upload.state == State.DELETED or is_released(upload):
        return
    completed = upload.state == State.COMPLETED
    if upload.is_registered:
        yield upload.key, "", upload.etag, False  # The search of the prefix finds what is written later.
        return
    if not upload.staging_key:
        late = not completed or upload.method != Method.MULTIPART or upload.credentials_until is not None
        yield upload.key, "" if completed else upload.upload_id, upload.etag if completed else "", late
        return
    if completed:
        yield upload.key, "", upload.etag, False
    elif upload.stage or upload.copy_id:
        yield upload.final_key, upload.copy_id, "", True
    if upload.staging_removed_at is None:
        yield upload.staging_key, upload.upload_id, "", True


def is_released(upload: Upload) -> bool:
    """Whether an aborted or failed upload has nothing left that a sweep would look for."""
    if upload.state not in (State.ABORTED, State.FAILED):
        return False
    waiting = upload.released_at is None or upload.look_again_at or upload.credentials_until
    return not waiting and not (upload.staging_key and upload.staging_removed_at is None)


def _signatures_expire(upload: Upload, now: datetime) -> datetime:
    """When nothing can write for this upload any more. An unfinished one may be signed or completed at this moment."""
    until = signatures_expire(upload)
    if upload.state in (State.UPLOADING, State.COMPLETING):
        until = max(until, now + timedelta(seconds=destination_of(upload).url_expires) + IN_FLIGHT)
    return max(until, upload.credentials_until or until)


def carry_out(pk: UUID) -> bool:
    """Claim this removal and try it. False if OSS did not answer or refused; the sweep tries again."""
    now = timezone.now()
    if not ObjectRemoval.objects.due(now).filter(pk=pk).update(due_at=now + CLAIM, error=None):
        return True
    removal = ObjectRemoval.objects.filter(pk=pk).first()
    return removal is None or _attempt(removal, now) is None


def sweep_removals(now: datetime, *, dry_run: bool = False) -> Iterator[tuple[str, str, str]]:
    """Carry out all removals that are due. Yields what was done, the key, and the reason if it failed."""
    if dry_run:
        for key in ObjectRemoval.objects.due(now).values_list("key", flat=True).iterator():
            yield "would be removed", key, ""
        return
    while taken := ObjectRemoval.objects.claim(now, max(now, timezone.now()) + CLAIM, BATCH):
        for removal in ObjectRemoval.objects.filter(pk__in=taken):
            error = _attempt(removal, max(now, timezone.now()))
            yield ("removed", removal.key, "") if error is None else ("failed", removal.key, error.advice)


def _attempt(removal: ObjectRemoval, now: datetime) -> UploadError | None:
    """Try a claimed removal, and record how it ended. Returns the error after which it is to be repeated."""
    claimed = ObjectRemoval.objects.filter(pk=removal.pk, due_at=removal.due_at)
    try:
        outcome = _remove(removal)
    except UploadError as error:
        attempts = min(removal.attempts + 1, 1000)
        claimed.update(attempts=attempts, due_at=now + pause(attempts), error=as_record(error))
        return error
    ended: dict[str, Any] = {"attempts": 0, "error": None, "emptied_at": removal.emptied_at or now}
    if removal.outcome != Outcome.REMOVED:
        ended["outcome"] = outcome
    if outcome != Outcome.REPLACED and removal.look_until > now:
        claimed.update(due_at=removal.look_until, **ended)
    else:
        # The key contains a file name: what is done keeps no data of a person.
        claimed.update(due_at=None, done_at=now, key="", upload_id="", etag="", owner="", **ended)
    return None


def _remove(removal: ObjectRemoval) -> Outcome:
    """Abort the multipart upload, and delete the object if it is the upload's. Raises StorageBusy, StorageRefused."""
    place = Upload(bucket=removal.bucket, key=removal.key, upload_id=removal.upload_id, destination=removal.destination)
    if removal.upload_id:
        abort_until_gone(place)
    if removal.emptied_at and destination_of(place).credentials:
        abort_all_at_key(place, place.key)
    found = object_at_oss(place)
    if found is None:
        return Outcome.ABSENT
    if not _is_the_uploads(removal, found):
        return Outcome.REPLACED
    with storage_errors():
        oss_client(removal).delete_object(removal.bucket, removal.key)
    return Outcome.REMOVED


def _is_the_uploads(removal: ObjectRemoval, found: Completed) -> bool:
    """Whether the object that is there was written for this upload, and not since by another one."""
    if removal.upload.version == REGISTERED_ID_VERSION:
        return is_registered_as(removal.upload, removal.bucket, removal.key, found)
    if found.modified is not None:
        identity = object_identity(removal.bucket, removal.key, found.etag, found.modified)
        if Upload.objects.filter(pk=identity).exists():
            return False
    # Once the key was empty, only a signature of the upload itself can have written there.
    return not removal.etag or removal.emptied_at is not None or found.etag == removal.etag
