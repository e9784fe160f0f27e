"""Orphans: multipart uploads at OSS that no row belongs to. Manual: ListMultipartUploads, ListParts.

Rule: never abort what lives. Age counts from the last part, and only keys that begin with a directory of our own are
looked at: other applications may use the same bucket.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from uploads.conf import settings
from uploads.domain.destination import outermost_prefixes
from uploads.domain.errors import UploadError
from uploads.domain.places import Place
from uploads.models import Upload
from uploads.oss.errors import NotFound
from uploads.oss.messages import OpenUpload
from uploads.services.common import storage_errors
from uploads.services.sweep import BATCH, Swept
from uploads.services.transactions import oss_client

ORPHAN_AGE = timedelta(hours=24)
"""Since the last part. One part may take hours on a slow connection."""


def sweep_orphans(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Swept]:
    """Abort multipart uploads in our buckets, under our prefixes, that have no row and got no part for ORPHAN_AGE.

    A place that fails does not stop the others: its error (StorageBusy, StorageRefused) is raised at the end.
    """
    before = (now or timezone.now()) - ORPHAN_AGE
    errors: list[UploadError] = []
    for name, destinations in settings.buckets.items():
        for destination in destinations:
            if not destination.has_own_prefix:
                yield Swept("refused", f"destination {destination.name}", NO_PREFIX)
        try:
            for prefix in outermost_prefixes(each for each in destinations if each.has_own_prefix):
                yield from _sweep_prefix(settings.place(name), prefix, before, dry_run=dry_run)
        except UploadError as error:
            errors.append(error)
    if errors:
        raise errors[0]


NO_PREFIX = (
    "Its keys do not begin with a directory of their own, so orphans cannot be told from the uploads of other "
    "applications. Begin the key template with a directory, such as uploads/."
)


def _sweep_prefix(place: Place, prefix: str, before: datetime, *, dry_run: bool) -> Iterator[Swept]:
    page: list[OpenUpload] = []
    with storage_errors():
        for held in oss_client(place).all_uploads(place.bucket, prefix):
            page += [held] if held.initiated < before else []
            if len(page) == BATCH:
                yield from _abort_orphans(place, page, before, dry_run=dry_run)
                page = []
        yield from _abort_orphans(place, page, before, dry_run=dry_run)


def _abort_orphans(place: Place, page: Sequence[OpenUpload], before: datetime, *, dry_run: bool) -> Iterator[Swept]:
    known = known_uploads(place.bucket, page)
    for held in page:
        if held.upload_id in known or _is_alive(place, held, before):
            continue
        if not dry_run:
            oss_client(place).abort(place.bucket, held.key, held.upload_id)
        yield Swept("would be orphan" if dry_run else "orphan", held.key, held.upload_id)


def _is_alive(place: Place, held: OpenUpload, before: datetime) -> bool:
    """Whether a part has arrived since then. An upload that has ended by now is left alone as well."""
    try:
        parts = oss_client(place).list_parts(place.bucket, held.key, held.upload_id)
    except NotFound as error:
        if error.code != "NoSuchUpload":
            raise
        return True
    return any(part.last_modified is not None and part.last_modified >= before for part in parts)


def known_uploads(bucket: str, held: Sequence[OpenUpload]) -> dict[str, Upload]:
    """The rows of these multipart uploads at OSS, by upload id; those of copies of staged files, too."""
    identifiers = [each.upload_id for each in held]
    # Each condition names that of its index: PostgreSQL does not conclude it from a long list.
    ours = Q(upload_id__in=identifiers) & ~Q(upload_id="") | Q(copy_id__in=identifiers) & ~Q(copy_id="")
    rows = Upload.objects.filter(ours, bucket=bucket).select_related("owner")
    return {name: upload for upload in rows for name in (upload.upload_id, upload.copy_id) if name in identifiers}
