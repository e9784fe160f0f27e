"""The search for orphans: the multipart uploads and the objects below our prefixes that no upload here knows.

Rule: nothing is changed at OSS. A step reads one page of a listing; the sweep makes steps until its time is over, and
the next one continues. So no page of the admin waits for OSS, and a bucket may have any number of uploads.
Manual: ListMultipartUploads, ListParts, ListObjectsV2.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from urllib.parse import quote, unquote

from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_now
from uploads.domain.destination import outermost_prefixes
from uploads.domain.errors import StorageBusy, UploadError
from uploads.domain.places import Place
from uploads.domain.states import State
from uploads.models import Kind, Orphan, OrphanSearch, Upload, orphan_id, search_id
from uploads.models.databases import conflict_target
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import OpenUpload, Part
from uploads.services.common import as_record, parts_at, storage_errors
from uploads.services.known_uploads import ORPHAN_AGE, known_uploads
from uploads.services.lost_rows import objects_without_row
from uploads.services.object_descriptions import is_storable
from uploads.services.transactions import oss_client

SECONDS = 30.0
"""How long one sweep searches. A step that has begun is finished."""
INTERVAL = timedelta(hours=6)
"""Between the begins of two searches: listing a million objects takes a thousand requests."""
RETRY = timedelta(hours=1)
CLAIM = timedelta(minutes=10)
PAGE = 200
"""Multipart uploads of one step. OSS says the size of each orphan by another request."""
CONCURRENT_CALLS = 8


def search_orphans(now: datetime | None = None) -> Iterator[tuple[str, str, str]]:
    """Make steps for SECONDS. Yields `failed`, the prefix and the reason where OSS refuses; the others continue.

    A place where OSS does not answer is left to a later sweep.
    """
    now, deadline = now or timezone.now(), monotonic() + SECONDS
    searches = list(_searches(now))
    OrphanSearch.objects.exclude(pk__in=[each.pk for each in searches]).delete()
    silent: set[str] = set()
    for search in searches:
        if search.place in silent:
            continue
        claimed = OrphanSearch.objects.filter(pk=search.pk, due_at=search.due_at, due_at__lte=now)
        while monotonic() < deadline and claimed.update(due_at=now + CLAIM):
            search.due_at = now + CLAIM
            try:
                is_over = _step(search, now)
            except UploadError as error:
                OrphanSearch.objects.filter(pk=search.pk).update(due_at=now + RETRY, error=as_record(error))
                silent |= {search.place} if isinstance(error, StorageBusy) else set()
                yield "failed", search.prefix, error.advice
                break
            if is_over:
                break
            claimed = OrphanSearch.objects.filter(pk=search.pk, due_at=now)


def _searches(now: datetime) -> Iterator[OrphanSearch]:
    for name, destinations in settings.buckets.items():
        for prefix in outermost_prefixes(each for each in destinations if each.has_own_prefix):
            for kind in Kind:
                new = {"place": name, "prefix": prefix, "kind": kind, "due_at": now}
                yield OrphanSearch.objects.get_or_create(pk=search_id(name, prefix, kind), defaults=new)[0]


def _step(search: OrphanSearch, now: datetime) -> bool:
    """Read one page, and record what it has. Returns whether it was the last one. Raises UploadError."""
    place, destinations = settings.place(search.place), settings.buckets[search.place]
    if not search.cursor:
        search.began_at = now
    read = _multipart_uploads if search.kind == Kind.MULTIPART else _objects
    with storage_errors():
        found, search.cursor = read(search, place, destinations)
    for orphan in found:
        orphan.search, orphan.seen_at = search, now
    # What somebody wants to be aborted stays so.
    fields = ("search", "destination", "bytes", "began_at", "seen_at", "gone_at")
    Orphan.objects.bulk_create(found, update_fields=fields, **conflict_target("id"))
    is_over = not search.cursor
    if is_over:
        Orphan.objects.filter(search=search, seen_at__lt=search.began_at, due_at=None).delete()
        search.ended_at = search.began_at
    due = (search.began_at or now) + INTERVAL if is_over else now
    state = {"cursor": search.cursor, "began_at": search.began_at, "ended_at": search.ended_at}
    OrphanSearch.objects.filter(pk=search.pk).update(due_at=due, error=None, **state)
    return is_over


Found = tuple[list[Orphan], list[str]]
"""The orphans of a page, and the markers of the next one, percent-encoded: a key may hold NUL. None after the last."""


def _multipart_uploads(search: OrphanSearch, place: Place, destinations: Sequence[Destination]) -> Found:
    markers = dict(zip(("key-marker", "upload-id-marker"), map(unquote, search.cursor), strict=False))
    query = {"prefix": search.prefix, "max-uploads": str(PAGE), **markers}
    page = oss_client(place).list_uploads(place.bucket, query)
    known = known_uploads(place.bucket, page.uploads)
    _look_at_ended([known[each.upload_id] for each in page.uploads if each.upload_id in known])
    before = oss_now(place) - ORPHAN_AGE
    unknown = [each for each in page.uploads if each.upload_id not in known and is_storable(each.key)]
    old = [each for each in unknown if each.initiated < before]
    return _measured(place, old, before, destinations), [quote(marker) for marker in page.next_marker or ()]


def _look_at_ended(uploads: Sequence[Upload]) -> None:
    """OSS has them although they have ended and were dropped: a part has arrived since. The sweep drops them again."""
    late = [each.pk for each in uploads if each.state in (State.ABORTED, State.FAILED) and each.released_at]
    if late:
        Upload.objects.filter(pk__in=late, look_again_at=None).update(look_again_at=timezone.now())


def _measured(
    place: Place, held: Sequence[OpenUpload], before: datetime, destinations: Sequence[Destination]
) -> list[Orphan]:
    """Those that got no part since `before`, with the bytes of their parts."""
    if not held:
        return []
    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        listed = list(pool.map(partial(_parts, place), held))
    return [
        Orphan(
            id=orphan_id(place.bucket, each.key, each.upload_id),
            kind=Kind.MULTIPART,
            destination=destination_of_key(each.key, destinations).name,
            bucket=place.bucket,
            key=each.key,
            upload_id=each.upload_id,
            bytes=sum(part.size for part in parts),
            began_at=each.initiated,
        )
        for each, parts in zip(held, listed, strict=True)
        if parts is not None and not any(part.last_modified and part.last_modified >= before for part in parts)
    ]


def _parts(place: Place, held: OpenUpload) -> list[Part] | None:
    return parts_at(place, held.key, held.upload_id)


def _objects(search: OrphanSearch, place: Place, destinations: Sequence[Destination]) -> Found:
    """Objects whose rows were forgotten on purpose (`retention_days` alone) are none."""
    after = unquote(search.cursor[0]) if search.cursor else ""
    pages = oss_client(place).list_objects(place.bucket, search.prefix, start_after=after, page_size=MAX_LIST_PAGE)
    page, before = next(pages), oss_now(place) - ORPHAN_AGE
    old = [each for each in page.objects if each.modified < before]
    found = []
    for each in objects_without_row(place.bucket, old):
        destination = destination_of_key(each.key, destinations)
        if destination.retention_days is not None and destination.object_retention_days is None:
            continue
        found.append(
            Orphan(
                id=orphan_id(place.bucket, each.key, ""),
                kind=Kind.OBJECT,
                destination=destination.name,
                bucket=place.bucket,
                key=each.key,
                bytes=each.size,
                began_at=each.modified,
            )
        )
    return found, [quote(page.keys[-1])] if page.next_token and page.keys else []


def destination_of_key(key: str, destinations: Sequence[Destination]) -> Destination:
    """The destination with the longest prefix of this key; the first of several."""

    def length(each: Destination) -> int:
        return max((len(prefix) for prefix in each.prefixes if key.startswith(prefix)), default=-1)

    return max(destinations, key=length)
