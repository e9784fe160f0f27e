"""Orphans: multipart uploads at OSS that no row belongs to. Manual: ListMultipartUploads, ListParts.

Rule: never abort what lives. Age counts from the last part, and only keys that begin with a directory of our own are
looked at: other applications may use the same bucket.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils import timezone

from uploads.conf import settings
from uploads.domain.destination import outermost_prefixes
from uploads.domain.errors import Conflict, UploadError
from uploads.domain.places import Place
from uploads.oss.messages import OpenUpload
from uploads.services.common import storage_errors
from uploads.services.known_uploads import known_uploads
from uploads.services.orphan_aborts import abort_if_orphan, orphan_of, quiet_since, require_orphan
from uploads.services.orphan_search import destination_of_key
from uploads.services.sweep import BATCH, Swept
from uploads.services.transactions import oss_client

MAX_FAILURES = 5
"""Aborts that fail one after the other, after which a place is left to the next sweep."""


def sweep_orphans(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Swept]:
    """Abort multipart uploads in our buckets, under our prefixes, that have no row and got no part for ORPHAN_AGE.

    A place that fails does not stop the others: its error (StorageBusy, StorageRefused) is raised at the end.
    """
    now = now or timezone.now()
    errors: list[UploadError] = []
    for name, destinations in settings.buckets.items():
        for destination in destinations:
            if not destination.has_own_prefix:
                yield Swept("refused", f"destination {destination.name}", NO_PREFIX)
        try:
            for prefix in outermost_prefixes(each for each in destinations if each.has_own_prefix):
                yield from _sweep_prefix(settings.place(name), prefix, now, dry_run=dry_run)
        except UploadError as error:
            errors.append(error)
    if errors:
        raise errors[0]


NO_PREFIX = (
    "Its keys do not begin with a directory of their own, so orphans cannot be told from the uploads of other "
    "applications. Begin the key template with a directory, such as uploads/."
)


def _sweep_prefix(place: Place, prefix: str, now: datetime, *, dry_run: bool) -> Iterator[Swept]:
    page: list[OpenUpload] = []
    with storage_errors():
        for held in oss_client(place).all_uploads(place.bucket, prefix):
            page += [held] if held.initiated < quiet_since(place, now) else []
            if len(page) == BATCH:
                yield from _abort_orphans(place, page, now, dry_run=dry_run)
                page = []
        yield from _abort_orphans(place, page, now, dry_run=dry_run)


def _abort_orphans(place: Place, page: Sequence[OpenUpload], now: datetime, *, dry_run: bool) -> Iterator[Swept]:
    """What cannot be aborted is counted, and the sweep tries again. Raises the error of the last of MAX_FAILURES."""
    known, failures = known_uploads(place.bucket, page), 0
    for held in page:
        if held.upload_id in known:
            continue
        destination = destination_of_key(held.key, settings.buckets[place.name or place.bucket]).name
        orphan = orphan_of(place.bucket, destination, held.key, held.upload_id)
        try:
            had_it = require_orphan(orphan, now) if dry_run else abort_if_orphan(orphan, now)
        except Conflict:
            continue
        except UploadError as error:
            failures += 1
            if failures == MAX_FAILURES:
                raise
            yield Swept("failed", held.key, error.advice)
        else:
            failures = 0
            if had_it:
                yield Swept("would be orphan" if dry_run else "orphan", held.key, held.upload_id)
