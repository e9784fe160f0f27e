"""Single objects: put, get, head, delete.

Rule: bytes are stored and sent in chunks, unchanged. A Content-Encoding is stored and not decoded.
"""

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping

from uploads.localoss import callbacks
from uploads.localoss.answers import Answer, quoted
from uploads.localoss.auth import READING, WRITING
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import callback, conditions, headers, traffic
from uploads.localoss.operations.bucket_overwrite import is_protected
from uploads.localoss.operations.context import Context
from uploads.localoss.store.objects import ObjectReader
from uploads.localoss.store.rows import Blob, StoredObject
from uploads.oss.limits import MAX_PART_SIZE

OVERRIDES = (
    "content-type", "content-language", "expires", "cache-control", "content-disposition", "content-encoding",
)  # fmt: skip


def new_id() -> str:
    """An id for an object or an upload: 32 upper-case hex digits, as in recorded answers of OSS."""
    return secrets.token_hex(16).upper()


def put_object(context: Context) -> Answer:
    """OSS manual: "PutObject"."""
    request = context.request
    parameters = callbacks.requested(request)
    request.body.require_length(MAX_PART_SIZE)
    key, check = request.checked_key(), request.body.check_md5
    stored = store_object(context, key, request.headers, traffic.incoming(context), lambda blob: check(blob.md5))
    return callback.with_callback(context, parameters, "PutObject", stored, Answer(headers=put_headers(stored)))


def store_object(
    context: Context,
    key: str,
    sent: Mapping[str, str],
    chunks: Iterable[bytes],
    check: Callable[[Blob], None] = lambda blob: None,
) -> StoredObject:
    """Store an object of these bytes and headers. Nothing is stored if `check` or anything else raises.

    Refusal: FileAlreadyExists with x-oss-forbid-overwrite or by a rule of the bucket, or an invalid header.
    """
    store = context.store
    kept, acl = headers.stored_headers(sent), headers.acl(sent)
    context.identity.require_kms(kept, *WRITING)
    forbids = headers.forbids_overwrite(sent) or is_protected(context, key)
    taken = Refusal("FileAlreadyExists", {"Key": key})
    if forbids and store.objects.get(context.bucket.name, key) is not None:
        raise taken
    with store.blobs.receive(chunks) as blob:
        check(blob)
        md5 = base64.b64encode(blob.md5).decode()
        stored = StoredObject(
            context.bucket.name, key, new_id(), blob.size, blob.etag, blob.crc64, "Normal", context.milliseconds,
            acl, md5, kept,
        )  # fmt: skip
        if not store.objects.put(stored, [(blob.name, blob.size)], overwrite=not forbids):
            raise taken
    return stored


def put_headers(stored: StoredObject) -> dict[str, str]:
    """The headers of the response to whoever stored the object."""
    return {
        "ETag": quoted(stored.etag),
        "Content-MD5": stored.content_md5,
        "x-oss-hash-crc64ecma": str(stored.crc64),
        **headers.encryption(stored.headers),
    }


def get_object(context: Context) -> Answer:
    """OSS manual: "GetObject"."""
    overrides = _overrides(context)
    key = context.request.checked_key()
    reading = context.store.objects.open(context.bucket.name, key)
    if reading is None:
        raise no_such_key(key)
    try:
        answer = _response(context, reading)
    except BaseException:
        reading.close()
        raise
    if isinstance(answer.body, bytes):
        reading.close()
    answer.headers.update(overrides)
    return answer


def head_object(context: Context) -> Answer:
    """OSS manual: "HeadObject"."""
    stored = existing_object(context)
    if not conditions.is_modified(context.request.headers, stored):
        return Answer(304, conditions.not_modified(stored))
    return Answer(200, {**described(stored), "Content-Length": str(stored.size)})


def get_object_meta(context: Context) -> Answer:
    """OSS manual: "GetObjectMeta"."""
    stored = existing_object(context)
    return Answer(200, {**conditions.not_modified(stored), "Content-Length": str(stored.size)})


def delete_object(context: Context) -> Answer:
    """OSS manual: "DeleteObject". The response is the same if the object does not exist."""
    context.store.objects.delete(context.bucket.name, context.request.checked_key())
    return Answer(204)


def described(stored: StoredObject) -> dict[str, str]:
    """The headers of an object in GetObject and HeadObject."""
    md5 = {"Content-MD5": stored.content_md5} if stored.content_md5 else {}
    return {
        **headers.response_headers(stored.headers),
        **conditions.not_modified(stored),
        **md5,
        "Accept-Ranges": "bytes",
        "x-oss-object-type": stored.kind,
        "x-oss-hash-crc64ecma": str(stored.crc64),
    }


def existing_object(context: Context) -> StoredObject:
    """The object of the request. Refusal (NoSuchKey) if there is none."""
    key = context.request.checked_key()
    stored = context.store.objects.get(context.bucket.name, key)
    if stored is None:
        raise no_such_key(key)
    return stored


def no_such_key(key: str) -> Refusal:
    """The error for an object that does not exist."""
    return Refusal("NoSuchKey", {"Key": key})


def _response(context: Context, reading: ObjectReader) -> Answer:
    stored, sent = reading.object, context.request.headers
    context.identity.require_kms(stored.headers, *READING)
    if not conditions.is_modified(sent, stored):
        return Answer(304, conditions.not_modified(stored))
    chosen = conditions.requested_range(sent, stored.size)
    first, length = chosen or (0, stored.size)
    body = _Download(reading, first, length, traffic.limit(context))
    answer = Answer(200, {**described(stored), "Content-Length": str(length)}, body)
    if chosen:
        answer.status = 206
        answer.headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{stored.size}"
    return answer


class _Download:
    """A response body that releases the object when the server closes it, whether all of it was sent or not."""

    def __init__(self, reading: ObjectReader, first: int, length: int, rate: int | None) -> None:
        self._reading = reading
        self._chunks = traffic.limited(reading.read(first, length), rate)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._reading.close()


def _overrides(context: Context) -> dict[str, str]:
    """The response headers that `response-…` parameters set. Only signed requests may (OSS manual: "GetObject")."""
    found = {}
    for name in OVERRIDES:
        value = context.request.parameters.get(f"response-{name}")
        if value is None:
            continue
        if context.identity.anonymous:
            message = "response-* parameters are valid only in signed requests."
            raise Refusal("InvalidRequest", message=message)
        if not value.isprintable():
            raise invalid_argument(f"response-{name}", value, "A header cannot hold control characters.")
        found[name.title()] = value
    return found
