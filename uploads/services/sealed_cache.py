"""Secrets in Django's cache, encrypted: whoever reads the cache server, its dumps or its traffic learns none.

The key is derived from SECRET_KEY by HKDF (RFC 5869). After a change of SECRET_KEY, entries are still read with the
keys in SECRET_KEY_FALLBACKS, as Django's own signatures are.

Rule: an entry that cannot be decrypted counts as missing. The entry's name is authenticated with it, so that an entry
cannot be moved to another name.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings as django_settings
from django.core.cache import cache

_NONCE_BYTES = 12


def put(name: str, value: Mapping[str, Any], seconds: int) -> None:
    """Cache `value`, which JSON can hold, for so many seconds."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(django_settings.SECRET_KEY).encrypt(nonce, json.dumps(value).encode(), name.encode())
    cache.set(name, base64.b64encode(nonce + sealed).decode(), seconds)


def get(name: str) -> dict[str, Any] | None:
    """The value that was cached under this name; None if there is none, or if it was sealed with an unknown key."""
    entry = cache.get(name)
    if not isinstance(entry, str):
        return None
    try:
        sealed = base64.b64decode(entry)
    except ValueError:
        return None
    for secret in (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS):
        try:
            content = _cipher(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            continue
        value: dict[str, Any] = json.loads(content)
        return value
    return None


def delete(name: str) -> None:
    """Drop the entry."""
    cache.delete(name)


@lru_cache(maxsize=8)
def _cipher(secret: str | bytes) -> AESGCM:
    material = secret.encode() if isinstance(secret, str) else secret
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"uploads.services.sealed_cache").derive(material))
