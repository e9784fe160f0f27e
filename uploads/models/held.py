"""What OSS holds of uploads that are no objects of the site: bytes by destination and age, counted by the sweep.

Rule: the bytes of an upload are those of its recorded parts. OSS may hold more, where clients record nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from uploads.domain.states import State
from uploads.models.orphans import Kind, Orphan
from uploads.models.upload import Upload

AGES = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""The limits between the ages of a group: 0 is below the first limit, len(AGES) beyond the last."""
UNFINISHED, ENDED = "unfinished", "ended"
"""Beside those of `Kind`: uploads that may be continued, and ended ones that OSS has not dropped."""


class HeldGroup(TypedDict):
    """`kind`: UNFINISHED, ENDED or one of `Kind`. `age`: see AGES."""

    kind: str
    destination: str
    age: int
    number: int
    bytes: int


def count_held(now: datetime) -> list[HeldGroup]:
    """Four queries. They read the unfinished and unreleased uploads, and the orphans."""
    ended = Q(state__in=[State.ABORTED, State.FAILED], released_at=None)
    return [
        *_groups(UNFINISHED, Upload.objects.active(), "created_at", "bytes_done", now),
        *_groups(ENDED, Upload.objects.filter(ended), "created_at", "bytes_done", now),
        *(
            group
            for kind in Kind.values
            for group in _groups(kind, Orphan.objects.held().filter(kind=kind), "began_at", "bytes", now)
        ),
    ]


def _groups(kind: str, rows: "QuerySet[Any]", began: str, size: str, now: datetime) -> Iterator[HeldGroup]:
    younger = [When(**{f"{began}__gt": now - limit}, then=Value(age)) for age, limit in enumerate(AGES)]
    age = Case(*younger, default=Value(len(AGES)), output_field=IntegerField())
    grouped = rows.order_by().annotate(age=age).values_list("destination", "age")
    for destination, oldness, number, total in grouped.annotate(Count("pk"), total=Coalesce(Sum(size), 0)):
        yield {"kind": kind, "destination": destination, "age": oldness, "number": number, "bytes": total}
