"""The outbox of webhooks: a row for each message and receiver, until it is delivered, and for some time after.

Rule: a row is written in the transaction that changes the upload, so that no event is lost and none is invented. It is
sent after the commit, by `services.webhooks`. It outlives the upload's row.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from uploads.conf import settings
from uploads.domain import states
from uploads.domain.endings import from_record
from uploads.domain.webhooks import WebhookEvent, webhook_event

MAX_BODY_BYTES = 20_000
"""The specification advises receivers' limits of 20 kB: larger messages come without metadata and callback."""
READ_AT_ONCE = 500
FIELDS = (
    "stage", "destination", "bucket", "key", "upload_id", "method", "filename", "relative_path", "content_type", "size",
    "part_size", "part_count", "parts_done", "bytes_done", "fingerprint", "metadata", "created_at", "updated_at",
    "expires_at", "completed_at", "etag", "crc64", "location", "callback",
)  # fmt: skip
"""What the API shows of an upload too, under the same names. No URL is signed, and no secret is among them."""


class Ending(models.TextChoices):
    """How a delivery has ended."""

    DELIVERED = "delivered", _("delivered")
    DEAD = "dead", _("not delivered")
    """The last attempt has failed, or the receiver wants no more. An administrator may deliver it again."""


EVENT_NAMES = {
    WebhookEvent.COMPLETED: _("completed"),
    WebhookEvent.FAILED: _("failed"),
    WebhookEvent.ABORTED: _("aborted"),
    WebhookEvent.EXPIRED: _("expired"),
    WebhookEvent.DELETED: _("deleted"),
}


def new_message_id() -> str:
    return f"msg_{uuid4().hex}"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Sets of deliveries."""

    def of_owner(self, owner_id: str) -> Self:
        """Those about uploads of this user, whether or not the uploads still exist.

        Rows of earlier versions get their owner first, from their messages.
        """
        text, last = json.dumps(owner_id, ensure_ascii=False), 0
        unknown = self.filter(owner=None, body__contains=f'"owner":{{"id":{text},').order_by("pk")
        while batch := list(unknown.filter(pk__gt=last)[:READ_AT_ONCE]):
            named = [each.pk for each in batch if names_owner(each, owner_id)]
            WebhookDelivery.objects.filter(pk__in=named).update(owner=owner_id)
            last = batch[-1].pk
        return self.filter(owner=owner_id)

    def pending(self) -> Self:
        return self.filter(due_at__isnull=False)

    def ready(self, now: datetime) -> Self:
        """Those to send now: due, and no earlier event of the same upload waits for the same receiver."""
        earlier = WebhookDelivery.objects.pending().filter(
            endpoint=models.OuterRef("endpoint"), upload=models.OuterRef("upload"), pk__lt=models.OuterRef("pk")
        )
        return self.filter(due_at__lte=now).exclude(models.Exists(earlier)).order_by("due_at", "pk")

    def claim(self, now: datetime, until: datetime, limit: int) -> list["WebhookDelivery"]:
        """Claim up to `limit` of those that are ready, by compare-and-set; nobody else gets them before `until`."""
        found = list(self.ready(now)[:limit])
        return [each for each in found if self._take(each, until)]

    def _take(self, delivery: "WebhookDelivery", until: datetime) -> bool:
        taken = WebhookDelivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at).update(due_at=until)
        delivery.due_at = until
        return bool(taken)

    def deliver_again(self, now: datetime) -> int:
        """Make those of these that have ended due again, with a full number of attempts. Returns how many."""
        ended = self.filter(due_at=None)
        return ended.update(due_at=now, retried_since=now, ended_at=None, ending="", attempts=0, error=None)


class WebhookDelivery(models.Model):
    """One message to one receiver."""

    id = models.BigAutoField(primary_key=True)
    message_id = models.CharField(_("message id"), max_length=40, unique=True, default=new_message_id)
    endpoint = models.CharField(_("endpoint"), max_length=64, help_text=_("Its name in the settings."))
    upload = models.UUIDField(_("id of the upload"), db_index=True)
    owner = models.CharField(  # noqa: DJ001  Empty: nobody's. NULL: not known.
        max_length=255,
        null=True,
        editable=False,
        help_text="The id of the user whose upload it was, until it is erased. NULL in rows of earlier versions.",
    )
    event = models.CharField(
        _("event"), max_length=20, choices=[(key.value, name) for key, name in EVENT_NAMES.items()]
    )
    body = models.TextField(_("message"), help_text=_("As it is sent."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    retried_since = models.DateTimeField(default=timezone.now, help_text="Attempts end some time after this.")
    due_at = models.DateTimeField(
        _("next attempt"), null=True, blank=True, help_text=_("Empty when it has ended. A claim moves it.")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ending = models.CharField(_("ending"), max_length=10, blank=True, choices=Ending.choices)
    attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0, db_default=0)
    error = models.JSONField(_("error"), null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-id"]
        permissions = [("redeliver_webhookdelivery", "Can deliver webhooks again")]
        indexes = [
            models.Index(fields=["due_at"], name="uploads_webhooks_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["endpoint", "upload", "id"],
                name="uploads_webhooks_order",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["ended_at"], name="uploads_webhooks_ended"),
            models.Index(fields=["ending", "-id"], name="uploads_webhooks_ending"),
            models.Index(fields=["endpoint", "-id"], name="uploads_webhooks_endpoint"),
            models.Index(fields=["owner"], name="uploads_webhooks_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.upload} to {self.endpoint}"


def record_webhooks(uploads: Sequence[Any], event: str) -> None:
    """Write a row for each upload and receiver of this event. Call it in the transaction that makes the event.

    The rows of the uploads are read again: an instance holds what its request knew.
    """
    receivers = settings.webhooks.values()
    if not receivers or webhook_event(event, None) is None:
        return
    now, deliveries = timezone.now(), []
    owned = type(uploads[0])._base_manager.select_related("owner__uploads_identity")
    for upload in owned.filter(pk__in=[each.pk for each in uploads]).order_by("pk"):
        kind = webhook_event(event, upload.error) or ""
        wanted = [receiver.name for receiver in receivers if kind in receiver.events]
        body = message(upload, event, kind, now) if wanted else ""
        about = {"upload": upload.pk, "owner": "" if upload.owner_id is None else str(upload.owner_id), "event": kind}
        times = dict.fromkeys(("created_at", "retried_since", "due_at"), now)
        deliveries += [WebhookDelivery(endpoint=name, body=body, **about, **times) for name in wanted]
    WebhookDelivery.objects.bulk_create(deliveries)


def message(upload: Any, event: str, kind: str, now: datetime) -> str:
    """The body: the type, the time, and the upload as the API shows it to its owner, with the owner."""
    shown: dict[str, Any] = {"id": str(upload.pk), "state": states.destination(states.Event(event))}
    shown |= {name: _plain(getattr(upload, name)) for name in FIELDS}
    shown["error"] = {"code": upload.error.get("code"), **from_record(upload.error)} if upload.error else None
    data: dict[str, Any] = {"upload": shown, "owner": _owner(upload.owner)}
    body = _dumped(kind, now, data)
    if len(body.encode()) > MAX_BODY_BYTES:
        data["upload"] = {**shown, "metadata": {}, "callback": None}
        body = _dumped(kind, now, data)
    return body


def names_owner(delivery: WebhookDelivery, owner_id: str) -> bool:
    """Whether the message says that the upload is of this user."""
    owner = json.loads(delivery.body)["data"]["owner"]
    return bool(owner) and owner["id"] == owner_id


def erased_message(delivery: WebhookDelivery) -> str:
    """The body of a message without anything of a person: only that this upload has ended so."""
    kept = json.loads(delivery.body)
    names = ("id", "state", "destination")
    kept["data"] = {"upload": {name: kept["data"]["upload"].get(name) for name in names}, "owner": None}
    return json.dumps(kept, separators=(",", ":"))


def _dumped(kind: str, now: datetime, data: dict[str, Any]) -> str:
    content = {"type": str(kind), "timestamp": _plain(now), "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _owner(owner: Any) -> dict[str, str] | None:
    if owner is None:
        return None
    identity = getattr(owner, "uploads_identity", None)
    named = {"issuer": identity.issuer, "subject": identity.subject} if identity else {}
    return {"id": str(owner.pk), "username": owner.get_username(), **named}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
