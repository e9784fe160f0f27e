"""The expiry of an unfinished upload: it moves with each signature and each checkpoint."""

from datetime import datetime, timedelta

from uploads.domain.states import State
from uploads.models import Upload
from uploads.services.common import destination_of, require

ACTIVITY_INTERVAL = timedelta(minutes=1)
"""Signing is frequent: its activity is written once in this time."""


def record_activity(upload: Upload, now: datetime) -> None:
    """Move the expiry of an upload that is being worked on. Signing is frequent: written once a minute at most.

    Raises WrongState if the upload has ended meanwhile, so that the sweep can rely on what it read.
    """
    moved = activity(upload, now)
    if moved["expires_at"] - upload.expires_at >= ACTIVITY_INTERVAL:
        if not Upload.objects.filter(pk=upload.pk, state=State.UPLOADING).update(**moved):
            upload.refresh_from_db()
            require(upload, State.UPLOADING)
        upload.expires_at, upload.updated_at = moved["expires_at"], now


def activity(upload: Upload, now: datetime) -> dict[str, datetime]:
    """The fields of an upload that is being worked on now."""
    return {"updated_at": now, "expires_at": now + destination_of(upload).lifetime}
