"""Security tokens: everything about a session, sealed, in the hands of whoever holds it.

Rule: authenticated encryption under a key of this root, so the server remembers no session, and a restart ends none.
"""

import base64
import binascii
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from uploads.localoss.keyfile import keep

PREFIX = "CAIS"
KEY_ID_PREFIX = "STS.N"
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """`expires`: seconds since 1970. `policy`: the session's own, empty without one."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    role_arn: str
    name: str
    policy: str
    expires: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)


def new_session(role_arn: str, name: str, policy: str, expires: int) -> Session:
    """With a key pair of its own."""
    key_id = KEY_ID_PREFIX + base64.b32encode(secrets.token_bytes(15)).decode()
    return Session(key_id, secrets.token_urlsafe(33), role_arn, name, policy, expires)


class Seal:
    """Seals and opens tokens."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, session: Session) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        content = json.dumps(asdict(session), separators=(",", ":")).encode()
        return PREFIX + base64.b64encode(nonce + self._cipher.encrypt(nonce, content, None)).decode()

    def open(self, token: str) -> Session | None:
        """None for a token that is not ours."""
        if not token.startswith(PREFIX):
            return None
        try:
            sealed = base64.b64decode(token.removeprefix(PREFIX), validate=True)
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, binascii.Error, ValueError):
            return None
        return Session(**json.loads(content))


def seal_of(root: Path) -> Seal:
    """The seal of this root."""
    return Seal(keep(root / "sts.key", lambda: secrets.token_bytes(_KEY_BYTES)))
