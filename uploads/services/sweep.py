"""The sweep: what was left lying is adopted, given up, or said again, and what nobody knows is thrown out.

Rule: any number of sweeps may run at once: each takes uploads on by a claim that nobody else gets, and a sweep that
dies gives its claims back by letting them run out. What was finished is never thrown away: OSS is asked first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from uploads import telemetry
from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain.errors import UploadError, WrongState
from uploads.domain.keys import static_prefix
from uploads.domain.states import State
from uploads.models import Upload, UploadQuerySet
from uploads.oss.messages import OpenUpload
from uploads.services.abort import abort, release
from uploads.services.common import object_at_oss, storage_errors
from uploads.services.complete import complete

CLAIM = timedelta(minutes=10)
"""A batch is done long before; one whose sweep died is free again after this."""
BATCH = 50
PATIENCE = timedelta(minutes=10)
"""A Complete that has taken longer was lost, and an abort that OSS has not heard by then is said again."""
ORPHAN_AGE = timedelta(hours=1)
"""An upload at OSS is younger than its row for a moment: what is younger than this is left alone."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One thing that was done, or with `dry_run` would be. `what`: adopted, aborted, settled, released, orphan;
    failed or skipped (then `detail` says why)."""

    what: str
    key: str
    detail: str = ""


def sweep(
    *, older_than: timedelta | None = None, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Swept]:
    """Everything that is due, batch after batch. `older_than`: also give up what nobody has touched for so long."""
    now = now or timezone.now()
    idle_since = now - older_than if older_than is not None else None
    life = max((place.url_expires for place in settings.destinations.values()), default=0)
    due: list[tuple[UploadQuerySet, Callable[[Upload], Swept], str]] = [
        (Upload.objects.unsettled(now - PATIENCE), _settle, "settled"),
        (Upload.objects.stale(now, idle_since), _give_up, "aborted or adopted"),
        (Upload.objects.unreleased(now - PATIENCE, timedelta(seconds=life)), _release, "released"),
    ]
    for uploads, work, word in due:
        if dry_run:
            yield from (Swept(f"would be {word}", upload.key) for upload in uploads.iterator())
            continue
        while taken := uploads.claim(now, timezone.now() + CLAIM, BATCH):
            for upload in Upload.objects.filter(pk__in=taken):
                swept = _attempt(upload, work)
                telemetry.SWEPT.labels(swept.what).inc()
                yield swept


def _attempt(upload: Upload, work: Callable[[Upload], Swept]) -> Swept:
    """One that fails does not keep the others from their turn: its claim runs out, and it has another."""
    try:
        swept = work(upload)
    except WrongState:
        return Swept("skipped", upload.key, "Somebody else was at it.")
    except UploadError as error:
        return Swept("failed", upload.key, error.detail)
    if swept.what != "failed":
        Upload.objects.filter(pk=upload.pk).update(claimed_until=None)
    return swept


def _settle(upload: Upload) -> Swept:
    if complete(upload).state != State.COMPLETED:
        return Swept("failed", upload.key, "OSS has not said yet how it ended.")
    return Swept("settled", upload.key)


def _give_up(upload: Upload) -> Swept:
    """Unless it was finished without our hearing of it."""
    if check_object(upload).state == State.COMPLETED:
        return Swept("adopted", upload.key)
    abort(upload)
    return Swept("aborted", upload.key)


def check_object(upload: Upload) -> Upload:
    """As a callback would, without one: if the object is there, the upload has ended; if not, nothing has happened."""
    done = object_at_oss(upload)
    if done is not None and (upload.is_stream or done.size == upload.size):
        return complete(upload, object_confirmed=True)
    return upload


def _release(upload: Upload) -> Swept:
    release(upload)
    return Swept("released", upload.key)


def sweep_orphans(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Swept]:
    """Multipart uploads in our buckets, under our prefixes, that no row knows: aborted."""
    before = (now or timezone.now()) - ORPHAN_AGE
    for bucket, prefix in sorted(
        {(settings.bucket_of(p), static_prefix(p.key)) for p in settings.destinations.values()}
    ):
        page: list[OpenUpload] = []
        with storage_errors():
            for held in oss_client().all_uploads(bucket, prefix):
                page += [held] if held.initiated < before else []
                if len(page) == BATCH:
                    yield from _throw_out(bucket, page, dry_run=dry_run)
                    page = []
            yield from _throw_out(bucket, page, dry_run=dry_run)


def _throw_out(bucket: str, page: Sequence[OpenUpload], *, dry_run: bool) -> Iterator[Swept]:
    known = known_uploads(bucket, page)
    for held in page:
        if held.upload_id in known:
            continue
        if not dry_run:
            oss_client().abort(bucket, held.key, held.upload_id)
        yield Swept("would be orphan" if dry_run else "orphan", held.key, held.upload_id)


def known_uploads(bucket: str, held: Sequence[OpenUpload]) -> dict[str, Upload]:
    """Of these multipart uploads at OSS, those that have a row, by OSS's name."""
    rows = Upload.objects.filter(bucket=bucket, upload_id__in=[each.upload_id for each in held])
    return {upload.upload_id: upload for upload in rows.select_related("owner")}
