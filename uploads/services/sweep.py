"""The sweep: completes or aborts stale uploads, repeats calls that did not reach OSS, aborts what has no row.

Rule: any number of sweeps may run at once. Each claims the uploads that it works on, and the claims of a sweep that
was killed expire. A finished upload is never aborted: OSS is asked first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from uploads import telemetry
from uploads.conf import settings
from uploads.connection import oss_client, oss_now
from uploads.domain.errors import UploadError, WrongState
from uploads.domain.states import State
from uploads.models import Upload, UploadQuerySet
from uploads.oss.messages import OpenUpload
from uploads.services.abort import abort, release
from uploads.services.common import object_at_oss, storage_errors
from uploads.services.complete import complete
from uploads.services.staging import remove_staged

CLAIM = timedelta(minutes=10)
"""A batch takes far less. The claims of a sweep that was killed expire after this."""
BATCH = 50
PATIENCE = timedelta(minutes=10)
"""After this a Complete counts as lost, and an abort that did not reach OSS is repeated."""
STAGES_SECONDS = 300
"""For checking and copying one staged file; the next sweep continues."""
ORPHAN_AGE = timedelta(hours=1)
"""A multipart upload exists at OSS for a moment before it has a row: younger ones are left alone."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One thing that was done, or with `dry_run` would be. `what`: adopted, aborted, settled, released, orphan;
    failed or skipped, with the reason in `detail`."""

    what: str
    key: str
    detail: str = ""


def sweep(
    *, older_than: timedelta | None = None, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Swept]:
    """Do everything that is due, batch after batch. `older_than`: also abort uploads untouched for so long."""
    now = now or timezone.now()
    idle_since = now - older_than if older_than is not None else None
    life = max((destination.url_expires for destination in settings.destinations.values()), default=0)
    issued = max((destination.credentials_expires for destination in settings.destinations.values()), default=0)
    due: list[tuple[UploadQuerySet, Callable[[Upload], Swept], str]] = [
        (Upload.objects.unsettled(now - PATIENCE), _settle, "settled"),
        (Upload.objects.stale(now, idle_since), _abort_stale, "aborted or adopted"),
        (Upload.objects.unreleased(now - PATIENCE, timedelta(seconds=life)), _release, "released"),
        (Upload.objects.staged_leftovers(now, timedelta(seconds=max(life, issued))), _remove_staged, "released"),
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
    """A failure does not stop the sweep: the claim expires, and a later sweep tries again."""
    try:
        swept = work(upload)
    except WrongState:
        return Swept("skipped", upload.key, "Another request or sweep changed this upload.")
    except UploadError as error:
        return Swept("failed", upload.key, error.detail)
    if swept.what != "failed":
        Upload.objects.filter(pk=upload.pk).update(claimed_until=None)
    return swept


def _settle(upload: Upload) -> Swept:
    if complete(upload, seconds=STAGES_SECONDS).state != State.COMPLETED:
        if upload.stage:
            return Swept("failed", upload.key, "The staged file is still being checked or copied.")
        return Swept("failed", upload.key, "OSS has not answered yet whether the object was completed.")
    return Swept("settled", upload.key)


def _abort_stale(upload: Upload) -> Swept:
    """Abort a stale upload, unless it turns out to be finished."""
    if check_object(upload).state == State.COMPLETED:
        return Swept("adopted", upload.key)
    abort(upload)
    return Swept("aborted", upload.key)


def check_object(upload: Upload) -> Upload:
    """Complete the upload if its object is there, as a callback would. Otherwise leave it as it is."""
    done = object_at_oss(upload)
    if done is not None and (upload.is_stream or done.size == upload.size):
        return complete(upload, object_confirmed=True)
    return upload


def _release(upload: Upload) -> Swept:
    release(upload)
    return Swept("released", upload.key)


def _remove_staged(upload: Upload) -> Swept:
    remove_staged(upload)
    return Swept("released", upload.staging_key)


def sweep_orphans(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Swept]:
    """Abort multipart uploads in our buckets, under our prefixes, that have no row."""
    before = (now or oss_now()) - ORPHAN_AGE
    for bucket, prefix in settings.locations:
        page: list[OpenUpload] = []
        with storage_errors():
            for held in oss_client().all_uploads(bucket, prefix):
                page += [held] if held.initiated < before else []
                if len(page) == BATCH:
                    yield from _abort_orphans(bucket, page, dry_run=dry_run)
                    page = []
            yield from _abort_orphans(bucket, page, dry_run=dry_run)


def _abort_orphans(bucket: str, page: Sequence[OpenUpload], *, dry_run: bool) -> Iterator[Swept]:
    known = known_uploads(bucket, page)
    for held in page:
        if held.upload_id in known:
            continue
        if not dry_run:
            oss_client().abort(bucket, held.key, held.upload_id)
        yield Swept("would be orphan" if dry_run else "orphan", held.key, held.upload_id)


def known_uploads(bucket: str, held: Sequence[OpenUpload]) -> dict[str, Upload]:
    """The rows of these multipart uploads at OSS, by upload id; those of copies of staged files, too."""
    identifiers = [each.upload_id for each in held]
    ours = Q(upload_id__in=identifiers) | Q(copy_id__in=identifiers)
    rows = Upload.objects.filter(ours, bucket=bucket).select_related("owner")
    return {name: upload for upload in rows for name in (upload.upload_id, upload.copy_id) if name in identifiers}
