"""Access keys, long-term and temporary.

Rule: secrets and tokens are compared in constant time and never shown. A temporary key is stored nowhere but in its
security token.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from uploads.localoss import policy
from uploads.localoss.errors import Refusal
from uploads.localoss.policy import Policy
from uploads.localoss.tokens import KEY_ID_PREFIX, Session, TokenCipher
from uploads.oss.sts import DEFAULT_DURATION_SECONDS


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair. A temporary one has a token, an expiry time, and policies which must all allow an operation."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A RAM role that AssumeRole accepts, its policy, and the longest session in seconds."""

    arn: str
    policy: Policy
    max_session_seconds: int = DEFAULT_DURATION_SECONDS


class KeyRing:
    """The keys of this server. Without a `cipher` only `keys` are known, and no issued temporary ones."""

    def __init__(
        self, keys: Iterable[AccessKey], roles: Iterable[Role] = (), cipher: TokenCipher | None = None
    ) -> None:
        self._keys = {key.id: key for key in keys}
        self.roles = {role.arn: role for role in roles}
        self._cipher = cipher

    def find(self, key_id: str, token: str | None, now: datetime) -> AccessKey:
        """The key with this id. Refusal if there is none, or if the token is not this key's or has expired.

        The EC values are those of the OSS manual: "EC error codes".
        """
        key = self._keys.get(key_id)
        if key is None and key_id.startswith(KEY_ID_PREFIX) and self._cipher is not None:
            key = self._temporary_key(key_id, token, self._cipher)
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

    def _temporary_key(self, key_id: str, token: str | None, cipher: TokenCipher) -> AccessKey:
        """The key in the token. Refusal (InvalidSecurityToken) if the token is not valid or holds another key."""
        if not token:
            raise Refusal("InvalidAccessKeyId", {"OSSAccessKeyId": key_id}, ec="0002-00000002")
        session = cipher.decrypt(token)
        if session is None or session.access_key_id != key_id:
            raise Refusal("InvalidSecurityToken", {"SecurityToken": token})
        return AccessKey(key_id, session.access_key_secret, token, session.expires_at, self._policies(session))

    def _policies(self, session: Session) -> tuple[Policy, ...]:
        """The current policy of the role, and the session's own. A role that no longer exists allows nothing."""
        role = self.roles.get(session.role_arn)
        allowed = role.policy if role else Policy(())
        return (allowed, policy.parse(session.policy)) if session.policy else (allowed,)
