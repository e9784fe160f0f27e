"""What an upload's row holds at its end: the object as OSS describes it, and how the callback ended."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from uploads.conf import settings
from uploads.domain.parts import ClientReport
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.oss import messages
from uploads.oss.messages import Completed

END_FIELDS = ("etag", "crc64", "location", "callback", "completed_at", "released_at", "parts_done", "bytes_done")


def object_fields(upload: Upload, done: Completed, report: ClientReport) -> dict[str, Any]:
    """The fields that describe the object."""
    crc64 = "" if done.crc64 is None else str(done.crc64)
    location = settings.place_of(upload).endpoint.url_of(upload.bucket, upload.key)
    callback = done.callback or upload.callback or reported_callback(upload, report)
    return {"etag": done.etag, "crc64": crc64, "location": location, "callback": callback}


def end_fields(upload: Upload, done: Completed, report: ClientReport) -> dict[str, Any]:
    """All fields of a completed upload, `END_FIELDS`."""
    now = timezone.now()
    part_count = messages.part_count(done.etag) if upload.is_stream else upload.part_count
    ended = {"completed_at": now, "released_at": now, "parts_done": part_count, "bytes_done": upload.size}
    return object_fields(upload, done, report) | ended


def reported_callback(upload: Upload, report: ClientReport) -> dict[str, Any] | None:
    """What the client says of the callback of a file in one request; None if there was none to be made."""
    if report.callback is None or upload.method == Method.MULTIPART or not upload.secret:
        return None
    return {**report.callback, "reported": True}


def record_callback(upload: Upload, result: Mapping[str, Any]) -> None:
    """The result of the callback of an upload that was completed before the result was known."""
    if upload.state == State.COMPLETED and upload.callback != result:
        Upload.objects.filter(pk=upload.pk).update(callback=result)
        upload.refresh_from_db()
