"""Abort: give an upload up, and let OSS drop what it holds of it."""

from django.utils import timezone

from uploads.connection import oss_client
from uploads.domain.states import Event, State
from uploads.models import Method, Upload, User
from uploads.services.common import require, storage_errors


def abort(upload: Upload, *, actor: User | None = None) -> Upload:
    """Give the upload up and let OSS drop its parts. Repeatable: what OSS did not hear is said again."""
    upload.refresh_from_db()
    if upload.state == State.UPLOADING and not Upload.objects.advance(upload, Event.ABORT, actor=actor):
        return abort(upload, actor=actor)  # Somebody was first; the state has moved on.
    require(upload, State.ABORTED, State.FAILED)
    if upload.released_at is None:
        release(upload)
    return upload


def release(upload: Upload) -> None:
    """Let OSS drop what it holds of an ended upload. A failed one's object is left for people to judge."""
    client = oss_client()
    with storage_errors():
        if upload.method == Method.MULTIPART:
            client.abort(upload.bucket, upload.key, upload.upload_id)
        elif upload.state == State.ABORTED:
            client.delete_object(upload.bucket, upload.key)
    upload.parts.all().delete()
    Upload.objects.filter(pk=upload.pk).update(released_at=timezone.now())
    upload.refresh_from_db()
