"""Orphans: multipart uploads at OSS that no row belongs to. Manual: ListMultipartUploads, ListParts.

Rule: never abort what lives. Age counts from the last part, and only keys that begin with a directory of our own are
looked at: other applications may use the same bucket.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils import timezone

from uploads.conf import settings
from uploads.connection import oss_offset
from uploads.domain.destination import outermost_prefixes
from uploads.domain.errors import UploadError
from uploads.domain.places import Place
from uploads.oss.messages import OpenUpload
from uploads.services.common import parts_at, storage_errors
from uploads.services.known_uploads import ORPHAN_AGE, known_uploads
from uploads.services.orphan_aborts import abort_orphan, orphan_of
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


def _quiet_since(place: Place, now: datetime) -> datetime:
    """An orphan got no part since. By OSS's clock, as the times of parts are: a listing has told it."""
    return now + oss_offset(place) - ORPHAN_AGE


def _sweep_prefix(place: Place, prefix: str, now: datetime, *, dry_run: bool) -> Iterator[Swept]:
    page: list[OpenUpload] = []
    with storage_errors():
        for held in oss_client(place).all_uploads(place.bucket, prefix):
            page += [held] if held.initiated < _quiet_since(place, now) else []
            if len(page) == BATCH:
                yield from _abort_orphans(place, page, now, dry_run=dry_run)
                page = []
        yield from _abort_orphans(place, page, now, dry_run=dry_run)


def _abort_orphans(place: Place, page: Sequence[OpenUpload], now: datetime, *, dry_run: bool) -> Iterator[Swept]:
    """What cannot be aborted is counted, and the sweep tries again. Raises the error of the last of MAX_FAILURES."""
    known, failures, before = known_uploads(place.bucket, page), 0, _quiet_since(place, now)
    for held in page:
        if held.upload_id in known or _is_alive(place, held, before):
            continue
        if dry_run:
            yield Swept("would be orphan", held.key, held.upload_id)
            continue
        try:
            destination = destination_of_key(held.key, settings.buckets[place.name or place.bucket]).name
            abort_orphan(orphan_of(place.bucket, destination, held.key, held.upload_id))
        except UploadError as error:
            failures += 1
            if failures == MAX_FAILURES:
                raise
            yield Swept("failed", held.key, error.advice)
        else:
            failures = 0
            yield Swept("orphan", held.key, held.upload_id)


def _is_alive(place: Place, held: OpenUpload, before: datetime) -> bool:
    """Whether a part has arrived since then. An upload that has ended by now is left alone as well."""
    parts = parts_at(place, held.key, held.upload_id)
    return parts is None or any(part.last_modified is not None and part.last_modified >= before for part in parts)
