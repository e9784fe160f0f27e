"""ListObjectVersions.

Rule: `paging` decides the content of a page. A bucket that never was versioned lists each object as the version "null".
"""

from collections.abc import Iterator
from itertools import islice

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, quoted, xml
from uploads.localoss.operations import paging
from uploads.localoss.operations.buckets import owner
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import url_text
from uploads.localoss.operations.versions import NULL
from uploads.localoss.store.rows import StoredObject
from uploads.localoss.store.versions import DELETE_MARKER
from uploads.oss.limits import MAX_LIST_PAGE

DEFAULT_PAGE = 100
_Version = tuple[StoredObject, bool]
"""A version, and whether it is the latest one of its key."""


def list_object_versions(context: Context) -> Answer:
    """OSS manual: "ListObjectVersions (GetBucketVersions)". The newest version of a key comes first."""
    request = context.request
    encode = request.wants_url_encoding()
    limit = request.number("max-keys", DEFAULT_PAGE, 1, MAX_LIST_PAGE)
    given = request.parameters.get
    prefix, delimiter, marker = given("prefix", ""), given("delimiter", ""), given("key-marker", "")
    id_marker = given("version-id-marker", "") if marker else ""
    after = paging.start(prefix.encode(), delimiter.encode(), marker.encode(), id_marker)
    found = list(islice(paging.entries(_scan(context, prefix), prefix.encode(), delimiter.encode(), after), limit + 1))
    page, truncated = found[:limit], len(found) > limit
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Name", context.bucket.name),
        ("Prefix", url_text(prefix, encode)),
        ("KeyMarker", url_text(marker, encode)),
        ("VersionIdMarker", id_marker),
        ("MaxKeys", limit),
        ("Delimiter", url_text(delimiter, encode)),
        ("IsTruncated", str(truncated).lower()),
    ]
    if truncated:
        key, last = page[-1]
        content.append(("NextKeyMarker", url_text(key.decode(), encode)))
        content.append(("NextVersionIdMarker", (last[0].version or NULL) if last else ""))
    content += [_described(context, *version, encode=encode) for _, version in page if version]
    content += [("CommonPrefixes", [("Prefix", url_text(key.decode(), encode))]) for key, item in page if not item]
    return xml("ListVersionsResult", content)


def _scan(context: Context, prefix: str) -> paging.Scan[_Version]:
    name, first = context.bucket.name, prefix.encode()

    def scan(after: paging.After | None) -> Iterator[tuple[bytes, _Version]]:
        position = None
        if after is not None:
            key, version = after
            position = (key, None if version in ("", paging.HIGH) else "" if version == NULL else version)
        for stored, latest in context.store.objects.scan_versions(name, first, position):
            yield stored.key.encode(), (stored, latest)

    return scan


def _described(context: Context, stored: StoredObject, latest: bool, *, encode: bool) -> markup.Node:
    content: list[markup.Node] = [
        ("Key", url_text(stored.key, encode)),
        ("VersionId", stored.version or NULL),
        ("IsLatest", str(latest).lower()),
        ("LastModified", iso_time(stored.modified)),
    ]
    if stored.kind == DELETE_MARKER:
        return (DELETE_MARKER, [*content, ("Owner", owner(context.config))])
    content += [
        ("ETag", quoted(stored.etag)),
        ("Type", stored.kind),
        ("Size", stored.size),
        ("StorageClass", stored.headers.get("x-oss-storage-class", "Standard")),
        ("Owner", owner(context.config)),
    ]
    return ("Version", content)
