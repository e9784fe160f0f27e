"""Orphans: what a search has found at OSS that no upload here knows, and how far the searches are.

Rule: a row is a report for administrators. OSS is the truth: before anything is aborted, it is asked again.
"""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

from django.db import models
from django.utils.translation import gettext_lazy as _

from uploads.models.databases import atomic, database
from uploads.oss.limits import MAX_KEY_BYTES

_NAMES = UUID("3c0f6a76-4c53-4a8e-8a55-7b0d7f1f1c02")


class Kind(models.TextChoices):
    """What OSS holds."""

    MULTIPART = "multipart", _("multipart upload")
    OBJECT = "object", _("object")


def orphan_id(bucket: str, key: str, upload_id: str) -> UUID:
    """The id of an orphan's row. A key is too long for a unique index of MySQL. `upload_id`: empty for an object."""
    return uuid5(_NAMES, "\n".join((bucket, key, upload_id)))


class OrphanSearch(models.Model):
    """How far the search for one kind of orphans below one prefix is. One row for each."""

    id = models.UUIDField(primary_key=True, editable=False)
    place = models.CharField(max_length=255, help_text="The name that `settings.place` takes.")
    prefix = models.CharField(max_length=MAX_KEY_BYTES)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    cursor = models.JSONField(default=list, help_text="The markers of the next page at OSS; empty at the beginning.")
    began_at = models.DateTimeField(null=True, help_text="When the current or the last search began.")
    ended_at = models.DateTimeField(null=True, help_text="When the last complete search had begun: the figures' time.")
    due_at = models.DateTimeField(help_text="When the next step follows. A claim moves it.")
    error = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.place}/{self.prefix}"


def search_id(place: str, prefix: str, kind: Kind) -> UUID:
    """The id of the row of a search."""
    return uuid5(_NAMES, "\n".join((place, prefix, kind)))


class OrphanQuerySet(models.QuerySet["Orphan"]):
    """Sets of orphans."""

    def held(self) -> Self:
        """Those that OSS still has, as far as is known."""
        return self.filter(gone_at=None)

    def claim(self, now: datetime, until: datetime, limit: int) -> list[UUID]:
        """Claim up to `limit` of those whose abort is due; nobody else gets them before `until`."""
        free = self.filter(due_at__lte=now).order_by("due_at")
        with atomic():
            if database().features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            taken = list(free.values_list("pk", flat=True)[:limit])
            Orphan.objects.filter(pk__in=taken).update(due_at=until)
        return taken


class Orphan(models.Model):
    """A multipart upload or an object at OSS that belongs to no upload here."""

    id = models.UUIDField(primary_key=True, editable=False)
    search = models.ForeignKey(OrphanSearch, models.CASCADE, null=True, related_name="found", editable=False)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    destination = models.CharField(_("destination"), max_length=64)
    bucket = models.CharField(_("bucket"), max_length=63)
    key = models.CharField(_("key"), max_length=MAX_KEY_BYTES)
    upload_id = models.CharField(_("upload id"), max_length=255, blank=True)
    bytes = models.BigIntegerField(_("bytes"), default=0)
    began_at = models.DateTimeField(_("begun at"))
    seen_at = models.DateTimeField(_("seen at"), help_text=_("When a search has found it last."))
    due_at = models.DateTimeField(
        _("next attempt"), null=True, blank=True, help_text=_("Of the abort that somebody has asked for.")
    )
    gone_at = models.DateTimeField(
        _("aborted at"), null=True, blank=True, help_text=_("When OSS had nothing of it any more.")
    )
    attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0, db_default=0)
    error = models.JSONField(_("error"), null=True, blank=True)

    objects = OrphanQuerySet.as_manager()

    class Meta:
        verbose_name = _("orphan")
        verbose_name_plural = _("orphans")
        ordering = ["began_at", "id"]
        indexes = [
            models.Index(fields=["began_at", "id"], name="uploads_orphans_oldest"),
            models.Index(fields=["destination", "began_at"], name="uploads_orphans_destination"),
            models.Index(fields=["due_at"], name="uploads_orphans_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        # The log of administrators keeps this text: without the file's name, the end of the key.
        return f"{self.bucket}/{self.key.rpartition('/')[0]}/ {self.upload_id}".strip()
