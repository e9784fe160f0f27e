"""Who may sign: access keys, long-term and temporary.

Rule: secrets and tokens are compared in constant time and never shown.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from uploads.localoss.errors import Refusal


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair; a temporary one has a token, and an end."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


class KeyRing:
    """The keys that this server knows."""

    def __init__(self, keys: Iterable[AccessKey]) -> None:
        self._keys = {key.id: key for key in keys}

    def find(self, key_id: str, token: str | None, now: datetime) -> AccessKey:
        """The key, if it exists and the token that came with it is its own and still good."""
        key = self._keys.get(key_id)
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
