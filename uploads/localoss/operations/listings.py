"""ListParts and ListMultipartUploads: pages. Rule: a page costs what it shows, however much there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, quoted, xml
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import existing, url_text
from uploads.localoss.store import Store
from uploads.localoss.store.rows import StoredPart
from uploads.oss.limits import MAX_LIST_PAGE, MAX_PART_NUMBER


def list_parts(context: Context) -> Answer:
    request = context.request
    encode = request.wants_url_encoding()
    limit = request.number("max-parts", MAX_LIST_PAGE, 1, MAX_LIST_PAGE)
    marker = request.number("part-number-marker", 0, 0, MAX_PART_NUMBER)
    upload = existing(context)
    found = context.store.uploads.parts(upload, marker, limit + 1)
    page = found[:limit]
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Bucket", upload.bucket),
        ("Key", url_text(upload.key, encode)),
        ("UploadId", upload.id),
        ("StorageClass", upload.headers.get("x-oss-storage-class", "Standard")),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", str(page[-1].number) if page else ""),
        ("MaxParts", limit),
        ("IsTruncated", str(len(found) > limit).lower()),
    ]
    content += [("Part", _part(part)) for part in page]
    return xml("ListPartsResult", content)


def _part(part: StoredPart) -> list[markup.Node]:
    return [
        ("PartNumber", part.number),
        ("LastModified", iso_time(part.modified)),
        ("ETag", quoted(part.etag)),
        ("HashCrc64ecma", part.crc64),
        ("Size", part.size),
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An upload; or with an empty id everything under a common prefix."""

    key: bytes
    id: str = ""
    initiated: int = 0


def list_uploads(context: Context) -> Answer:
    request = context.request
    encode = request.wants_url_encoding()
    limit = request.number("max-uploads", MAX_LIST_PAGE, 1, MAX_LIST_PAGE)
    given = request.parameters.get
    prefix, delimiter, marker = given("prefix", ""), given("delimiter", ""), given("key-marker", "")
    id_marker = given("upload-id-marker", "") if marker else ""
    after = _start(prefix.encode(), delimiter.encode(), marker.encode(), id_marker)
    found = list(
        islice(_entries(context.store, context.bucket.name, prefix.encode(), delimiter.encode(), after), limit + 1)
    )
    page = found[:limit]
    last = page[-1] if page else _Entry(b"")
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Bucket", context.bucket.name),
        ("KeyMarker", url_text(marker, encode)),
        ("UploadIdMarker", id_marker),
        ("NextKeyMarker", url_text(last.key.decode(), encode)),
        ("NextUploadIdMarker", last.id),
        ("Delimiter", url_text(delimiter, encode)),
        ("Prefix", url_text(prefix, encode)),
        ("MaxUploads", limit),
        ("IsTruncated", str(len(found) > limit).lower()),
    ]
    content += [("Upload", _upload(entry, encode)) for entry in page if entry.id]
    content += [
        ("CommonPrefixes", [("Prefix", url_text(entry.key.decode(), encode))]) for entry in page if not entry.id
    ]
    return xml("ListMultipartUploadsResult", content)


def _upload(entry: _Entry, encode: bool) -> list[markup.Node]:
    return [
        ("Key", url_text(entry.key.decode(), encode)),
        ("UploadId", entry.id),
        ("Initiated", iso_time(entry.initiated)),
    ]


# What a scan starts after: a key and an id; HIGH as id means "and all uploads of that key".
_After = tuple[bytes, str]
HIGH = "\U0010ffff"


def _start(prefix: bytes, delimiter: bytes, marker: bytes, id_marker: str) -> _After | None:
    if not marker:
        return None
    if common_prefix(marker, prefix, delimiter) == marker:
        return _beyond(marker)
    return marker, id_marker or HIGH


def _beyond(prefix: bytes) -> _After:
    """After every key that starts with `prefix`: no UTF-8 holds the byte FF."""
    return prefix + b"\xff", ""


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes:
    """Up to and with the first delimiter after the prefix; nothing when there is none."""
    if not delimiter or not key.startswith(prefix):
        return b""
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else b""


def _entries(store: Store, bucket: str, prefix: bytes, delimiter: bytes, after: _After | None) -> Iterator[_Entry]:
    """Uploads and common prefixes in their order. What lies under a common prefix is jumped over."""
    while True:
        for key, identifier, initiated in store.uploads.scan(bucket, prefix, after):
            if not key.startswith(prefix):
                return
            if common := common_prefix(key, prefix, delimiter):
                yield _Entry(common)
                after = _beyond(common)
                break
            yield _Entry(key, identifier, initiated)
        else:
            return
