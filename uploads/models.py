"""What the backend remembers: uploads, the parts it was told of, and who did what.

Rule: `UploadQuerySet.advance()` and `advance_many()` alone write `state`, by compare-and-set. Rows are hints; OSS is
the truth about parts and objects.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from io import BufferedReader
from typing import Any, Self

from django.conf import settings as django_settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from uploads.connection import oss_client
from uploads.domain import states
from uploads.domain.plan import Plan
from uploads.domain.states import State
from uploads.objects import download_url, open_object
from uploads.oss.errors import NotFound
from uploads.oss.limits import MAX_KEY_BYTES
from uploads.signals import announce

User = AbstractBaseUser | AnonymousUser
"""Whoever a request comes from."""


STATE_NAMES = {
    State.UPLOADING: _("uploading"),
    State.COMPLETING: _("completing"),
    State.COMPLETED: _("completed"),
    State.ABORTED: _("aborted"),
    State.FAILED: _("failed"),
}
"""As people read them; programs read the state itself."""


class Method(models.TextChoices):
    """How the bytes travel."""

    MULTIPART = "multipart", _("Multipart")
    POST = "post", _("Post")
    """One browser form: no preflight, and OSS itself holds it to its size and type."""
    PUT = "put", _("Put")
    """One PutObject, where a form cannot carry what is asked."""


class UploadQuerySet(models.QuerySet["Upload"]):
    """Uploads, in the words of the domain."""

    def for_user(self, user: User) -> Self:
        """The uploads that this user made."""
        return self.filter(owner_id=user.pk)

    def counted_against(self, user: User) -> Self:
        """What counts towards a user's bytes: everything but what came to nothing."""
        return self.for_user(user).exclude(state__in=[State.ABORTED, State.FAILED])

    def active(self) -> Self:
        return self.filter(state__in=[State.UPLOADING, State.COMPLETING])

    def stale(self, now: datetime, idle_since: datetime | None = None) -> Self:
        """Unfinished, and past their time; with `idle_since`, also those nobody has touched since then."""
        over = models.Q(expires_at__lt=now)
        if idle_since is not None:
            over |= models.Q(updated_at__lt=idle_since)
        return self.filter(over, state=State.UPLOADING)

    def unsettled(self, since: datetime) -> Self:
        """Being completed since before then: whoever was at it has died."""
        return self.filter(state=State.COMPLETING, updated_at__lt=since)

    def unreleased(self, since: datetime, url_life: timedelta) -> Self:
        """Ended, and OSS may still hold something: it did not hear of the end, or a URL that outlived it was used."""
        silent = models.Q(released_at=None, updated_at__lt=since)
        late = models.Q(
            method__in=[Method.POST, Method.PUT],
            state=State.ABORTED,
            released_at__lt=models.F("updated_at") + url_life,
            updated_at__lt=since - url_life,
        )
        return self.filter(silent | late, state__in=[State.ABORTED, State.FAILED])

    def claim(self, now: datetime, until: datetime, limit: int) -> list[uuid.UUID]:
        """Take on up to `limit` of these that no other sweep has; nobody else gets them before `until`."""
        free = self.filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)).order_by("updated_at")
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            taken = list(free.values_list("pk", flat=True)[:limit])
            Upload.objects.filter(pk__in=taken).update(claimed_until=until)
        return taken

    def advance(self, upload: "Upload", event: states.Event, *, actor: User | None = None, **values: Any) -> bool:
        """Move one upload by the state table and set `values` with it; False when it may not (or somebody was first).

        `upload` is brought up to date either way. The history is written in the same transaction.
        """
        with transaction.atomic():
            moved = self.filter(pk=upload.pk, state__in=states.sources(event)).update(
                state=states.destination(event), updated_at=timezone.now(), **values
            )
            if moved:
                detail = {"error": values["error"]} if values.get("error") else {}
                UploadEvent.objects.create(
                    upload=upload, name=event, actor_id=actor.pk if actor else None, detail=detail
                )
                transaction.on_commit(partial(announce, upload, event, actor))
            upload.refresh_from_db()
        return bool(moved)

    def advance_many(
        self, uploads: Sequence["Upload"], event: states.Event, fields: Sequence[str], *, actor: User | None = None
    ) -> list["Upload"]:
        """The same for many, in as many queries as for one: `fields` are written as they stand on each.

        Gives those that moved; the others are as they were handed in, not as they are."""
        with transaction.atomic():
            may = self.filter(pk__in=[upload.pk for upload in uploads], state__in=states.sources(event))
            locked = set(may.select_for_update().values_list("pk", flat=True))
            moved, now = [upload for upload in uploads if upload.pk in locked], timezone.now()
            for upload in moved:
                upload.state, upload.updated_at = states.destination(event), now
            # All of them are there and locked, so this only updates: bulk_update would write a CASE for every value.
            changed = ["state", "updated_at", *fields]
            self.bulk_create(moved, update_conflicts=True, unique_fields=["id"], update_fields=changed)
            actor_id = actor.pk if actor else None
            UploadEvent.objects.bulk_create(UploadEvent(upload=each, name=event, actor_id=actor_id) for each in moved)
            for upload in moved:
                transaction.on_commit(partial(announce, upload, event, actor))
        return moved


class Upload(models.Model):
    """One file on its way into one object."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads", verbose_name=_("owner")
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=[(state.value, name) for state, name in STATE_NAMES.items()],
        default=State.UPLOADING,
    )
    destination = models.CharField(_("destination"), max_length=64)
    bucket = models.CharField(_("bucket"), max_length=63)
    key = models.CharField(_("key"), max_length=MAX_KEY_BYTES)
    upload_id = models.CharField(
        _("upload id"), max_length=255, blank=True, help_text=_("OSS's name for the multipart upload.")
    )
    method = models.CharField(_("method"), max_length=9, choices=Method.choices)

    filename = models.CharField(_("filename"), max_length=1024)
    content_type = models.CharField(_("content type"), max_length=255)
    size = models.BigIntegerField(_("size"), null=True, blank=True, help_text=_("Bytes; unknown until a stream ends."))
    is_stream = models.BooleanField(
        _("is stream"), default=False, help_text=_("Begun without a size; its parts may have any.")
    )
    part_size = models.BigIntegerField(_("part size"), help_text=_("Bytes of every part but the last."))
    fingerprint = models.CharField(
        _("fingerprint"), max_length=128, blank=True, help_text=_("By which a page recognises the file again.")
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    options = models.JSONField(
        _("options"), default=dict, blank=True, help_text=_("What the object is given: see uploads.domain.options.")
    )
    secret = models.CharField(max_length=43, blank=True, help_text="By which OSS's callback for it is known.")
    idempotency_key = models.CharField(max_length=80, blank=True, help_text="Of the request that began it, hashed.")

    parts_done = models.IntegerField(_("parts done"), default=0)
    bytes_done = models.BigIntegerField(_("bytes done"), default=0)

    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    released_at = models.DateTimeField(
        _("released at"), null=True, blank=True, help_text=_("When OSS had dropped an ended upload's parts.")
    )

    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="A sweep has taken it on, and will be done with it by then."
    )

    expected = models.JSONField(
        null=True, blank=True, help_text="ETag and CRC64 that the object must have; known before OSS is asked."
    )
    etag = models.CharField(_("ETag"), max_length=64, blank=True)
    crc64 = models.CharField(_("CRC64"), max_length=20, blank=True, help_text=_("Unsigned decimal, as OSS writes it."))
    location = models.TextField(_("location"), blank=True)
    callback = models.JSONField(_("callback"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-created_at", "-id"]
        permissions = [("abort_upload", "Can abort uploads of other users")]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="uploads_of_owner"),
            models.Index(fields=["-created_at", "-id"], name="uploads_newest"),
            models.Index(fields=["owner", "fingerprint"], name="uploads_of_fingerprint"),
            models.Index(
                fields=["expires_at"],
                name="uploads_unfinished",
                condition=models.Q(state__in=[State.UPLOADING, State.COMPLETING]),
            ),
            models.Index(fields=["upload_id"], name="uploads_at_oss", condition=~models.Q(upload_id="")),
            models.Index(
                fields=["updated_at"],
                name="uploads_unreleased",
                condition=models.Q(released_at=None, state__in=[State.ABORTED, State.FAILED]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="uploads_state_known", condition=models.Q(state__in=[state.value for state in State])
            ),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                name="uploads_begun_once",
                condition=~models.Q(idempotency_key=""),
            ),
            models.CheckConstraint(name="uploads_size_positive", condition=models.Q(size__gte=0, part_size__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.get_state_display()})"

    def url(self, expires: int = 3600, filename: str | None = None) -> str:
        """A signed address to download the object, good for so many seconds. `filename`: under this name instead of its
        own; empty: shown by the browser, where it can."""
        return download_url(self.bucket, self.key, expires, self.filename if filename is None else filename)

    def open(self) -> BufferedReader:
        """The object's bytes as a file, read a range at a time. Raises FileNotFoundError before it is there."""
        try:
            return open_object(oss_client(), self.bucket, self.key)
        except NotFound as error:
            raise FileNotFoundError(self.key) from error

    @property
    def plan(self) -> Plan:
        if self.is_stream or self.size is None:
            return Plan(None, self.part_size, None)
        return Plan(self.size, self.part_size, max(1, -(-self.size // self.part_size)))

    @property
    def part_count(self) -> int | None:
        """None while a stream goes on; then as many as there were."""
        return self.parts_done if self.is_stream and self.size is not None else self.plan.part_count


class Part(models.Model):
    """A part that the browser, or OSS, told of: the checkpoint. Gone when the upload has ended."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.IntegerField()
    etag = models.CharField(max_length=64, blank=True, help_text="Empty where the bucket's CORS hides it.")
    size = models.BigIntegerField()
    crc64 = models.CharField(max_length=20, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="uploads_one_part_per_number")]

    def __str__(self) -> str:
        return f"part {self.number}"


class UploadEvent(models.Model):
    """Who did what, when. Written by services only; never changed."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="events")
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
