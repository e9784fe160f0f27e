"""ListParts and ListMultipartUploads.

Rule: `paging` decides the content of a page.
"""

from itertools import islice

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, quoted, xml
from uploads.localoss.operations import paging
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import existing_upload, url_text
from uploads.localoss.store.rows import StoredPart
from uploads.oss.limits import MAX_LIST_PAGE, MAX_PART_NUMBER


def list_parts(context: Context) -> Answer:
    """OSS manual: "ListParts". oss2 needs NextPartNumberMarker also on the last page."""
    request = context.request
    encode = request.wants_url_encoding()
    limit = request.number("max-parts", MAX_LIST_PAGE, 1, MAX_LIST_PAGE)
    marker = request.number("part-number-marker", 0, 0, MAX_PART_NUMBER)
    upload = existing_upload(context)
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


def list_uploads(context: Context) -> Answer:
    """OSS manual: "ListMultipartUploads". oss2 needs the Next… markers also on the last page."""
    request = context.request
    encode = request.wants_url_encoding()
    limit = request.number("max-uploads", MAX_LIST_PAGE, 1, MAX_LIST_PAGE)
    given = request.parameters.get
    prefix, delimiter, marker = given("prefix", ""), given("delimiter", ""), given("key-marker", "")
    id_marker = given("upload-id-marker", "") if marker else ""
    after = paging.start(prefix.encode(), delimiter.encode(), marker.encode(), id_marker)
    found = list(islice(paging.entries(_scan(context, prefix), prefix.encode(), delimiter.encode(), after), limit + 1))
    page = found[:limit]
    last_key, last = page[-1] if page else (b"", None)
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Bucket", context.bucket.name),
        ("KeyMarker", url_text(marker, encode)),
        ("UploadIdMarker", id_marker),
        ("NextKeyMarker", url_text(last_key.decode(), encode)),
        ("NextUploadIdMarker", last[0] if last else ""),
        ("Delimiter", url_text(delimiter, encode)),
        ("Prefix", url_text(prefix, encode)),
        ("MaxUploads", limit),
        ("IsTruncated", str(len(found) > limit).lower()),
    ]
    content += [("Upload", _upload(key, *upload, encode=encode)) for key, upload in page if upload]
    content += [
        ("CommonPrefixes", [("Prefix", url_text(key.decode(), encode))]) for key, upload in page if upload is None
    ]
    return xml("ListMultipartUploadsResult", content)


def _scan(context: Context, prefix: str) -> paging.Scan[tuple[str, int]]:
    """(key, (upload id, initiated))."""
    name, first = context.bucket.name, prefix.encode()
    return lambda after: (
        (key, (identifier, initiated)) for key, identifier, initiated in context.store.uploads.scan(name, first, after)
    )


def _upload(key: bytes, identifier: str, initiated: int, *, encode: bool) -> list[markup.Node]:
    return [
        ("Key", url_text(key.decode(), encode)),
        ("UploadId", identifier),
        ("Initiated", iso_time(initiated)),
    ]
