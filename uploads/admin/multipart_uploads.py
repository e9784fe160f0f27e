"""The multipart uploads that are unfinished at OSS, page by page, with those that have no row in the database.

Rule: each page is a new ListMultipartUploads; an orphan is aborted by its key and OSS's upload id.
See https://www.alibabacloud.com/help/en/oss/developer-reference/listmultipartuploads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from uploads import services
from uploads.conf import settings
from uploads.connection import oss_now
from uploads.domain.errors import UploadError
from uploads.models import Upload
from uploads.oss.messages import OpenUpload
from uploads.services import ORPHAN_AGE
from uploads.services.common import storage_errors
from uploads.services.transactions import oss_client

PAGE_SIZE = 50
MARKERS = ("key-marker", "upload-id-marker")


@dataclass(frozen=True, slots=True)
class Row:
    """A multipart upload at OSS, with its row in the database. Without a row it is an orphan once it is old enough."""

    held: OpenUpload
    upload: Upload | None
    is_orphan: bool


def page(query: Mapping[str, str]) -> dict[str, Any]:
    """The context of the template. `query`: bucket, prefix, delimiter and markers, as asked. Raises UploadError."""
    buckets = list(settings.buckets)
    bucket = query["bucket"] if query.get("bucket") in buckets else settings.bucket
    place = settings.place(bucket)
    filters = {name: query[name] for name in ("prefix", "delimiter") if query.get(name)}
    markers = {name: query[name] for name in MARKERS if query.get(name)}
    with storage_errors():
        found = oss_client(place).list_uploads(place.bucket, {"max-uploads": str(PAGE_SIZE), **filters, **markers})
    uploads = services.known_uploads(place.bucket, found.uploads)
    initiated_before = oss_now(place) - ORPHAN_AGE
    link = {"bucket": bucket, **filters}
    return {
        "bucket": bucket,
        "buckets": buckets,
        "prefix": query.get("prefix", ""),
        "delimiter": query.get("delimiter", ""),
        "rows": [
            Row(held, uploads.get(held.upload_id), held.upload_id not in uploads and held.initiated < initiated_before)
            for held in found.uploads
        ],
        "folders": [(name, urlencode({**link, "prefix": name})) for name in found.prefixes],
        "next": found.next_marker and urlencode({**link, **dict(zip(MARKERS, found.next_marker, strict=True))}),
    }


def abort(bucket: str, selected: list[str], user: Any) -> tuple[int, list[UploadError]]:
    """Aborts each of `selected`, texts of the form `upload id:key`. Returns how many, and why others were refused.

    `bucket`: a key of `settings.buckets`. Others are left out: an upload that is sent in one request has no upload id.

    One that has a row is aborted by the service, so that its history names the user. An orphan may be one no more:
    the page may have been opened long before.
    """
    place = settings.place(bucket)
    pairs = [(upload_id, key) for upload_id, _, key in (text.partition(":") for text in selected) if upload_id and key]
    uploads = Upload.objects.filter(bucket=place.bucket, upload_id__in=[upload_id for upload_id, _ in pairs])
    known = {upload.upload_id: upload for upload in uploads}
    refused: list[UploadError] = []
    for upload_id, key in pairs:
        try:
            if upload := known.get(upload_id):
                services.abort(upload, actor=user)
            else:
                destination = services.destination_of_key(key, settings.buckets[bucket])
                services.abort_if_orphan(services.orphan_of(place.bucket, destination.name, key, upload_id))
        except UploadError as error:
            refused.append(error)
    return len(pairs) - len(refused), refused
