"""Security tokens: the encrypted data of a session of temporary credentials.

Rule: authenticated encryption with a key of the data directory. The server stores no session, so a restart ends none.
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

from uploads.localoss.keyfile import load_or_create

PREFIX = "CAIS"
KEY_ID_PREFIX = "STS.N"
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `expires` is in seconds since 1970. `policy` is AssumeRole's Policy; empty without one."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    role_arn: str
    name: str
    policy: str
    expires: int

    @property
    def expires_at(self) -> datetime:
        """The expiry time, in UTC."""
        return datetime.fromtimestamp(self.expires, UTC)


def new_session(role_arn: str, name: str, policy: str, expires: int) -> Session:
    """A session with a new key pair."""
    key_id = KEY_ID_PREFIX + base64.b32encode(secrets.token_bytes(15)).decode()
    return Session(key_id, secrets.token_urlsafe(33), role_arn, name, policy, expires)


class TokenCipher:
    """Encrypts sessions into tokens with AES-GCM. `key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, session: Session) -> str:
        """The token of a session. Tokens start with "CAIS", as those of STS."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        content = json.dumps(asdict(session), separators=(",", ":")).encode()
        return PREFIX + base64.b64encode(nonce + self._cipher.encrypt(nonce, content, None)).decode()

    def decrypt(self, token: str) -> Session | None:
        """The session of a token; None if the token was not made with this key."""
        if not token.startswith(PREFIX):
            return None
        try:
            encrypted = base64.b64decode(token.removeprefix(PREFIX), validate=True)
            content = self._cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], None)
        except (InvalidTag, binascii.Error, ValueError):
            return None
        return Session(**json.loads(content))


def token_cipher(root: Path) -> TokenCipher:
    """The cipher of a data directory, whose key is made when it is missing."""
    return TokenCipher(load_or_create(root / "sts.key", lambda: secrets.token_bytes(_KEY_BYTES)))
