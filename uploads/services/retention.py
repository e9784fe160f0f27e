"""Retention: objects and rows are deleted some days after the end of their uploads, as their destinations say.

Rule: nothing is deleted by a clock that OSS does not confirm: one that is years ahead would end all days at once. A row
to which another table of the project refers stays, and so does one at which a sweep has work left. Rows are deleted in
batches of their own transactions, so that a retention that was killed continues with the next sweep.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import Exists, F, Min, OuterRef, Q

from uploads.conf import Destination, settings
from uploads.domain.states import State
from uploads.models import CREDENTIALS_GRACE, ObjectRemoval, Part, PrefixCredentials, Upload, UploadEvent
from uploads.models import UploadQuerySet as Uploads
from uploads.models.databases import atomic, retry_deadlocks
from uploads.oss.clock import MAX_OFFSET

BATCH = 200
ENDED = (State.COMPLETED, State.ABORTED, State.FAILED, State.DELETED)


def has_retention(name: str) -> bool:
    """Whether this destination deletes anything after some days."""
    destination = settings.destinations[name]
    return destination.retention_days is not None or destination.object_retention_days is not None


def outdated_objects(now: datetime, without: Collection[str]) -> Iterator[Uploads]:
    """For each destination with a retention of objects: the completed uploads whose objects were kept long enough.

    `without`: the names of destinations to leave out.
    """
    for destination in settings.destinations.values():
        if destination.object_retention_days is not None and destination.name not in without:
            before = now - timedelta(days=destination.object_retention_days)
            yield _ended(destination, before, State.COMPLETED)


def forget_ended(now: datetime, without: Collection[str], *, dry_run: bool = False) -> Iterator[tuple[str, str, str]]:
    """Delete rows, history and finished removals that have been kept long enough. Yields what was done, and the key.

    The objects are not touched: `object_retention_days` removes them. `without`: as for `outdated_objects`.
    """
    for destination in settings.destinations.values():
        if destination.retention_days is None or destination.name in without:
            continue
        before = now - timedelta(days=destination.retention_days)
        rows = _forgettable(destination, before)
        if dry_run:
            yield from (("would be forgotten", key, "") for key in rows.values_list("key", flat=True).iterator())
            continue
        while forgotten := _forget(rows):
            yield from (("forgotten", key, "") for key in forgotten)
        _forget_removals(destination, before)


def _forgettable(destination: Destination, before: datetime) -> Uploads:
    waiting = Q(state__in=[State.ABORTED, State.FAILED], released_at=None)
    waiting |= Q(look_again_at__isnull=False) | Q(credentials_until__isnull=False)
    waiting |= ~Q(staging_key="") & Q(staging_removed_at=None)
    waiting &= ~Q(state=State.DELETED)  # What was left of these became a removal, which outlives the row.
    rows = _ended(destination, before, *ENDED).exclude(waiting)
    searched = _searched_from(destination)
    if searched is not None:
        # The search of a prefix would take the object of a forgotten row for a new one.
        rows = rows.filter(created_at__lt=searched, updated_at__lt=searched)
    for relation in _foreign_relations():
        others = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        rows = rows.exclude(Exists(others))
    return rows


def _ended(destination: Destination, before: datetime, *states: State) -> Uploads:
    return Upload.objects.filter(destination=destination.name, state__in=states, updated_at__lt=before)


def _foreign_relations() -> list[Any]:
    """The foreign keys of other apps to uploads, those of many-to-many tables included."""
    own = (Part, UploadEvent)
    found: list[Any] = list(Upload._meta.get_fields(include_hidden=True))
    return [each for each in found if (each.one_to_many or each.one_to_one) and each.related_model not in own]


def _searched_from(destination: Destination) -> datetime | None:
    """The objects of uploads that began and ended before are not searched any more; None if no search is due.

    Rows have the times of this machine's clock, which may be behind OSS's.
    """
    searched = PrefixCredentials.objects.filter(destination=destination.name)
    unfinished = searched.filter(searched_until__lte=F("valid_until") + CREDENTIALS_GRACE)
    oldest: datetime | None = unfinished.aggregate(oldest=Min("searched_until"))["oldest"]
    return None if oldest is None else oldest - destination.lifetime - MAX_OFFSET


@retry_deadlocks
def _forget_removals(destination: Destination, before: datetime) -> None:
    ObjectRemoval.objects.filter(destination=destination.name, done_at__lt=before).delete()


@retry_deadlocks
def _forget(rows: Uploads) -> list[str]:
    """Delete one batch of rows, without the signals that remove objects. Returns their keys."""
    batch = dict(rows.order_by().values_list("pk", "key")[:BATCH])
    try:
        with atomic():
            Part.objects.filter(upload__in=batch).delete()
            UploadEvent.objects.filter(upload__in=batch).delete()
            gone = Upload.objects.filter(pk__in=batch)
            gone._raw_delete(gone.db)
    except IntegrityError:  # A row of the project refers to one of them since. The next sweep leaves it out.
        return []
    return list(batch.values())
