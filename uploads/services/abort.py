"""Abort: end an upload without an object, and let OSS drop its parts. Manual: AbortMultipartUpload."""

from django.utils import timezone

from uploads.connection import oss_client
from uploads.domain.states import Event, State
from uploads.models import Method, Upload, User
from uploads.services.common import object_at_oss, object_identity, require, storage_errors
from uploads.services.credentials import forget_credentials


def abort(upload: Upload, *, actor: User | None = None) -> Upload:
    """Abort the upload, and let OSS drop its parts. Repeatable: a call that did not reach OSS is made again.

    Raises WrongState once the upload is completing or completed, StorageBusy, StorageRefused.
    """
    upload.refresh_from_db()
    if upload.state == State.UPLOADING and not Upload.objects.advance(upload, Event.ABORT, actor=actor):
        return abort(upload, actor=actor)  # Somebody was first; the state has moved on.
    require(upload, State.ABORTED, State.FAILED)
    forget_credentials(upload)
    if upload.released_at is None:
        release(upload)
    return upload


def release(upload: Upload) -> None:
    """Let OSS drop what it holds of an ended upload: parts, and an object that was refused or came too late.

    The row has its final state before OSS is called, and `released_at` only afterwards: until then the sweep repeats
    the call. Raises StorageBusy, StorageRefused.
    """
    client = oss_client()
    if upload.is_registered:
        remove_registered(upload)
        return
    with storage_errors():
        if upload.method == Method.MULTIPART:
            client.abort(upload.bucket, upload.key, upload.upload_id)
        if upload.state == State.FAILED or upload.method != Method.MULTIPART:
            client.delete_object(upload.bucket, upload.key)
    upload.parts.all().delete()
    Upload.objects.filter(pk=upload.pk).update(released_at=timezone.now())
    upload.refresh_from_db()


def remove_registered(upload: Upload) -> None:
    """Delete the object of an upload that was registered and refused, unless another has taken its key by now."""
    found = object_at_oss(upload)
    if found is not None and found.modified is not None:
        identity = object_identity(upload.bucket, upload.key, found.etag, found.modified)
        if identity == upload.pk:
            with storage_errors():
                oss_client().delete_object(upload.bucket, upload.key)
    Upload.objects.filter(pk=upload.pk).update(released_at=timezone.now())
    upload.refresh_from_db()
