"""The multipart uploads that are open at OSS, page by page, with their rows. Manual: ListMultipartUploads."""

from collections.abc import Mapping
from dataclasses import dataclass

from uploads.conf import settings
from uploads.domain.errors import InvalidUpload
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.models import Upload
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import UploadPage
from uploads.services.common import storage_errors
from uploads.services.known_uploads import known_uploads
from uploads.services.transactions import oss_client


@dataclass(frozen=True, slots=True)
class OpenUploadsQuery:
    """Which page is wanted. The names are those of OSS; an empty bucket is the site's, see `used_place`."""

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
    place = used_place(query.bucket)
    given = {
        "prefix": query.prefix,
        "delimiter": query.delimiter,
        "key-marker": query.key_marker,
        "upload-id-marker": query.upload_id_marker,
        "max-uploads": str(query.max_uploads),
    }
    with storage_errors():
        page = oss_client(place).list_uploads(place.bucket, {name: value for name, value in given.items() if value})
    return OpenUploads(place.bucket, page, known_uploads(place.bucket, page.uploads))


def used_place(name: str) -> Place:
    """The place of a destination, by its name in BUCKETS or by its bucket; the default place for "".

    Raises InvalidUpload for one that no destination uploads to.
    """
    name = name or settings.bucket
    if name in settings.buckets:
        return settings.place(name)
    for other in settings.buckets:
        if settings.place(other).bucket == name:
            return settings.place(other)
    detail = Phrase("No destination uploads to the bucket {name!r}.", name=name)
    raise InvalidUpload(detail, errors={"bucket": [detail]})
