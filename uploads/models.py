"""The rows: uploads, their checkpoints, and their history.

Rule: `UploadQuerySet.advance_many()` alone writes `state`, by compare-and-set. Rows are hints; OSS is the truth about
parts and objects.
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
from uploads.domain.retries import MAX_ATTEMPTS
from uploads.domain.states import State
from uploads.objects import download_url, open_object
from uploads.oss.errors import NotFound
from uploads.oss.limits import MAX_KEY_BYTES
from uploads.signals import announce

User = AbstractBaseUser | AnonymousUser
"""The user of a request."""


STATE_NAMES = {
    State.UPLOADING: _("uploading"),
    State.COMPLETING: _("completing"),
    State.COMPLETED: _("completed"),
    State.ABORTED: _("aborted"),
    State.FAILED: _("failed"),
}
"""Names for people; programs use the state itself."""


class Method(models.TextChoices):
    """The requests that send the bytes."""

    MULTIPART = "multipart", _("Multipart")
    POST = "post", _("Post")
    """One PostObject form: no preflight, and OSS enforces size and type."""
    PUT = "put", _("Put")
    """One PutObject, for options that a form cannot carry."""


class UploadQuerySet(models.QuerySet["Upload"]):
    """Sets of uploads by the terms of the domain."""

    def for_user(self, user: User) -> Self:
        """The uploads of this user."""
        return self.filter(owner_id=user.pk)

    def counted_against(self, user: User) -> Self:
        """The uploads that count towards a user's quota: all but aborted and failed ones that OSS has dropped."""
        return self.for_user(user).exclude(state__in=[State.ABORTED, State.FAILED], released_at__isnull=False)

    def active(self) -> Self:
        return self.filter(state__in=[State.UPLOADING, State.COMPLETING])

    def stale(self, now: datetime, idle_since: datetime | None = None) -> Self:
        """Unfinished and expired; with `idle_since`, also those untouched since then."""
        over = models.Q(expires_at__lt=now)
        if idle_since is not None:
            over |= models.Q(updated_at__lt=idle_since)
        return self.filter(over, state=State.UPLOADING)

    def unsettled(self, since: datetime) -> Self:
        """Completing since before `since`: the process that claimed them was killed, or OSS did not answer."""
        return self.filter(state=State.COMPLETING, updated_at__lt=since)

    def unreported(self, since: datetime) -> Self:
        """Files of unknown size to be sent in one request, begun before `since`: their clients may not report them."""
        return self.filter(
            state=State.UPLOADING, is_stream=True, method__in=[Method.POST, Method.PUT], updated_at__lt=since
        )

    def unreleased(self, since: datetime, now: datetime) -> Self:
        """Ended, but OSS may still hold data: the release did not reach it, or a signature was used after the end."""
        silent = models.Q(released_at=None, updated_at__lt=since, attempts__lt=MAX_ATTEMPTS)
        return self.filter(silent | models.Q(look_again_at__lt=now), state__in=[State.ABORTED, State.FAILED])

    def credentials_expired(self, now: datetime) -> Self:
        """Ended while credentials for it were alive, which have expired by now."""
        return self.filter(credentials_until__lt=now, state__in=[State.COMPLETED, State.ABORTED, State.FAILED])

    def claim(self, now: datetime, until: datetime, limit: int) -> list[uuid.UUID]:
        """Claim up to `limit` of these for one sweep; no other sweep gets them before `until`."""
        free = self.filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)).order_by("updated_at")
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            taken = list(free.values_list("pk", flat=True)[:limit])
            Upload.objects.filter(pk__in=taken).update(claimed_until=until)
        return taken

    def advance(self, upload: "Upload", event: states.Event, *, actor: User | None = None, **values: Any) -> bool:
        """Move one upload by the state table and set `values` with it; False if it may not, or somebody was first.

        `upload` is brought up to date either way. The history is written in the same transaction.
        """
        for name, value in values.items():
            setattr(upload, name, value)
        moved = self.advance_many([upload], event, tuple(values), actor=actor)
        upload.refresh_from_db()
        return bool(moved)

    def advance_many(
        self, uploads: Sequence["Upload"], event: states.Event, fields: Sequence[str] = (), *, actor: User | None = None
    ) -> list["Upload"]:
        """Move `uploads` by the state table; `fields` are written with it, as they stand on each.

        Returns those that moved. A row that may not move, or that somebody else has moved first, stays as it is in the
        database, and its instance as it was handed in. Costs as many queries for many uploads as for one.
        """
        target, now, alone = states.destination(event), timezone.now(), len(uploads) == 1
        with transaction.atomic():
            rows = self.filter(pk__in=[upload.pk for upload in uploads], state__in=states.sources(event))
            if not alone and connection.features.has_select_for_update:
                # Batches that overlap lock their rows in the same order. Otherwise they would deadlock.
                list(rows.order_by("pk").select_for_update().values_list("pk"))
            before = None if alone else transaction.savepoint()
            values = {name: getattr(uploads[0], name) for name in fields} if alone else {}
            count = rows.update(state=target, updated_at=now, **values)
            if count < len(uploads):
                if before is None:
                    return []
                # Which of them were moved by others cannot be told from a count: compare and set one by one.
                transaction.savepoint_rollback(before)
                return [moved for each in uploads for moved in self.advance_many([each], event, fields, actor=actor)]
            for upload in uploads:
                upload.state, upload.updated_at = target, now
            if fields and not alone:
                # All of them are there and ours, so this only updates: bulk_update would write a CASE for every value.
                self.bulk_create(uploads, update_conflicts=True, unique_fields=["id"], update_fields=fields)
            record_events(uploads, event, actor)
        return list(uploads)


def record_events(uploads: Sequence["Upload"], event: str, actor: User | None) -> None:
    """Write the history, and announce the event once the transaction is committed."""
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
    for upload in uploads:
        transaction.on_commit(partial(announce, upload, event, actor))


REGISTERED_ID_VERSION = 5
"""The id is a hash that names the object (`services.common.object_identity`). Other ids are random: version 4."""


class Upload(models.Model):
    """The upload of one file into one object."""

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
    relative_path = models.CharField(
        _("relative path"), max_length=1024, blank=True, help_text=_("The file's path in the folder that was chosen.")
    )
    content_type = models.CharField(_("content type"), max_length=255)
    size = models.BigIntegerField(_("size"), null=True, blank=True, help_text=_("Bytes; unknown until a stream ends."))
    is_stream = models.BooleanField(
        _("is stream"), default=False, help_text=_("Begun without a size; its parts may have any.")
    )
    part_size = models.BigIntegerField(_("part size"), help_text=_("Bytes of every part but the last."))
    reserved = models.BigIntegerField(
        _("reserved"), null=True, blank=True, help_text=_("The most bytes that a file of unknown size may have.")
    )
    fingerprint = models.CharField(
        _("fingerprint"), max_length=128, blank=True, help_text=_("By which a page recognises the file again.")
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    options = models.JSONField(
        _("options"), default=dict, blank=True, help_text=_("What the object is given: see uploads.domain.options.")
    )
    secret = models.CharField(max_length=43, blank=True, help_text="By which OSS's callback for it is known.")
    idempotency_key = models.CharField(max_length=80, blank=True, help_text="Of the request that began it, hashed.")
    request_hash = models.CharField(
        max_length=64, blank=True, help_text="Of the whole request that began it with an Idempotency-Key."
    )

    parts_done = models.IntegerField(_("parts done"), default=0)
    bytes_done = models.BigIntegerField(_("bytes done"), default=0)

    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    released_at = models.DateTimeField(
        _("released at"), null=True, blank=True, help_text=_("When OSS had dropped an ended upload's parts.")
    )

    credentials_until = models.DateTimeField(
        null=True, blank=True, help_text="The latest expiry of credentials that were issued for it."
    )
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="No sweep works on it before: one has claimed it, or an attempt has failed."
    )
    look_again_at = models.DateTimeField(
        null=True, blank=True, help_text="When every signature for an ended upload has expired: the sweep looks again."
    )
    attempts = models.PositiveSmallIntegerField(
        _("failed attempts"),
        default=0,
        db_default=0,
        help_text=_("Attempts of the sweep that failed since the last success."),
    )
    sweep_error = models.JSONField(null=True, blank=True, help_text="Why the last attempt of the sweep failed.")

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
            models.Index(
                fields=["credentials_until"],
                name="uploads_credentials",
                condition=models.Q(credentials_until__isnull=False),
            ),
            models.Index(fields=["upload_id"], name="uploads_at_oss", condition=~models.Q(upload_id="")),
            models.Index(
                fields=["updated_at"],
                name="uploads_unreleased",
                condition=models.Q(released_at=None, state__in=[State.ABORTED, State.FAILED]),
            ),
            models.Index(
                fields=["look_again_at"],
                name="uploads_to_look_at_again",
                condition=models.Q(look_again_at__isnull=False),
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
        """A presigned URL that downloads the object, valid for `expires` seconds.

        `filename` replaces the upload's own name; with an empty one the browser shows the object if it can.
        """
        return download_url(self.bucket, self.key, expires, self.filename if filename is None else filename)

    def open(self) -> BufferedReader:
        """The object as a file, read range by range. Raises FileNotFoundError if there is no object."""
        try:
            return open_object(oss_client(), self.bucket, self.key)
        except NotFound as error:
            raise FileNotFoundError(self.key) from error

    @property
    def is_registered(self) -> bool:
        """Whether a client stored the object by itself, with credentials for a prefix, and the row was made later."""
        return self.pk.version == REGISTERED_ID_VERSION

    @property
    def plan(self) -> Plan:
        if self.is_stream or self.size is None:
            return Plan(None, self.part_size, None)
        return Plan(self.size, self.part_size, max(1, -(-self.size // self.part_size)))

    @property
    def part_count(self) -> int | None:
        """None until a stream ends."""
        return self.parts_done if self.is_stream and self.size is not None else self.plan.part_count


class PrefixCredentialsQuerySet(models.QuerySet["PrefixCredentials"]):
    """Sets of prefixes for which credentials were issued."""

    def extend(self, user: User, destination: str, bucket: str, prefix: str, until: datetime) -> None:
        """Note that the user holds credentials for this prefix until `until`, before they are issued."""
        now, same = timezone.now(), {"destination": destination, "bucket": bucket, "prefix": prefix}
        held = self.filter(owner_id=user.pk, **same)
        # Whoever writes to the prefix while nobody holds credentials for it is not a browser.
        held.filter(searched_until__gt=models.F("valid_until") + CREDENTIALS_GRACE).update(
            since=now - CREDENTIALS_GRACE, searched_until=now - CREDENTIALS_GRACE, cursor=""
        )
        if not held.update(valid_until=until):
            start = now - CREDENTIALS_GRACE
            held_now = {"valid_until": until, "since": start, "searched_until": start}
            self.create(owner_id=user.pk, **same, **held_now)  # type: ignore[misc]  # AnonymousUser has none.

    def due(self, now: datetime) -> Self:
        """Those under which objects may lie that have no row yet, and that no other sweep is searching."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        return self.filter(free, searched_until__lte=models.F("valid_until") + CREDENTIALS_GRACE)

    def claim(self, held: "PrefixCredentials", now: datetime, until: datetime) -> bool:
        """Claim one for a search, by compare-and-set; False if another sweep was first."""
        return bool(self.due(now).filter(pk=held.pk).update(claimed_until=until))


CREDENTIALS_GRACE = timedelta(minutes=15)
"""By so much may the clocks of OSS and of this server differ."""


class PrefixCredentials(models.Model):
    """The credentials that a user holds for a prefix, and how far the prefix was searched for their objects."""

    owner = models.ForeignKey(django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    destination = models.CharField(max_length=64)
    bucket = models.CharField(max_length=63)
    prefix = models.CharField(max_length=MAX_KEY_BYTES)
    valid_until = models.DateTimeField(help_text="The latest expiry of credentials that were issued.")
    since = models.DateTimeField(help_text="Objects that are older do not come from these credentials.")
    searched_until = models.DateTimeField(help_text="Objects that were stored before this time have their rows.")
    search_began = models.DateTimeField(null=True, blank=True)
    cursor = models.CharField(
        max_length=MAX_KEY_BYTES, blank=True, help_text="The key after which the search continues."
    )
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = PrefixCredentialsQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "destination"], name="uploads_prefix_held")]

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}"


class Part(models.Model):
    """The checkpoint of one part, as the browser or OSS reported it. Deleted when the upload ends."""

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
    """The history: who did what, and when. Written by `record_events` only, and never changed."""

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


class CompanionRevocation(models.Model):
    """When a user revoked the Companion URLs that they had been issued."""

    user = models.OneToOneField(django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"revoked at {self.at:%Y-%m-%d %H:%M:%S}"
