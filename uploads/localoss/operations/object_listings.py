"""ListObjects and ListObjectsV2.

Rule: `paging` decides the content of a page.
"""

import base64
import binascii
from itertools import islice

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, quoted, xml
from uploads.localoss.errors import invalid_argument
from uploads.localoss.operations import paging
from uploads.localoss.operations.buckets import owner
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.multipart import url_text
from uploads.localoss.store.rows import StoredObject
from uploads.oss.limits import MAX_LIST_PAGE

DEFAULT_PAGE = 100

_Page = list[tuple[bytes, StoredObject | None]]


def list_objects(context: Context) -> Answer:
    """OSS manual: "ListObjects (GetBucket)". `marker` is a key."""
    request = context.request
    encode = request.wants_url_encoding()
    marker = request.parameters.get("marker", "")
    page, truncated = _page(context, marker)
    extra: list[markup.Node] = [("Marker", url_text(marker, encode))]
    if truncated:
        extra.append(("NextMarker", url_text(page[-1][0].decode(), encode)))
    return _answer(context, page, [*extra, ("IsTruncated", str(truncated).lower())], owners=True)


def list_objects_v2(context: Context) -> Answer:
    """OSS manual: "ListObjectsV2 (GetBucketV2)". Owners are listed with fetch-owner."""
    request = context.request
    token, after = request.parameters.get("continuation-token", ""), request.parameters.get("start-after", "")
    page, truncated = _page(context, _marker(token) if token else after)
    extra: list[markup.Node] = [("KeyCount", len(page))]
    if token:
        extra.append(("ContinuationToken", token))
    if after:
        extra.append(("StartAfter", url_text(after, request.wants_url_encoding())))
    if truncated:
        extra.append(("NextContinuationToken", base64.urlsafe_b64encode(page[-1][0]).decode()))
    owners = request.parameters.get("fetch-owner") == "true"
    return _answer(context, page, [*extra, ("IsTruncated", str(truncated).lower())], owners=owners)


def _marker(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("continuation-token", token, "The continuation token provided is incorrect.") from error


def _limit(context: Context) -> int:
    return context.request.number("max-keys", DEFAULT_PAGE, 1, MAX_LIST_PAGE)


def _page(context: Context, marker: str) -> tuple[_Page, bool]:
    """The page after `marker`, and whether there are more."""
    given, limit = context.request.parameters.get, _limit(context)
    prefix, delimiter = given("prefix", "").encode(), given("delimiter", "").encode()
    after = paging.start(prefix, delimiter, marker.encode())
    found = list(islice(paging.entries(_scan(context, prefix), prefix, delimiter, after), limit + 1))
    return found[:limit], len(found) > limit


def _scan(context: Context, prefix: bytes) -> paging.Scan[StoredObject]:
    name = context.bucket.name
    return lambda after: (
        (stored.key.encode(), stored) for stored in context.store.objects.scan(name, prefix, after and after[0])
    )


def _answer(context: Context, page: _Page, extra: list[markup.Node], *, owners: bool) -> Answer:
    request = context.request
    encode = request.wants_url_encoding()
    content: list[markup.Node] = [("EncodingType", "url")] if encode else []
    content += [
        ("Name", context.bucket.name),
        ("Prefix", url_text(request.parameters.get("prefix", ""), encode)),
        ("MaxKeys", _limit(context)),
        ("Delimiter", url_text(request.parameters.get("delimiter", ""), encode)),
        *extra,
    ]
    owners_of: list[markup.Node] = [("Owner", owner(context.config))] if owners else []
    content += [("Contents", [*_described(stored, encode), *owners_of]) for _, stored in page if stored]
    content += [("CommonPrefixes", [("Prefix", url_text(key.decode(), encode))]) for key, stored in page if not stored]
    return xml("ListBucketResult", content)


def _described(stored: StoredObject, encode: bool) -> list[markup.Node]:
    return [
        ("Key", url_text(stored.key, encode)),
        ("LastModified", iso_time(stored.modified)),
        ("ETag", quoted(stored.etag)),
        ("Type", stored.kind),
        ("Size", stored.size),
        ("StorageClass", stored.headers.get("x-oss-storage-class", "Standard")),
    ]
