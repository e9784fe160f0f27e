"""Bearer tokens: JSON Web Tokens of the configured issuer, and the users that they are about.

Rule: what a token says counts only after its signature, issuer, audience and times were checked, by PyJWT. The
algorithm must be one of the settings, which are all with public keys. RFC 8725: JSON Web Token Best Current Practices.
"""

import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from uploads.domain.errors import Forbidden
from uploads.domain.issuer import Identity, Issuer
from uploads.domain.phrase import Phrase
from uploads.models import ExternalIdentity
from uploads.models.databases import atomic
from uploads.models.identities import MAX_CHARACTERS
from uploads.services.issuer_keys import IssuerKeys

MAX_TOKEN_CHARACTERS = 16 * 1024
REQUIRED = ["exp", "iss", "aud", "sub"]
ATTEMPTS = 5


class TokenRefused(Exception):
    """The token does not say who the user is. The text is a phrase. `is_genuine`: it is the issuer's, but old."""

    def __init__(self, reason: Phrase, *, is_genuine: bool = False) -> None:
        self.reason, self.is_genuine = reason, is_genuine
        super().__init__(reason)


def identity_of(token: str, issuer: Issuer) -> Identity:
    """Whom a token is about. Raises TokenRefused, IssuerUnavailable, and Forbidden without the required scopes."""
    claims = _verified(token, issuer)
    if missing := issuer.missing_scopes(claims):
        raise Forbidden(Phrase("The token lacks the scope {scope}.", scope=" ".join(missing)))
    return issuer.identity(claims)


def _verified(token: str, issuer: Issuer) -> Mapping[str, Any]:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise TokenRefused(Phrase("The token is too large."))
    try:
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise TokenRefused(Phrase("The token is signed in a way that this site does not accept."))
        if not (kid is None or (isinstance(kid, str) and len(kid) <= MAX_CHARACTERS)):
            raise TokenRefused(_INVALID)
        key = _keys_of(issuer).find(kid, algorithm)
        if key is None:
            raise TokenRefused(Phrase("The token is signed with a key that its issuer does not have."))
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=list(issuer.audience),
            issuer=issuer.issuer,
            leeway=issuer.leeway,
            options={"require": REQUIRED, "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        reason = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), _INVALID)
        # PyJWT looks at the claims after the signature.
        raise TokenRefused(reason, is_genuine=isinstance(error, jwt.ExpiredSignatureError)) from error
    if not 0 < len(claims["sub"]) <= MAX_CHARACTERS or "\0" in claims["sub"]:
        raise TokenRefused(_INVALID)
    return claims


_INVALID = Phrase("The token is invalid.")
_REASONS = {
    jwt.ExpiredSignatureError: Phrase("The token has expired."),
    jwt.ImmatureSignatureError: Phrase("The token is not valid yet."),
    jwt.InvalidAudienceError: Phrase("The token is for another audience."),
    jwt.InvalidIssuerError: Phrase("The token is of another issuer."),
}


class _CurrentKeys:
    """The keys of the issuer that the settings name now."""

    def __init__(self) -> None:
        self._built: tuple[Issuer, IssuerKeys] | None = None
        self._lock = threading.Lock()

    def __call__(self, issuer: Issuer) -> IssuerKeys:
        with self._lock:  # The first requests of a process come together, and one of them is to fetch.
            if self._built is None or self._built[0] is not issuer:
                self._built = (issuer, IssuerKeys(issuer))
            return self._built[1]


_keys_of = _CurrentKeys()


def user_of(identity: Identity) -> Any:
    """The user of this identity, who is created when the first token comes. A user of the same name is another one."""
    known = {"issuer": identity.issuer, "subject": identity.subject}
    identities = ExternalIdentity.objects.select_related("user")
    for attempt in range(ATTEMPTS):
        found = identities.filter(**known).first()
        if found is not None:
            return found.user
        try:
            with atomic():
                user = _new_user(identity, attempt)
                ExternalIdentity.objects.create(user=user, **known)
            return user
        except IntegrityError:  # Another request was first, or somebody has taken the name.
            continue
    return identities.get(**known).user


def _new_user(identity: Identity, attempt: int) -> Any:
    """A user without a password. The name has the issuer's host, and random characters if it was taken."""
    model = get_user_model()
    host = f"@{urlsplit(identity.issuer).hostname}"
    mark = f"-{secrets.token_hex(4)}" if attempt else ""
    length = int(getattr(model._meta.get_field(model.USERNAME_FIELD), "max_length", None) or 150)
    # The admin's form accepts these characters only.
    name = re.sub(r"[^\w.+-]", "_", identity.name)[: max(1, length - len(host) - len(mark))]
    user: Any = model(**{model.USERNAME_FIELD: f"{name}{mark}{host}"[:length]})
    user.set_unusable_password()
    user.save(force_insert=True)
    return user
