"""The right to upload to one destination as one user, for a while, in the path of an address.

Uppy 6 sends neither a login nor a CSRF token to its companion, so the address itself is the right: signed, of one
destination, and short-lived. Rule: whoever holds it can begin uploads and touch those of this user there, nothing else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core import signing
from django.utils import timezone

from uploads.models import User

SALT = "uploads.companion"
LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Capability:
    user: User
    destination: str


def issue(user: User, destination: str) -> tuple[str, datetime]:
    """The path segment, and when it ends."""
    token = signing.dumps({"user": str(user.pk), "destination": destination}, salt=SALT)
    return token, timezone.now() + LIFE


def read(token: str) -> Capability | None:
    """None for one that was not issued here, has ended, or whose user may not log in any more."""
    try:
        content = signing.loads(token, salt=SALT, max_age=LIFE)
        user = get_user_model()._default_manager.filter(pk=content["user"], is_active=True).first()
        return Capability(user, str(content["destination"])) if user is not None else None
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
