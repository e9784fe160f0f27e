"""The token in a Companion URL: it allows one user's uploads to one destination, for 24 hours.

Uppy 6 sends neither a login nor a CSRF token to Companion, so the URL itself grants the access. Rule: whoever has the
URL can begin uploads and use this user's uploads in this destination, and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core import signing
from django.utils import timezone

from uploads.models import User

SALT = "uploads.companion"
LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Capability:
    """What a token allows."""

    user: User
    destination: str


def issue(user: User, destination: str) -> tuple[str, datetime]:
    """A token for the URL's path, and when it expires."""
    token = signing.dumps({"user": str(user.pk), "destination": destination}, salt=SALT)
    return token, timezone.now() + LIFETIME


def read(token: str) -> Capability | None:
    """What the token allows; None if it was not issued here, has expired, or its user is no longer active."""
    try:
        content = signing.loads(token, salt=SALT, max_age=LIFETIME)
        user = get_user_model()._default_manager.filter(pk=content["user"], is_active=True).first()
        return Capability(user, str(content["destination"])) if user is not None else None
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
