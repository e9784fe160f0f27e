"""Webhooks: which events there are, how a message is signed, and when a delivery is repeated.

Rule: pure. Messages follow the Standard Webhooks specification, version 1.0.0:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from uploads.domain.endings import AbortedBy
from uploads.domain.states import Event

SECRET_PREFIX = "whsec_"  # noqa: S105  What a secret begins with.
SECRET_BYTES = range(24, 65)
"""The specification: at least 24 and at most 64 bytes."""
RETRIED_FOR = timedelta(hours=24)
"""Attempts of one delivery end after this time."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=4)
JITTER = 0.2


class WebhookEvent(StrEnum):
    """The `type` of a message."""

    COMPLETED = "upload.completed"
    """The object is in the bucket and was checked."""
    FAILED = "upload.failed"
    ABORTED = "upload.aborted"
    """By a user, an administrator or the application."""
    EXPIRED = "upload.expired"
    """Aborted by the sweep, because it was not finished in time."""
    DELETED = "upload.deleted"
    """The object of a completed upload was removed, or its row was deleted."""


_BY_EVENT = {
    Event.FINISH: WebhookEvent.COMPLETED,
    Event.FAIL: WebhookEvent.FAILED,
    Event.ABORT: WebhookEvent.ABORTED,
    Event.DELETE: WebhookEvent.DELETED,
}


def webhook_event(event: str, error: Mapping[str, Any] | None) -> WebhookEvent | None:
    """The type of the message about an event of the history; None for an event that is not announced.

    `error`: what the row records with it.
    """
    if event == Event.ABORT and error and error.get("code") == AbortedBy.EXPIRY:
        return WebhookEvent.EXPIRED
    return _BY_EVENT.get(event) if event in _BY_EVENT else None  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver: an entry of `UPLOADS["WEBHOOKS"]`."""

    name: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    """Each message is signed with all of them: two while a secret is being replaced."""
    events: frozenset[WebhookEvent]
    allow_private: bool

    @classmethod
    def parse(cls, name: str, values: object) -> Self:
        """Raises ValueError, which names the endpoint and the key, and never shows a secret."""
        if not isinstance(values, Mapping):
            raise ValueError(f"{name!r} is not a dict")
        if unknown := sorted(str(key) for key in values.keys() - {"url", "secret", "events", "allow_private"}):
            raise ValueError(f"{name!r} has an unknown key {unknown[0]!r}")
        if not 0 < len(name) <= 64:
            raise ValueError("a name has 1 to 64 characters")
        private = values.get("allow_private", False)
        if not isinstance(private, bool):
            raise ValueError(f"{name!r}: allow_private is not true or false")
        try:
            events = frozenset(WebhookEvent(each) for each in values.get("events") or WebhookEvent)
        except (TypeError, ValueError):
            raise ValueError(f"{name!r}: events is not a list of {', '.join(WebhookEvent)}") from None
        return cls(name, _url(name, values.get("url"), private), _secrets(name, values.get("secret")), events, private)


def _url(name: str, value: object, allow_private: bool) -> str:
    text = value if isinstance(value, str) and value.isascii() else ""
    try:
        parts = urlsplit(text)
        is_url = bool(parts.hostname) and parts.username is None and not parts.fragment and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.scheme not in (("https", "http") if allow_private else ("https",)):
        raise ValueError(f"{name!r}: url is not a URL with https://, without a user name (http:// with allow_private)")
    return text


def _secrets(name: str, value: object) -> tuple[bytes, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not 1 <= len(given) <= 3:
        raise ValueError(f"{name!r}: secret is not one text, or a list of up to three")
    return tuple(_secret(name, each) for each in given)


def _secret(name: str, value: object) -> bytes:
    if isinstance(value, str) and value.startswith(SECRET_PREFIX):
        try:
            secret = b64decode(value.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) in SECRET_BYTES:
            return secret
    raise ValueError(f"{name!r}: secret is not {SECRET_PREFIX} and 24 to 64 random bytes in Base64")


def signed_headers(secrets: Sequence[bytes], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of the specification. Each attempt has its own time, and so its own signature."""
    timestamp = str(int(now.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def next_attempt(
    attempts: int, began: datetime, now: datetime, *, chance: float, not_before: datetime | None = None
) -> datetime | None:
    """When to try again after `attempts` failures (at least 1); None if it was the last attempt.

    `chance`, from 0 to 1, spreads the attempts of many deliveries. `not_before`: what the receiver asked for.
    """
    last = began + RETRIED_FOR
    if now >= last:
        return None
    pause = min(FIRST_PAUSE * (1 << min(2 * (attempts - 1), 20)), LONGEST_PAUSE)
    planned = now + pause * (1 + JITTER * (2 * chance - 1))
    return min(max(planned, not_before or planned), last)


def retry_after(value: str, now: datetime) -> datetime | None:
    """The time that a header Retry-After names, in seconds or as a date; None for none and for a malformed one."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + timedelta(seconds=min(int(text[:9]), int(RETRIED_FOR.total_seconds())))
    try:
        named = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return named if named.tzinfo else named.replace(tzinfo=UTC)
