"""Files that were sent in one request by clients which do not report the arrival."""

from contextlib import suppress

from django.core.cache import cache

from uploads.domain.errors import UploadError
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.services.common import object_at_oss
from uploads.services.complete import complete

LOOK_SECONDS = 3
"""Between two questions to OSS about one upload, however often somebody looks at it."""


def detect_unreported(upload: Upload) -> None:
    """Complete a file of unknown size sent in one request, whose client (such as Uppy) does not report the arrival.

    OSS is asked once, for a few seconds at most, and not again for LOOK_SECONDS. Without an answer, or without the
    object, nothing happens.
    """
    awaited = upload.is_stream and upload.method != Method.MULTIPART and upload.state == State.UPLOADING
    if awaited and cache.add(f"uploads:looked-for:{upload.pk}", 1, LOOK_SECONDS):
        with suppress(UploadError):
            if object_at_oss(upload, quick=True) is not None:
                complete(upload, object_confirmed=True)
