"""Delivers the webhooks of the outbox, and prunes old ones.

Rule: any number of processes may deliver at once. Each claims what it sends, by compare-and-set; the claim of one that
was killed expires, and the message is sent again with the same id. The messages about one upload reach a receiver in
the order of the events. Nothing is sent inside a transaction.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import QuerySet
from django.utils import timezone

from uploads import __version__
from uploads.conf import settings
from uploads.domain.phrase import Phrase
from uploads.domain.webhooks import Endpoint, next_attempt, retry_after, signed_headers
from uploads.models import Ending, WebhookDelivery
from uploads.models.webhooks import erased_message
from uploads.outbound import Answer, NotReached, Outgoing, PrivateAddress, send
from uploads.services.transactions import require_no_transaction

SECONDS = 15
"""For one request as a whole. The specification advises 15 to 30 seconds."""
MAX_ANSWER_BYTES = 1024
"""Of an answer more is not read."""
BATCH, AT_ONCE = 16, 8
CLAIM = timedelta(minutes=2)
"""A batch takes at most SECONDS * BATCH / AT_ONCE."""
RESTS = timedelta(seconds=60)
"""A receiver that gave no answer gets nothing for so long, so that the others do not wait for it."""
GONE = 410
PRUNED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Delivered:
    """One attempt. `what`: delivered; or failed (it is repeated) or dead, with the reason in `detail`."""

    what: str
    endpoint: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """How one attempt ended. `reason` is None if the receiver accepted the message."""

    reason: Phrase | None = None
    answered: bool = True
    is_final: bool = False
    not_before: datetime | None = None


class WebhookSender:
    """Sends what is due. Keep one for the life of a process: it remembers which receivers rest."""

    def __init__(self) -> None:
        self._rests_until: dict[str, datetime] = {}

    def send_due(self, is_ended: Callable[[], bool] = lambda: False) -> Iterator[Delivered]:
        """Send everything that is due now, batch after batch, or what `is_ended` leaves. Raises CalledInTransaction.

        A batch that was begun is recorded to its end: otherwise its messages would be sent again.
        """
        require_no_transaction()
        yield from self._end_unknown()
        began = timezone.now()
        while not is_ended() and (batch := self._claim(began)):
            yield from self._send(batch)

    def _claim(self, due: datetime) -> list[WebhookDelivery]:
        """What was due at that time. What fails now is for another call, so that each call ends."""
        now = timezone.now()
        awake = [name for name in settings.webhooks if self._rests_until.get(name, now) <= now]
        return WebhookDelivery.objects.filter(endpoint__in=awake).claim(due, now + CLAIM, BATCH)

    def _send(self, batch: Sequence[WebhookDelivery]) -> Iterator[Delivered]:
        """The database is not used in threads."""
        attempt = partial(_attempt, settings.webhooks)
        if len(batch) == 1:
            results = [attempt(batch[0])]
        else:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                results = list(pool.map(attempt, batch))
        for delivery, result in zip(batch, results, strict=True):
            if not result.answered:
                self._rests_until[delivery.endpoint] = timezone.now() + RESTS
            yield _record(delivery, result)

    def _end_unknown(self) -> Iterator[Delivered]:
        """What is for a receiver that has left the settings ends, and can be delivered again if it comes back."""
        unknown = WebhookDelivery.objects.pending().exclude(endpoint__in=list(settings.webhooks))
        reason = Phrase("The settings have no endpoint of this name any more.")
        for delivery in unknown.filter(due_at__lte=timezone.now())[:PRUNED_AT_ONCE]:
            yield _record(delivery, _Result(reason, is_final=True))


def _attempt(endpoints: Mapping[str, Endpoint], delivery: WebhookDelivery) -> _Result:
    """Send one message. No error leaves this function."""
    now = timezone.now()
    try:
        return _judged(send(outgoing(endpoints[delivery.endpoint], delivery.message_id, delivery.body, now)), now)
    except PrivateAddress:
        return _Result(Phrase("The endpoint has a private address. If it may be called, set allow_private for it."))
    except NotReached as error:
        return _Result(Phrase("The endpoint could not be reached: {reason}", reason=str(error)), answered=False)


def outgoing(endpoint: Endpoint, message_id: str, body: str, now: datetime) -> Outgoing:
    """The request that brings a message to a receiver, signed now."""
    content = body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"oss-uploads/{__version__}",
        **signed_headers(endpoint.secrets, message_id, now, content),
    }
    private = endpoint.allow_private
    return Outgoing("POST", endpoint.url, headers, content, SECONDS, MAX_ANSWER_BYTES, allow_private=private)


def _judged(answer: Answer, now: datetime) -> _Result:
    """Any 2xx is an acceptance. Of the others only 410 is final: the receiver wants no more of this message."""
    if 200 <= answer.status < 300:
        return _Result()
    reason = Phrase("The endpoint answered with {status}.", status=answer.status)
    if answer.status == GONE:
        return _Result(reason, is_final=True)
    return _Result(reason, not_before=retry_after(answer.headers.get("retry-after", ""), now))


def _record(delivery: WebhookDelivery, result: _Result) -> Delivered:
    """Record the attempt, unless the claim has expired and somebody else has the message now."""
    now, claimed = timezone.now(), WebhookDelivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at)
    if result.reason is None:
        claimed.update(due_at=None, ended_at=now, ending=Ending.DELIVERED, error=None)
        return Delivered("delivered", delivery.endpoint)
    attempts, error = min(delivery.attempts + 1, 1000), result.reason.as_json()
    due = None
    if not result.is_final:
        began, chance = delivery.retried_since, random.random()  # noqa: S311  It protects nothing.
        due = next_attempt(attempts, began, now, chance=chance, not_before=result.not_before)
    if due is None:
        claimed.update(due_at=None, ended_at=now, ending=Ending.DEAD, attempts=attempts, error=error)
        return Delivered("dead", delivery.endpoint, str(result.reason))
    claimed.update(due_at=due, attempts=attempts, error=error)
    return Delivered("failed", delivery.endpoint, str(result.reason))


def erase_messages(about: QuerySet[WebhookDelivery]) -> None:
    """Delete these. What still waits says only how its upload has ended: no name, no key, no user.

    Call it in the transaction that erases the uploads, where these still exist.
    """
    about.filter(due_at=None).delete()
    for waiting in about:
        WebhookDelivery.objects.filter(pk=waiting.pk).update(body=erased_message(waiting), owner="")


def prune_webhooks(now: datetime) -> int:
    """Delete deliveries that ended long enough ago. Returns how many."""
    before, pruned = now - timedelta(days=settings.webhook_retention_days), 0
    while old := list(
        WebhookDelivery.objects.filter(ended_at__lt=before).values_list("pk", flat=True)[:PRUNED_AT_ONCE]
    ):
        pruned += WebhookDelivery.objects.filter(pk__in=old).delete()[0]
    return pruned
