"""What OSS itself holds open: ListMultipartUploads, page by page, orphans marked.

Rule: OSS is asked anew for every page; what is aborted here is aborted by its key and OSS's own id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from uploads import services
from uploads.conf import settings
from uploads.connection import oss_client
from uploads.models import Upload
from uploads.oss.messages import OpenUpload
from uploads.services import ORPHAN_AGE
from uploads.services.common import storage_errors

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`upload` None: an orphan, or too young to tell."""

    held: OpenUpload
    upload: Upload | None
    is_orphan: bool


def buckets() -> list[str]:
    return sorted({settings.bucket_of(place) for place in settings.destinations.values()})


def page(given: Mapping[str, str]) -> dict[str, Any]:
    """For the template. `given`: bucket, prefix, delimiter, key-marker, upload-id-marker of the address."""
    known = buckets()
    bucket = given.get("bucket") if given.get("bucket") in known else settings.bucket
    query = {"max-uploads": str(PAGE)}
    query |= {
        name: given[name] for name in ("prefix", "delimiter", "key-marker", "upload-id-marker") if given.get(name)
    }
    with storage_errors():
        found = oss_client().list_uploads(str(bucket), query)
    rows = services.known_uploads(str(bucket), found.uploads)
    before = timezone.now() - ORPHAN_AGE
    here = {name: given[name] for name in ("bucket", "prefix", "delimiter") if given.get(name)}
    return {
        "bucket": bucket,
        "buckets": known,
        "prefix": given.get("prefix", ""),
        "delimiter": given.get("delimiter", ""),
        "rows": [
            Row(held, rows.get(held.upload_id), held.upload_id not in rows and held.initiated < before)
            for held in found.uploads
        ],
        "folders": [(name, urlencode({**here, "prefix": name})) for name in found.prefixes],
        "next": found.next_marker
        and urlencode({**here, "key-marker": found.next_marker[0], "upload-id-marker": found.next_marker[1]}),
    }


def abort(bucket: str, chosen: list[str], user: Any) -> int:
    """Each as `upload id:key`. One that has a row goes by the service, so that its history tells who did it."""
    pairs = [text.partition(":")[::2] for text in chosen]
    rows = {
        row.upload_id: row for row in Upload.objects.filter(bucket=bucket, upload_id__in=[pair[0] for pair in pairs])
    }
    for upload_id, key in pairs:
        if upload_id in rows:
            services.abort(rows[upload_id], actor=user)
        else:
            with storage_errors():
                oss_client().abort(bucket, key, upload_id)
    return len(pairs)
