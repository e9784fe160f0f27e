"""The token in a Companion URL: it allows one user's uploads to one destination, for 24 hours.

Uppy 6 sends neither a login nor a CSRF token to Companion, so the URL itself grants the access. Rule: whoever has the
URL can begin uploads and use this user's uploads in this destination, and nothing else. It ends when the user's
password changes, and when the user revokes it.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.utils import timezone
from django.utils.crypto import salted_hmac

from uploads.models import CompanionRevocation, User

SALT = "uploads.companion"
LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Capability:
    """What a token allows."""

    user: User
    destination: str


def issue(user: User, destination: str) -> tuple[str, datetime]:
    """A token for the URL's path, and when it expires."""
    now = timezone.now()
    content = {
        "user": str(user.pk),
        "destination": destination,
        "issued": now.timestamp(),
        "password": _password_hash(user),
    }
    return signing.dumps(content, salt=SALT), now + LIFETIME


def read(token: str) -> Capability | None:
    """What the token allows; None if it was not issued here, has expired or was revoked, if the password has changed
    since, or if its user is no longer active."""
    try:
        content = signing.loads(token, salt=SALT, max_age=LIFETIME)
        user = get_user_model()._default_manager.filter(pk=content["user"], is_active=True).first()
        if user is None or not hmac.compare_digest(str(content["password"]), _password_hash(user)):
            return None
        issued = datetime.fromtimestamp(content["issued"], timezone.get_current_timezone())
        if CompanionRevocation.objects.filter(user_id=user.pk, at__gte=issued).exists():
            return None
        return Capability(user, str(content["destination"]))
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None


def revoke(user: Any) -> None:
    """End all tokens that this user was issued until now."""
    CompanionRevocation.objects.update_or_create(user_id=user.pk, defaults={"at": timezone.now()})


def _password_hash(user: Any) -> str:
    """A hash of the hash that also binds sessions: it tells nothing of the password."""
    return salted_hmac(SALT, user.get_session_auth_hash(), algorithm="sha256").hexdigest()[:32]
