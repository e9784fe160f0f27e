"""How many uploads there are, counted by the sweep: counting a million rows takes too long for a request."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import models
from django.db.models import Count, Sum
from django.utils import timezone

from uploads.models.held import HeldGroup, count_held
from uploads.models.upload import Upload

MIN_AGE = timedelta(minutes=1)
"""Counts that are younger are not counted again: several sweeps may run at once."""


class Group(TypedDict):
    """The uploads of one destination in one state. `bytes_done`: of their recorded parts."""

    state: str
    destination: str
    uploads: int
    bytes_done: int


class UploadCountsManager(models.Manager["UploadCounts"]):
    def refresh(self) -> None:
        """Count all uploads, unless it was done within MIN_AGE."""
        now = timezone.now()
        if self.filter(counted_at__gt=now - MIN_AGE).exists():
            return
        rows = Upload.objects.order_by().values("state", "destination")
        groups: list[Group] = [
            {**row, "bytes_done": row["bytes_done"] or 0}
            for row in rows.annotate(uploads=Count("id"), bytes_done=Sum("bytes_done"))
        ]
        self.update_or_create(pk=1, defaults={"counted_at": now, "groups": groups, "held": count_held(now)})

    def latest_counts(self) -> tuple[Sequence[Group], datetime | None]:
        """What was counted last, and when; nothing and None before the first sweep."""
        row = self.filter(pk=1).first()
        return (row.groups, row.counted_at) if row else ([], None)

    def latest_held(self) -> tuple[Sequence[HeldGroup], datetime | None]:
        """As `latest_counts`, of what OSS holds beside the objects of uploads."""
        row = self.filter(pk=1).first()
        return (row.held, row.counted_at) if row and row.held is not None else ([], None)


class UploadCounts(models.Model):
    """One row: the counts of the last sweep that counted."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    counted_at = models.DateTimeField()
    groups = models.JSONField(default=list, help_text="A list of Group.")
    held = models.JSONField(null=True, help_text="A list of HeldGroup.")

    objects = UploadCountsManager()

    def __str__(self) -> str:
        return f"counts of {self.counted_at}"
