"""Who may sign: access keys, long-term and temporary.

Rule: secrets and tokens are compared in constant time and never shown. A temporary key is known by its token alone.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from uploads.localoss import policy
from uploads.localoss.errors import Refusal
from uploads.localoss.policy import Policy
from uploads.localoss.tokens import KEY_ID_PREFIX, Seal, Session
from uploads.oss.sts import DEFAULT_DURATION_SECONDS


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair; a temporary one has a token, an end, and policies which must all allow what it does."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """What may be assumed, what it may do, and for how long at most."""

    arn: str
    policy: Policy
    max_session_seconds: int = DEFAULT_DURATION_SECONDS


class KeyRing:
    """The keys that this server knows. Without a seal there are no tokens but those of `keys`."""

    def __init__(self, keys: Iterable[AccessKey], roles: Iterable[Role] = (), seal: Seal | None = None) -> None:
        self._keys = {key.id: key for key in keys}
        self.roles = {role.arn: role for role in roles}
        self._seal = seal

    def long_term(self, key_id: str) -> AccessKey | None:
        key = self._keys.get(key_id)
        return key if key is not None and key.token is None else None

    def find(self, key_id: str, token: str | None, now: datetime) -> AccessKey:
        """The key, if it exists and the token that came with it is its own and still good."""
        key = self._keys.get(key_id)
        if key is None and key_id.startswith(KEY_ID_PREFIX) and self._seal is not None:
            key = self._lent(key_id, token, self._seal)
        if key is None:
            raise Refusal("InvalidAccessKeyId", {"OSSAccessKeyId": key_id})
        if key.token is None:
            if token:
                raise Refusal("AccessKeyIdAndSecurityTokenNotMatch", {"OSSAccessKeyId": key_id})
            return key
        if not token:
            raise Refusal("InvalidAccessKeyId", {"OSSAccessKeyId": key_id}, ec="0002-00000002")
        if not hmac.compare_digest(token.encode(), key.token.encode()):
            raise Refusal("InvalidSecurityToken", {"SecurityToken": token})
        if key.expires is not None and now >= key.expires:
            raise Refusal("SecurityTokenExpired", {"SecurityToken": token})
        return key

    def _lent(self, key_id: str, token: str | None, seal: Seal) -> AccessKey:
        """The key that the token holds, if it holds this one."""
        if not token:
            raise Refusal("InvalidAccessKeyId", {"OSSAccessKeyId": key_id}, ec="0002-00000002")
        session = seal.open(token)
        if session is None or session.access_key_id != key_id:
            raise Refusal("InvalidSecurityToken", {"SecurityToken": token})
        return AccessKey(key_id, session.access_key_secret, token, session.expires_at, self._policies(session))

    def _policies(self, session: Session) -> tuple[Policy, ...]:
        """The role's, as it is now, and the session's own. A role that is gone allows nothing."""
        role = self.roles.get(session.role_arn)
        allowed = role.policy if role else Policy(())
        return (allowed, policy.parse(session.policy)) if session.policy else (allowed,)
