"""CopyObject and UploadPartCopy.

Rule: a copied object shares the blobs of its source, which never change. A copied part is read and hashed like one that
is uploaded. The caller must be allowed to read the source.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import unquote

from uploads.localoss.answers import Answer, iso_time, quoted, xml
from uploads.localoss.auth import READING, WRITING
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import conditions, headers, versions
from uploads.localoss.operations.buckets import check_name
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import PART_COPY_EC, existing_upload, record_part, requested_number
from uploads.localoss.operations.objects import new_id
from uploads.localoss.store.objects import ObjectReader
from uploads.localoss.store.rows import StoredObject
from uploads.localoss.store.versions import DELETE_MARKER
from uploads.oss.limits import MAX_PART_SIZE

SOURCE = "x-oss-copy-source"
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_DIRECTIVES = ("COPY", "REPLACE")


def copy_object(context: Context) -> Answer:
    """OSS manual: "CopyObject"."""
    request = context.request
    key = request.checked_key()
    rules = versions.write_rules(context, key, request.headers)
    acl = headers.acl(request.headers, context)
    with _source(context) as reading:
        source = reading.object
        if source.size > MAX_PART_SIZE:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(MAX_PART_SIZE), "ProposedSize": str(source.size)})
        itself = (source.bucket, source.key) == (context.bucket.name, key)
        kept = _headers(context, source, itself=itself)
        context.identity.require_kms(kept, *WRITING)
        target = replace(
            source, bucket=context.bucket.name, key=key, id=new_id(), acl=acl, modified=context.milliseconds,
            headers=kept, version=versions.new_version(context),
        )  # fmt: skip
        with versions.refusals(key):
            context.store.objects.link(reading, target, rules)
        extra = versions.source_header(context, source)
    content = [("LastModified", iso_time(target.modified)), ("ETag", quoted(target.etag))]
    extra |= {"ETag": quoted(target.etag), "x-oss-hash-crc64ecma": str(target.crc64)}
    extra |= versions.version_header(context, target)
    return xml("CopyObjectResult", content, {**extra, **headers.encryption(target.headers)})


def upload_part_copy(context: Context) -> Answer:
    """OSS manual: "UploadPartCopy"."""
    request = context.request
    number = requested_number(context)
    upload = existing_upload(context, PART_COPY_EC)
    context.identity.require_kms(upload.headers, *WRITING)
    with _source(context) as reading:
        chosen = _range(request.headers, reading.object.size)
        first, length = chosen or (0, reading.object.size)
        if length > MAX_PART_SIZE:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(MAX_PART_SIZE), "ProposedSize": str(length)})
        with context.store.blobs.receive(reading.read(first, length)) as blob:
            record_part(context, upload, number, blob, PART_COPY_EC)
        extra = {"ETag": quoted(blob.etag), "x-oss-hash-crc64ecma": str(blob.crc64)}
        extra |= versions.source_header(context, reading.object)
        if chosen:
            extra["Content-Range"] = f"bytes {first}-{first + length - 1}/{reading.object.size}"
    content = [("LastModified", iso_time(context.milliseconds)), ("ETag", quoted(blob.etag))]
    return xml("CopyPartResult", content, {**extra, **headers.encryption(upload.headers)})


@contextmanager
def _source(context: Context) -> Iterator[ObjectReader]:
    """The source, open for reading. Refusal if it does not exist, may not be read, or a condition fails."""
    bucket, key, version = source_of(context.request.headers[SOURCE])
    check_name(bucket)
    if context.store.buckets.get(bucket) is None:
        raise Refusal("NoSuchBucket", {"BucketName": bucket})
    context.identity.require("oss:GetObject", bucket, key)
    reading = context.store.objects.open(bucket, key, version)
    if reading is None:
        shown = {"Key": key}
        raise Refusal("NoSuchVersion", shown) if version else Refusal("NoSuchKey", shown)
    try:
        if reading.object.kind == DELETE_MARKER:
            raise invalid_argument(SOURCE, context.request.headers[SOURCE], "The source version is a delete marker.")
        asked = {name.removeprefix(f"{SOURCE}-"): value for name, value in context.request.headers.items()
                 if name.startswith(f"{SOURCE}-if-")}  # fmt: skip
        context.identity.require_kms(reading.object.headers, *READING)
        if not conditions.is_modified(asked, reading.object):
            raise Refusal("NotModified")
        yield reading
    finally:
        reading.close()


def source_of(value: str) -> tuple[str, str, str | None]:
    """Bucket, key and version of an x-oss-copy-source header, `/bucket/key?versionId=id` in URL encoding. The version
    is None without one, and "" for "null". Refusal if it is malformed."""
    path, _, version = value.partition("?versionId=")
    bucket, _, key = unquote(path, errors="replace").removeprefix("/").partition("/")
    if not value.startswith("/") or not bucket or not key:
        raise invalid_argument(SOURCE, value, "Copy source must be /bucket/key, URL-encoded.", "0042-00000301")
    return bucket, key, versions.parse(SOURCE, value, version) if version else None


def _range(sent: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """The first byte and the length to copy; None for the whole object. Refusal (InvalidRange) for bytes beyond it.

    A range that does not conform to the conventions means the whole, and the response has no Content-Range (OSS manual:
    "UploadPartCopy"). Open and suffix ranges conform (RFC 9110, section 14.1.2). Several ranges are taken as not
    conforming, because a part is one range; what OSS does with them is unknown.
    """
    text = sent.get(f"{SOURCE}-range", "").strip()
    found = _RANGE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        first, last = int(found[1]), int(found[2]) if found[2] else size - 1
        beyond = first >= size or last >= size or last < first
    else:
        first, last = size - min(int(found[2]), size), size - 1
        beyond = first >= size
    if beyond:
        raise Refusal("InvalidRange", {"ActualObjectSize": str(size), "RangeRequested": text})
    return first, last - first + 1


def _headers(context: Context, source: StoredObject, *, itself: bool) -> dict[str, str]:
    """The headers of the copy. Metadata and tags come from the source or from the request, as the directives say.

    The content type stays that of the source unless the request has one. The manual does not say so; oss2's
    `update_object_meta` relies on it.
    """
    sent = context.request.headers
    asked = headers.stored_headers(sent, context)
    if not sent.get("content-type"):
        asked["content-type"] = source.headers["content-type"]
    meta = source.headers if _directive(sent, "metadata") == "COPY" and not itself else asked
    tags = source.headers if _directive(sent, "tagging") == "COPY" else asked
    kept = {name: value for name, value in meta.items() if name in headers.KEPT or name.startswith(headers.META)}
    for name in (headers.STORAGE_CLASS, *headers.ENCRYPTION_HEADERS):
        if name in asked:
            kept[name] = asked[name]
    if headers.TAGGING in tags:
        kept[headers.TAGGING] = tags[headers.TAGGING]
    return kept


def _directive(sent: Mapping[str, str], what: str) -> str:
    name = f"x-oss-{what}-directive"
    value = sent.get(name, "COPY").upper()
    if value not in _DIRECTIVES:
        raise invalid_argument(name, value, "The directive must be COPY or REPLACE.")
    return value
