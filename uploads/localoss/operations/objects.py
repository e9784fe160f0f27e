"""Single objects: put, get, head, delete.

Rule: bytes are stored and sent in chunks, unchanged. A Content-Encoding is stored and not decoded.
"""

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping

from uploads.localoss import callbacks
from uploads.localoss.answers import Answer, quoted
from uploads.localoss.auth import READING, WRITING
from uploads.localoss.body import Chunk
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import bucket_website, callback, conditions, headers, traffic, versions
from uploads.localoss.operations.context import Context
from uploads.localoss.store.objects import APPENDABLE, ObjectReader
from uploads.localoss.store.rows import Blob, StoredObject
from uploads.localoss.store.versions import DELETE_MARKER
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
    answer = Answer(headers=put_headers(context, stored))
    return callback.with_callback(context, parameters, "PutObject", stored, answer)


def store_object(
    context: Context,
    key: str,
    sent: Mapping[str, str],
    chunks: Iterable[Chunk],
    check: Callable[[Blob], None] = lambda blob: None,
) -> StoredObject:
    """Store an object of these bytes and headers. Nothing is stored if `check` or anything else raises.

    Refusal: FileAlreadyExists with x-oss-forbid-overwrite or by a rule of the bucket, FileImmutable by its retention
    policy, or an invalid header.
    """
    store = context.store
    kept, acl = headers.stored_headers(sent, context), headers.acl(sent, context)
    context.identity.require_kms(kept, *WRITING)
    rules = versions.write_rules(context, key, sent)
    versions.check_writable(context, key, rules)
    with store.blobs.receive(chunks) as blob, versions.refusals(key):
        check(blob)
        md5 = base64.b64encode(blob.md5).decode()
        stored = StoredObject(
            context.bucket.name, key, new_id(), blob.size, blob.etag, blob.crc64, "Normal", context.milliseconds,
            acl, md5, kept, versions.new_version(context),
        )  # fmt: skip
        store.objects.put(stored, [(blob.name, blob.size)], rules)
    return stored


def put_headers(context: Context, stored: StoredObject) -> dict[str, str]:
    """The headers of the response to whoever stored the object."""
    return {
        "ETag": quoted(stored.etag),
        "Content-MD5": stored.content_md5,
        "x-oss-hash-crc64ecma": str(stored.crc64),
        **headers.encryption(stored.headers),
        **versions.version_header(context, stored),
    }


def get_object(context: Context) -> Answer:
    """OSS manual: "GetObject"."""
    overrides = _overrides(context)
    try:
        reading = open_object(context)
    except Refusal as refusal:
        redirect = bucket_website.redirect(context, context.request.key) if refusal.code == "NoSuchKey" else None
        if redirect is None:
            raise
        return redirect
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
    stored = versions.existing_object(context)
    if not conditions.is_modified(context.request.headers, stored):
        return Answer(304, conditions.not_modified(stored))
    return Answer(200, {**described(context, stored), "Content-Length": str(stored.size)})


def get_object_meta(context: Context) -> Answer:
    """OSS manual: "GetObjectMeta"."""
    stored = versions.existing_object(context)
    shown = {**conditions.not_modified(stored), **versions.version_header(context, stored)}
    crc = {"x-oss-hash-crc64ecma": str(stored.crc64)}
    return Answer(200, {**shown, **crc, "Content-Length": str(stored.size)})


def delete_object(context: Context) -> Answer:
    """OSS manual: "DeleteObject". The response is the same if the object does not exist."""
    _, shown = versions.delete(context, context.request.checked_key(), versions.requested_version(context))
    return Answer(204, shown)


def open_object(context: Context) -> ObjectReader:
    """The object or the version that the request names, open for reading. Refusal if it does not exist."""
    key, version = context.request.checked_key(), versions.requested_version(context)
    reading = context.store.objects.open(context.bucket.name, key, version)
    if reading is None or reading.object.kind == DELETE_MARKER:
        if reading is not None:
            reading.close()
        raise versions.missing(context, key, version)
    return reading


def described(context: Context, stored: StoredObject) -> dict[str, str]:
    """The headers of an object in GetObject and HeadObject."""
    md5 = {"Content-MD5": stored.content_md5} if stored.content_md5 else {}
    return {
        **headers.response_headers(stored.headers),
        **conditions.not_modified(stored),
        **md5,
        "Accept-Ranges": "bytes",
        "x-oss-object-type": stored.kind,
        "x-oss-hash-crc64ecma": str(stored.crc64),
        **({"x-oss-next-append-position": str(stored.size)} if stored.kind == APPENDABLE else {}),
        **versions.version_header(context, stored),
    }


def _response(context: Context, reading: ObjectReader) -> Answer:
    stored, sent = reading.object, context.request.headers
    context.identity.require_kms(stored.headers, *READING)
    if not conditions.is_modified(sent, stored):
        return Answer(304, conditions.not_modified(stored))
    chosen = conditions.requested_range(sent, stored.size)
    first, length = chosen or (0, stored.size)
    body = _Download(reading, first, length, traffic.limit(context))
    answer = Answer(200, {**described(context, stored), "Content-Length": str(length)}, body)
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
