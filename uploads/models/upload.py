"""Uploads: the row of one, and sets of them.

Rule: `UploadQuerySet.advance_many()` alone writes `state`, by compare-and-set.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial, reduce
from operator import or_
from typing import Any, Self

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from uploads.domain import options, states
from uploads.domain.plan import Plan
from uploads.domain.retries import MAX_ATTEMPTS
from uploads.domain.states import State
from uploads.models.choices import STAGE_NAMES, STATE_NAMES, Method, User
from uploads.models.databases import atomic, common_values, database, lock_in_order, retry_deadlocks, write_each
from uploads.models.indexes import UPLOAD_INDEXES
from uploads.models.ownership import keep_or_delete
from uploads.models.records import record_events
from uploads.models.reports import ReportField
from uploads.models.stored_object import StoredObject
from uploads.oss.limits import MAX_KEY_BYTES


class UploadQuerySet(models.QuerySet["Upload"]):
    """Sets of uploads by the terms of the domain."""

    def for_user(self, user: User) -> Self:
        """The uploads of this user; none of AnonymousUser."""
        return self.none() if user.pk is None else self.filter(owner_id=user.pk)

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

    def staged_leftovers(self, since: datetime, url_life: timedelta) -> Self:
        """Ended uploads below whose staging key a URL may have written after the end, and none can any more."""
        ended = self.filter(state__in=[State.COMPLETED, State.ABORTED, State.FAILED], updated_at__lt=since - url_life)
        return ended.filter(staging_removed_at=None).exclude(staging_key="")

    @retry_deadlocks
    def claim(self, now: datetime, until: datetime, limit: int) -> list[uuid.UUID]:
        """Claim up to `limit` of these for one sweep; no other sweep gets them before `until`."""
        free = self.filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)).order_by("updated_at")
        with atomic():
            if database().features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            taken = list(free.values_list("pk", flat=True)[:limit])
            Upload.objects.filter(pk__in=taken).update(claimed_until=until)
        return taken

    def advance(
        self,
        upload: "Upload",
        event: states.Event,
        *,
        actor: User | None = None,
        unchanged: bool = False,
        **values: Any,
    ) -> bool:
        """Move one upload by the state table and set `values` with it; False if it may not, or somebody was first.

        `upload` is brought up to date either way. The history is written in the same transaction. `unchanged`: as for
        `advance_many`.
        """
        for name, value in values.items():
            setattr(upload, name, value)
        moved = self.advance_many([upload], event, tuple(values), actor=actor, unchanged=unchanged)
        upload.refresh_from_db()
        return bool(moved)

    @retry_deadlocks
    def advance_many(
        self,
        uploads: Sequence["Upload"],
        event: states.Event,
        fields: Sequence[str] = (),
        *,
        actor: User | None = None,
        unchanged: bool = False,
    ) -> list["Upload"]:
        """Move `uploads` by the state table; `fields` are written with it, as they stand on each.

        `unchanged`: only those whose rows nobody has written since they were read. A state may come back: an upload
        that is `completing` may have been reopened, and claimed by somebody else, who expects another object.

        Returns those that moved. A row that may not move, or that somebody else has moved first, stays as it is in the
        database, and its instance as it was handed in. Costs as many queries for many uploads as for one.
        """
        target, now, alone = states.destination(event), timezone.now(), len(uploads) == 1
        with atomic():
            rows = self._unchanged(uploads) if unchanged else self.filter(pk__in=[upload.pk for upload in uploads])
            rows = rows.filter(state__in=states.sources(event))
            if not alone:
                lock_in_order(rows)
            before = None if alone else database().savepoint()
            values = common_values(uploads, fields)
            count = rows.update(state=target, updated_at=now, **values)
            if count < len(uploads):
                if before is None:
                    return []
                # Which of them were moved by others cannot be told from a count: compare and set one by one.
                database().savepoint_rollback(before)
                one = partial(self.advance_many, event=event, fields=fields, actor=actor, unchanged=unchanged)
                return [moved for each in uploads for moved in one([each])]
            write_each(self, uploads, [name for name in fields if name not in values])
            record_events(uploads, event, actor)
            # Last, because a deadlock repeats the above, and before the commit, which sends signals.
            for upload in uploads:
                upload.state, upload.updated_at = target, now
        return list(uploads)

    def _unchanged(self, uploads: Sequence["Upload"]) -> Self:
        return self.filter(reduce(or_, (models.Q(pk=each.pk, updated_at=each.updated_at) for each in uploads)))


REGISTERED_ID_VERSION = 5
"""The id is a hash that names the object (`services.common.object_identity`). Other ids are random: version 4."""


class Upload(StoredObject):
    """The upload of one file into one object."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, keep_or_delete, null=True, related_name="uploads", verbose_name=_("owner")
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=[(state.value, name) for state, name in STATE_NAMES.items()],
        default=State.UPLOADING,
    )
    destination = models.CharField(_("destination"), max_length=64)
    upload_id = models.CharField(
        _("upload id"), max_length=255, blank=True, help_text=_("OSS's name for the multipart upload.")
    )
    method = models.CharField(_("method"), max_length=9, choices=Method.choices)

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
        help_text=_("Attempts to complete, abort or release it that failed since the last success."),
    )
    sweep_error = models.JSONField(null=True, blank=True, help_text="Why the last attempt of the sweep failed.")

    staging_key = models.CharField(
        _("staging key"), max_length=MAX_KEY_BYTES, blank=True, help_text=_("Where the browser wrote a staged file.")
    )
    final_key = models.CharField(
        _("final key"), max_length=MAX_KEY_BYTES, blank=True, help_text=_("The key of a staged file that passed.")
    )
    stage = models.CharField(
        _("stage"), max_length=10, blank=True, choices=[(stage.value, name) for stage, name in STAGE_NAMES.items()]
    )
    staged = models.JSONField(null=True, blank=True, help_text="ETag, size and CRC64 of the staged object.")
    copy_id = models.CharField(max_length=255, blank=True, help_text="OSS's name for the copy in parts.")
    stage_claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="Somebody is checking or copying, and renews this while at it."
    )
    staging_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the staged object was removed after all URLs for it had expired."
    )

    expected = models.JSONField(
        null=True, blank=True, help_text="ETag and CRC64 that the object must have; known before OSS is asked."
    )
    callback = ReportField(_("callback"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-created_at", "-id"]
        permissions = [
            ("abort_upload", "Can abort uploads of other users"),
            ("download_upload", "Can download the files of other users"),
            ("export_upload", "Can export the list of uploads"),
        ]
        indexes = UPLOAD_INDEXES
        constraints = [
            models.CheckConstraint(
                name="uploads_state_known", condition=models.Q(state__in=[state.value for state in State])
            ),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"], name="uploads_begun_once", condition=~models.Q(idempotency_key="")
            ),
            models.CheckConstraint(name="uploads_size_positive", condition=models.Q(size__gte=0, part_size__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.get_state_display()})"

    @property
    def is_registered(self) -> bool:
        """Whether a client stored the object by itself, with credentials for a prefix, and the row was made later."""
        return self.pk.version == REGISTERED_ID_VERSION

    @property
    def transfer_options(self) -> dict[str, Any]:
        """The options of the object that the browser writes; those of the finished one are `options`."""
        return options.staged(self.options) if self.staging_key else self.options

    @property
    def plan(self) -> Plan:
        if self.is_stream or self.size is None:
            return Plan(None, self.part_size, None)
        return Plan(self.size, self.part_size, max(1, -(-self.size // self.part_size)))

    @property
    def part_count(self) -> int | None:
        """None until a stream ends."""
        return self.parts_done if self.is_stream and self.size is not None else self.plan.part_count
