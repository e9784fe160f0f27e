"""Removals: the record of an object that must be removed at OSS. It outlives the upload's row.

Rule: a removal is written in the transaction that deletes the upload, and carried out after the commit, or by the
sweep. When it is done, it keeps what was removed, when, why and with which outcome, but no key and no owner.
"""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from uploads.models.databases import atomic, database
from uploads.oss.limits import MAX_KEY_BYTES


class Reason(models.TextChoices):
    """Why an object is removed."""

    OBJECT = "object", _("the object was deleted")
    """`services.delete_object`, or DELETE of a completed upload."""
    ROW = "row", _("the upload was deleted")
    OWNER = "owner", _("the user was deleted")
    RETENTION = "retention", _("the retention is over")
    ERASURE = "erasure", _("the user's data was erased")


class Outcome(models.TextChoices):
    """What OSS had under the key."""

    REMOVED = "removed", _("removed")
    ABSENT = "absent", _("there was no object")
    REPLACED = "replaced", _("kept, because another object has the key")


class ObjectRemovalQuerySet(models.QuerySet["ObjectRemoval"]):
    """Sets of removals."""

    def pending(self) -> Self:
        """Those that are not done: OSS has the object, or may get it again by a URL that is still valid."""
        return self.filter(due_at__isnull=False)

    def unremoved(self) -> Self:
        """Those whose object OSS may still have, because it has not answered."""
        return self.pending().filter(emptied_at=None)

    def due(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now)

    def claim(self, now: datetime, until: datetime, limit: int) -> list[uuid.UUID]:
        """Claim up to `limit` of those that are due; nobody else gets them before `until`."""
        free = self.due(now).order_by("due_at")
        with atomic():
            if database().features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            taken = list(free.values_list("pk", flat=True)[:limit])
            ObjectRemoval.objects.filter(pk__in=taken).update(due_at=until, error=None)
        return taken


class ObjectRemoval(models.Model):
    """What is to be removed under one key: an object, and the parts of a multipart upload."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.UUIDField(_("id of the upload"), db_index=True)
    destination = models.CharField(_("destination"), max_length=64)
    bucket = models.CharField(_("bucket"), max_length=63)
    key = models.CharField(_("key"), max_length=MAX_KEY_BYTES, blank=True, help_text=_("Emptied when it is done."))
    upload_id = models.CharField(max_length=255, blank=True, help_text="OSS's name for a multipart upload to abort.")
    etag = models.CharField(max_length=64, blank=True, help_text="Of the object; empty if none was recorded.")
    owner = models.CharField(
        max_length=255, blank=True, db_index=True, help_text="The id of the user whose upload it was. Emptied at last."
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    requested_at = models.DateTimeField(_("requested at"))
    due_at = models.DateTimeField(
        _("next attempt"), null=True, blank=True, help_text=_("Empty when it is done. A claim moves it.")
    )
    look_until = models.DateTimeField(help_text="When every signature has expired that can write to the key.")
    emptied_at = models.DateTimeField(
        _("removed at"), null=True, blank=True, help_text=_("When OSS had no object of the upload any more.")
    )
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, blank=True, choices=Outcome.choices)
    attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0, db_default=0)
    error = models.JSONField(_("error"), null=True, blank=True)

    objects = ObjectRemovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("removal")
        verbose_name_plural = _("removals")
        ordering = ["-requested_at", "-id"]
        indexes = [
            models.Index(fields=["due_at"], name="uploads_removals_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["destination", "done_at"], name="uploads_removals_done"),
            models.Index(fields=["-requested_at", "-id"], name="uploads_removals_listed"),
            models.Index(fields=["reason", "-requested_at"], name="uploads_removals_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.upload} ({self.get_reason_display()})"
