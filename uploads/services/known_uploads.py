"""Which of the multipart uploads at OSS have a row here. One without a row is an orphan once it is old enough."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q

from uploads.models import Orphan, Upload
from uploads.oss.messages import OpenUpload

ORPHAN_AGE = timedelta(hours=24)
"""Since the last part. One part may take hours on a slow connection."""


def known_uploads(bucket: str, held: Sequence[OpenUpload | Orphan]) -> dict[str, Upload]:
    """The rows of these multipart uploads at OSS, by upload id; those of copies of staged files, too."""
    identifiers = [each.upload_id for each in held]
    # Each condition names that of its index: PostgreSQL does not conclude it from a long list.
    ours = Q(upload_id__in=identifiers) & ~Q(upload_id="") | Q(copy_id__in=identifiers) & ~Q(copy_id="")
    rows = Upload.objects.filter(ours, bucket=bucket).select_related("owner")
    return {name: upload for upload in rows for name in (upload.upload_id, upload.copy_id) if name in identifiers}
