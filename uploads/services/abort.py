"""Abort: end an upload without an object, and let OSS drop what it holds of it. Manual: AbortMultipartUpload.

Rule: nothing counts as dropped before OSS says that it is gone. A signature made before the end may be used after it,
so the sweep looks again when all have expired.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from uploads.conf import settings
from uploads.domain.endings import AbortedBy, abort_record
from uploads.domain.errors import StorageBusy, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place, Stored
from uploads.domain.retries import MAX_ATTEMPTS
from uploads.domain.states import Event, State
from uploads.models import Method, Upload, User
from uploads.services.common import (
    as_record,
    destination_of,
    is_registered_as,
    object_at_oss,
    parts_at,
    require,
    storage_errors,
)
from uploads.services.credentials import forget_credentials
from uploads.services.transactions import oss_client

ROUNDS = 3
"""Times that AbortMultipartUpload is sent in one call."""
IN_FLIGHT = timedelta(minutes=10)
"""A request may end this long after its signature has expired."""


def abort(upload: Upload, *, actor: User | None = None, reason: Mapping[str, Any] | None = None) -> Upload:
    """Abort the upload, and let OSS drop its parts. Repeatable: a call that did not reach OSS is made again.

    `reason`: the row's `error`, in the form of `as_record`. Without it the row says who aborted: the owner or, by
    `actor`, an administrator; without an actor the upload has expired.

    Raises WrongState once the upload is completing or completed, StorageBusy, StorageRefused.
    """
    upload.refresh_from_db()
    error = dict(reason) if reason is not None else abort_record(_aborted_by(upload, actor))
    if upload.state == State.UPLOADING and not Upload.objects.advance(upload, Event.ABORT, actor=actor, error=error):
        return abort(upload, actor=actor, reason=reason)  # Somebody was first; the state has moved on.
    require(upload, State.ABORTED, State.FAILED)
    forget_credentials(upload)
    if upload.released_at is None:
        try:
            release(upload)
        except UploadError as failure:
            _count_failure(upload, failure)
            raise
    return upload


def _count_failure(upload: Upload, error: UploadError) -> None:
    """Record that OSS has not dropped it, for the admin. The sweep tries again, and counts its own attempts on."""
    attempts = max(upload.attempts, min(upload.attempts + 1, MAX_ATTEMPTS - 1))
    Upload.objects.filter(pk=upload.pk, released_at=None).update(attempts=attempts, sweep_error=as_record(error))


def _aborted_by(upload: Upload, actor: User | None) -> AbortedBy:
    if actor is None:
        return AbortedBy.EXPIRY
    return AbortedBy.USER if actor.pk == upload.owner_id else AbortedBy.ADMINISTRATOR


def release(upload: Upload) -> None:
    """Let OSS drop what it holds of an ended upload, parts and object. The row keeps ETag, CRC64 and error.

    Raises StorageBusy while parts still arrive, StorageRefused.
    """
    if upload.is_registered:
        remove_registered(upload)
        return
    # Before OSS is asked: a part may arrive after OSS has said that all is gone, for as long as a signature lives.
    began, expiry = timezone.now(), signatures_expire(upload)
    # What OSS does not know any more may have been completed: by other means, or after the database's last backup.
    was_open = upload.method == Method.MULTIPART and abort_until_gone(upload)
    if not was_open or may_have_object(upload):
        with storage_errors():
            oss_client(upload).delete_object(upload.bucket, upload.key)
            if upload.staging_key and upload.staged is None:
                # The backend has not copied it. What was copied after the database's last backup goes, too.
                oss_client(upload).delete_object(upload.bucket, upload.final_key)
    upload.parts.all().delete()
    Upload.objects.filter(pk=upload.pk).update(
        released_at=timezone.now(), look_again_at=expiry if expiry > began else None, attempts=0, sweep_error=None
    )
    upload.refresh_from_db()


def may_have_object(upload: Upload) -> bool:
    """Whether an ended upload may have an object. A multipart upload has none before somebody has claimed it.

    Two may have completed it at once. Then OSS refuses the first, which reopens the upload, and does what the second
    asks: the object is there, and the upload can be aborted.
    """
    is_claimed = "etag" in (upload.expected or {})
    held = upload.method != Method.MULTIPART or upload.state == State.FAILED or upload.credentials_until is not None
    return is_claimed or held


def abort_until_gone(upload: Upload) -> bool:
    """Abort the multipart upload, until OSS says that it is gone. Returns whether OSS knew it. Raises as `abort_at`."""
    return abort_at(upload, upload.key, upload.upload_id)


def abort_at(where: Place | Stored, key: str, upload_id: str) -> bool:
    """Abort one multipart upload, until ListParts says that it is gone. Returns whether OSS knew it.

    A part that is being sent is not deleted by the abort, and is stored after it. So the abort is repeated, ROUNDS
    times at most. Raises StorageBusy if parts are still arriving then; StorageRefused.
    See https://www.alibabacloud.com/help/en/oss/developer-reference/abortmultipartupload.
    """
    was_open = False
    for _ in range(ROUNDS):
        with storage_errors():
            was_open = oss_client(where).abort(where.bucket, key, upload_id) or was_open
        if parts_at(where, key, upload_id) is None:
            return was_open
    raise StorageBusy(Phrase("Parts of the aborted upload are still arriving at OSS. They are removed later."))


def abort_all_at_key(upload: Upload, key: str) -> None:
    """Abort every multipart upload at this key of the upload, also what a holder of temporary credentials has begun.

    Raises StorageBusy, StorageRefused.
    """
    with storage_errors():
        begun = list(oss_client(upload).all_uploads(upload.bucket, key))
    for held in begun:
        if held.key == key:  # OSS lists all keys that begin so.
            abort_at(upload, held.key, held.upload_id)


def signatures_expire(upload: Upload) -> datetime:
    """When no URL and no form of an upload that has ended can be used any more.

    Temporary credentials have an expiry of their own: see `services.expired_credentials`.
    """
    return upload.updated_at + timedelta(seconds=destination_of(upload).url_expires) + IN_FLIGHT


def longest_signature() -> timedelta:
    """How long after an upload has ended a signature or a credential of any destination may still be used."""
    seconds = [max(each.url_expires, each.credentials_expires) for each in settings.destinations.values()]
    return timedelta(seconds=max(seconds, default=0)) + IN_FLIGHT


def remove_registered(upload: Upload) -> None:
    """Delete the object of an upload that was registered and refused, unless another has taken its key by now."""
    found = object_at_oss(upload)
    if found is not None and is_registered_as(upload.pk, upload.bucket, upload.key, found):
        with storage_errors():
            oss_client(upload).delete_object(upload.bucket, upload.key)
    Upload.objects.filter(pk=upload.pk).update(released_at=timezone.now())
    upload.refresh_from_db()
