"""The checkpoint of an upload's parts, and its history."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone

from uploads.domain import states
from uploads.models.choices import User
from uploads.models.databases import conflict_target, database, on_commit
from uploads.models.webhooks import record_webhooks
from uploads.signals import announce


class PartQuerySet(models.QuerySet["Part"]):
    """Sets of checkpoints."""

    def record(self, upload_id: UUID, parts: Collection[tuple[int, int, str, str]], now: datetime) -> None:
        """Write parts of one upload, in any order: number, size, ETag and CRC64. One that is recorded is replaced."""
        if database().vendor == "postgresql" and parts:
            # Django would handle each value by itself, which takes four times as long for a thousand parts.
            statement = _RECORD_PARTS.format(table=database().ops.quote_name(self.model._meta.db_table))
            with database().cursor() as cursor:
                cursor.execute(statement, [upload_id, now, *map(list, zip(*parts, strict=True))])
            return
        rows = [
            Part(upload_id=upload_id, number=number, size=size, etag=etag, crc64=crc64, recorded_at=now)
            for number, size, etag, crc64 in parts
        ]
        changed = ["size", "etag", "crc64", "recorded_at"]
        self.bulk_create(rows, update_fields=changed, **conflict_target("upload", "number"))


_RECORD_PARTS = """
INSERT INTO {table} (upload_id, recorded_at, number, size, etag, crc64)
SELECT %s, %s, * FROM unnest(%s::integer[], %s::bigint[], %s::text[], %s::text[])
ON CONFLICT (upload_id, number) DO UPDATE
SET recorded_at = excluded.recorded_at, size = excluded.size, etag = excluded.etag, crc64 = excluded.crc64
"""


class Part(models.Model):
    """The checkpoint of one part, as the browser or OSS reported it. Deleted when the upload ends."""

    upload = models.ForeignKey("Upload", on_delete=models.CASCADE, related_name="parts")
    number = models.IntegerField()
    etag = models.CharField(max_length=64, blank=True, help_text="Empty where the bucket's CORS hides it.")
    size = models.BigIntegerField()
    crc64 = models.CharField(max_length=20, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = PartQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="uploads_one_part_per_number")]

    def __str__(self) -> str:
        return f"part {self.number}"


class UploadEvent(models.Model):
    """The history: who did what, and when. Written by `record_events` only, and never changed."""

    upload = models.ForeignKey("Upload", on_delete=models.CASCADE, related_name="events")
    name = models.CharField(max_length=20)
    actor = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"


def record_events(uploads: Sequence[Any], event: str, actor: User | None) -> None:
    """Write the history and the webhooks, and announce the event once the transaction is committed."""
    actor_id = actor.pk if actor else None
    UploadEvent.objects.bulk_create(
        UploadEvent(
            upload=upload,
            name=event,
            actor_id=actor_id,
            detail={"error": upload.error} if event == states.Event.FAIL and upload.error else {},
        )
        for upload in uploads
    )
    record_webhooks(uploads, event)
    for upload in uploads:
        on_commit(partial(announce, upload, event, actor))
