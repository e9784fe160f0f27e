"""Upload callbacks: OSS calls this site when an object is there.

Rule: a call is only a hint. OSS itself, asked by a HeadObject, decides. The upload's secret and OSS's signature keep
strangers from causing that request, in this order, since checking the signature may cost a request for OSS's key. The
secret proves little: for forms and presigned PUTs it travels through the browser, in the callback's variables. So does
the signature, RSA with 512 bits and MD5. A repeated call changes nothing. Manual: Callback.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

from django.core import signing
from django.core.cache import cache

from uploads.conf import settings
from uploads.domain.errors import CallbackRefused, NotFoundError
from uploads.domain.phrase import Phrase
from uploads.models import Method, Upload
from uploads.oss import callback as protocol
from uploads.oss.errors import StorageError
from uploads.oss.http import fetch
from uploads.services.complete import complete
from uploads.services.outcome import record_callback

KEY_SECONDS, NO_KEY_SECONDS = 24 * 3600, 30
"""Seconds that a public key is cached, and seconds that its absence is."""
MAX_KEY_BYTES = 16 * 1024
FETCH_SECONDS = 5.0
MAX_FETCHES, FETCHES_SECONDS = 5, 60
"""URLs of keys that are fetched in so many seconds for the uploads of one user. OSS has one key, which is cached."""
UPLOAD, SECRET = "upload", "secret"
PROBE_SALT, PROBE_SECONDS = "uploads.callback.probe", 300


def receive(target: str, headers: Mapping[str, str], body: bytes) -> Upload:
    """The upload that a callback of OSS reports, completed.

    `target`: path and query as received; `headers`: names in lower case. Raises NotFoundError for an unknown upload or
    a wrong secret, CallbackRefused for a call that OSS did not sign, and what `complete` raises.
    """
    fields = _fields(headers.get("content-type", ""), body)
    upload = _find(fields.get(UPLOAD, ""), fields.get(SECRET, ""))
    # Its user knows the secret, and may name any URL that is allowed.
    if not _is_signed(target, headers, body, f"user:{upload.owner_id}" if upload else "doctor"):
        raise CallbackRefused(Phrase("The signature of the callback is not from OSS."))
    if upload is None:
        raise _not_found()
    # The call to Complete that caused this one may still be waiting for our answer. The object is there already.
    upload = complete(upload, object_confirmed=True)
    if upload.method != Method.MULTIPART:
        # Of a form or PutObject, OSS tells only the browser how the callback ended. That it came is proof enough.
        record_callback(upload, {"ok": True, "body": {"id": str(upload.pk), "state": upload.state}})
    return upload


def probe() -> dict[str, str]:
    """Variables of a callback for no upload, with which the doctor learns whether a signature is accepted."""
    identifier = str(uuid4())
    return {f"x:{UPLOAD}": identifier, f"x:{SECRET}": signing.TimestampSigner(salt=PROBE_SALT).sign(identifier)}


def _is_probe(identifier: str, secret: str) -> bool:
    try:
        return signing.TimestampSigner(salt=PROBE_SALT).unsign(secret, max_age=PROBE_SECONDS) == identifier
    except signing.BadSignature:
        return False


def _is_signed(target: str, headers: Mapping[str, str], body: bytes, who: str) -> bool:
    url = protocol.key_url(headers.get("x-oss-pub-key-url", ""), settings.callback_key_urls)
    if url is None:
        return False
    pem = _public_key(url, who)
    # A proxy may have rewritten the path on its way to us; what OSS signed is what it was told to call.
    targets = [target, *_configured_targets()]
    return pem is not None and any(
        protocol.verify(pem, headers.get("authorization", ""), one, body) for one in dict.fromkeys(targets)
    )


def _configured_targets() -> Iterator[str]:
    """Path and query of every callback address in the destinations."""
    for destination in settings.destinations.values():
        urls = (destination.callback or {}).get("url", "")
        for url in [urls] if isinstance(urls, str) else urls:
            parts = urlsplit(url)
            yield (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _public_key(url: str, who: str) -> bytes | None:
    """Fetched and cached; None if `who` has caused too many fetches, too. The URL must begin with one of
    `callback_key_urls`."""
    name = f"uploads:callback-key:{hashlib.sha256(url.encode()).hexdigest()}"
    pem = cache.get(name)
    if pem is None and _may_fetch(who, name):
        try:
            pem = fetch(url, MAX_KEY_BYTES, FETCH_SECONDS)
        except StorageError:
            pem = b""
        cache.set(name, pem, KEY_SECONDS if pem else NO_KEY_SECONDS)
    return pem or None


def _may_fetch(who: str, name: str) -> bool:
    """Whether this key is one of the few that `who` may have fetched, each of which is forgotten after a minute.

    Keys are counted and not fetches: the callbacks of many files come together, and all need the key that nobody has
    fetched yet.
    """
    for number in range(MAX_FETCHES):
        place = f"uploads:callback-fetch:{who}:{number}"
        if cache.add(place, name, FETCHES_SECONDS) or cache.get(place) == name:
            return True
    return False


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """The variables of the body, form or JSON."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == protocol.JSON:
            content: Any = json.loads(text)
            pairs = list(content.items()) if isinstance(content, dict) else []
        else:
            pairs = parse_qsl(text, max_num_fields=200)
    except (ValueError, RecursionError) as error:
        raise CallbackRefused(Phrase("The body of the callback cannot be read.")) from error
    return {str(name): value for name, value in pairs if isinstance(value, str)}


def _find(identifier: str, secret: str) -> Upload | None:
    """The upload with this id and secret; None for the doctor's probe.

    Raises NotFoundError, which does not tell which of the two was wrong.
    """
    try:
        upload = Upload.objects.filter(pk=UUID(identifier)).first()
    except ValueError:
        upload = None
    if upload is None and _is_probe(identifier, secret):
        return None
    if (
        upload is None
        or not upload.secret
        or not hmac.compare_digest(upload.secret.encode(), secret.encode(errors="replace"))
    ):
        raise _not_found()
    return upload


def _not_found() -> NotFoundError:
    return NotFoundError(Phrase("There is no such upload, or it is not yours."))
