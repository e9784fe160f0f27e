"""The multipart uploads that are open at OSS, page by page, with their rows. Manual: ListMultipartUploads."""

from collections.abc import Mapping
from dataclasses import dataclass

from uploads.conf import settings
from uploads.domain.errors import InvalidUpload
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import UploadPage
from uploads.services.common import storage_errors
from uploads.services.orphans import known_uploads
from uploads.services.transactions import oss_client


@dataclass(frozen=True, slots=True)
class OpenUploadsQuery:
    """Which page is wanted. The names are those of OSS; an empty bucket is the site's."""

    bucket: str = ""
    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    upload_id_marker: str = ""
    max_uploads: int = MAX_LIST_PAGE


@dataclass(frozen=True, slots=True)
class OpenUploads:
    """One page of a bucket. `known`: the rows of these multipart uploads, by OSS's upload id."""

    bucket: str
    page: UploadPage
    known: Mapping[str, Upload]


def list_open_uploads(query: OpenUploadsQuery) -> OpenUploads:
    """One page of ListMultipartUploads. Raises InvalidUpload for a bucket of no destination, StorageBusy,
    StorageRefused."""
    bucket = query.bucket or settings.bucket
    if bucket not in settings.buckets:
        detail = Phrase("No destination uploads to the bucket {name!r}.", name=bucket)
        raise InvalidUpload(detail, errors={"bucket": [detail]})
    given = {
        "prefix": query.prefix,
        "delimiter": query.delimiter,
        "key-marker": query.key_marker,
        "upload-id-marker": query.upload_id_marker,
        "max-uploads": str(query.max_uploads),
    }
    with storage_errors():
        page = oss_client().list_uploads(bucket, {name: value for name, value in given.items() if value})
    return OpenUploads(bucket, page, known_uploads(bucket, page.uploads))
