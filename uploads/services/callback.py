"""Upload callbacks: what OSS is asked to call, and what is believed of a call.

Rule: the signature keeps noise out (RSA of 512 bits and MD5: it proves little). What decides is a secret that only
OSS and we have seen, and then OSS itself: a HeadObject. A call heard twice changes nothing.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from django.core.cache import cache

from uploads.conf import settings
from uploads.domain.errors import CallbackRefused, NotFoundError
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.oss import callback as protocol
from uploads.oss.client import fetch
from uploads.oss.errors import StorageError
from uploads.services.complete import complete

KEY_SECONDS, NO_KEY_SECONDS = 24 * 3600, 30
"""How long a public key is remembered, and how long that there is none."""
MAX_KEY_BYTES = 16 * 1024
FETCH_SECONDS = 5.0
UPLOAD, SECRET = "upload", "secret"


def receive(target: str, headers: Mapping[str, str], body: bytes) -> Upload:
    """A call that OSS made: the upload that it is about, brought up to date.

    `target`: path and query as they came over the wire; `headers`: lower-case names. Raises CallbackRefused for a call
    that is not OSS's or not about one of our uploads, and what `complete` raises.
    """
    if not _is_signed(target, headers, body):
        raise CallbackRefused(Phrase("The signature of this call is not OSS's."))
    told = _fields(headers.get("content-type", ""), body)
    upload = _known(told.get(UPLOAD, ""), told.get(SECRET, ""))
    # Our own Complete may be waiting for this very call to be answered: the object is there by now, whoever asked.
    return complete(upload, object_confirmed=True)


def _is_signed(target: str, headers: Mapping[str, str], body: bytes) -> bool:
    url = protocol.key_url(headers.get("x-oss-pub-key-url", ""), settings.callback_key_urls)
    if url is None:
        return False
    pem = _public_key(url)
    # A proxy may have rewritten the path on its way to us; what OSS signed is what it was told to call.
    targets = [target, *_asked_targets()]
    return pem is not None and any(
        protocol.verify(pem, headers.get("authorization", ""), one, body) for one in dict.fromkeys(targets)
    )


def _asked_targets() -> Iterator[str]:
    """Path and query of every address that our destinations name."""
    for place in settings.destinations.values():
        urls = (place.callback or {}).get("url", "")
        for url in [urls] if isinstance(urls, str) else urls:
            parts = urlsplit(url)
            yield (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _public_key(url: str) -> bytes | None:
    """Fetched once in a while; never where `callback_key_urls` does not point."""
    name = f"uploads:callback-key:{url}"
    known = cache.get(name)
    if known is None:
        try:
            known = fetch(url, MAX_KEY_BYTES, FETCH_SECONDS)
        except StorageError:
            known = b""
        cache.set(name, known, KEY_SECONDS if known else NO_KEY_SECONDS)
    return known or None


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """The variables of the body, form or JSON."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == protocol.JSON:
            content: Any = json.loads(text)
            pairs = list(content.items()) if isinstance(content, dict) else []
        else:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=200)
    except (ValueError, RecursionError) as error:
        raise CallbackRefused(Phrase("The body of this call cannot be read.")) from error
    return {str(name): value for name, value in pairs if isinstance(value, str)}


def _known(identifier: str, secret: str) -> Upload:
    """The upload that both name. Which of the two was wrong is nobody's business."""
    try:
        upload = Upload.objects.filter(pk=UUID(identifier)).first()
    except ValueError:
        upload = None
    if upload is None or not upload.secret or not hmac.compare_digest(upload.secret.encode(), secret.encode()):
        raise NotFoundError(Phrase("There is no such upload, or it is not yours."))
    return upload
