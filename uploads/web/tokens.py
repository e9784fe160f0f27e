"""Tokens of API clients that end when the password changes.

A token is 20 random hexadecimal digits, followed by 20 digits of an HMAC of them with the user's session hash, which
Django derives from the password. Rule: `PasswordBoundTokenAuthentication` accepts no other token.
"""

import hmac
import secrets
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

SALT = "uploads.web.tokens"
RANDOM_BYTES, DIGITS = 10, 40


class PasswordBoundTokenAuthentication(TokenAuthentication):
    """Django REST framework's, but a token made under an earlier password is refused."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        if len(key) != DIGITS or not key.isascii():  # No database is asked for what cannot be a key.
            raise AuthenticationFailed(_("Invalid token."))
        user, token = super().authenticate_credentials(key)
        if not is_bound(key, user):
            raise AuthenticationFailed(_("Invalid token."))
        return user, token


def token_of(user: Any) -> str:
    """The user's token; a new one if there is none, or if the password has changed since."""
    tokens: Any = TokenAuthentication().get_model()._default_manager  # Imported late: its app may not be loaded yet.
    kept = tokens.filter(user=user).first()
    if kept is not None and is_bound(kept.key, user):
        return str(kept.key)
    if kept is not None:
        kept.delete()
    return str(tokens.get_or_create(user=user, defaults={"key": _new_key(user)})[0].key)


def is_bound(key: str, user: Any) -> bool:
    """Whether this key was made under the user's present password."""
    random = key[: 2 * RANDOM_BYTES]
    return hmac.compare_digest(key.encode(), (random + _binding(random, user)).encode())


def _new_key(user: Any) -> str:
    random = secrets.token_hex(RANDOM_BYTES)
    return random + _binding(random, user)


def _binding(random: str, user: Any) -> str:
    digest = salted_hmac(SALT, random + user.get_session_auth_hash(), algorithm="sha256").hexdigest()
    return digest[: DIGITS - len(random)]
