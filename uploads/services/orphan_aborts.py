"""Aborts of orphans, which the sweep repeats until OSS says that nothing is left.

Rule: what is aborted has no row, and is not being sent: OSS and the database are asked again, because a list of orphans
may be old. A failure is counted on the orphan's row, which is made for it if no search has found the orphan yet. When
OSS says that it is gone, the sweep looks again after every signature has expired: a part may have been on its way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from uploads.conf import settings
from uploads.connection import oss_offset
from uploads.domain.errors import Conflict, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.domain.retries import pause
from uploads.models import Kind, Orphan, orphan_id
from uploads.services.abort import abort_at, longest_signature
from uploads.services.common import as_record, parts_at
from uploads.services.known_uploads import ORPHAN_AGE, known_uploads

CLAIM = timedelta(minutes=10)
BATCH = 50


def orphan_of(bucket: str, destination: str, key: str, upload_id: str) -> Orphan:
    """The row of a multipart upload at OSS; one that is not saved if no search has found it."""
    identity, now = orphan_id(bucket, key, upload_id), timezone.now()
    new = Orphan(id=identity, kind=Kind.MULTIPART, bucket=bucket, key=key, upload_id=upload_id)
    new.destination, new.began_at, new.seen_at = destination, now, now
    return Orphan.objects.filter(pk=identity).first() or new


def quiet_since(place: Place, now: datetime) -> datetime:
    """An orphan got no part since. By OSS's clock and aware, as the times of parts are. `now` is naive without
    USE_TZ."""
    aware = now if timezone.is_aware(now) else timezone.make_aware(now)
    return aware + oss_offset(place) - ORPHAN_AGE


def require_orphan(orphan: Orphan, now: datetime | None = None) -> bool:
    """Whether OSS still has the multipart upload; nothing is changed.

    Raises Conflict if it got a part in the last 24 hours, or belongs to an upload here; StorageBusy, StorageRefused.
    """
    place = settings.place_of(orphan)
    parts = parts_at(place, orphan.key, orphan.upload_id)
    if parts is None:
        return False
    before = quiet_since(place, now or timezone.now())
    if any(part.last_modified is not None and part.last_modified >= before for part in parts):
        raise Conflict(Phrase("OSS got a part of it in the last 24 hours: somebody may be sending it."))
    if known_uploads(orphan.bucket, [orphan]):
        raise Conflict(Phrase("It belongs to an upload by now."))
    return True


def abort_if_orphan(orphan: Orphan, now: datetime | None = None) -> bool:
    """As `abort_orphan`, if it is one. Returns whether OSS had it. Raises as `require_orphan`; after StorageBusy and
    StorageRefused the sweep tries again."""
    with _failures_counted(orphan):
        is_there = require_orphan(orphan, now)
    if is_there or not orphan._state.adding:
        abort_orphan(orphan)
    return is_there


def abort_orphan(orphan: Orphan) -> None:
    """Abort the multipart upload until OSS says that it is gone, whoever sends it. Repeatable.

    Raises StorageBusy, StorageRefused, after which the sweep tries again.
    """
    with _failures_counted(orphan):
        abort_at(orphan, orphan.key, orphan.upload_id)
    if orphan.gone_at is not None:
        orphan.delete()
        return
    orphan.gone_at = timezone.now()
    orphan.due_at, orphan.attempts, orphan.error = orphan.gone_at + longest_signature(), 0, None
    orphan.save()


@contextmanager
def _failures_counted(orphan: Orphan) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise
    except UploadError as error:
        orphan.attempts = min(orphan.attempts + 1, 1000)
        orphan.due_at, orphan.error = timezone.now() + pause(orphan.attempts), as_record(error)
        orphan.save()
        raise


def sweep_orphan_aborts(now: datetime, *, dry_run: bool = False) -> Iterator[tuple[str, str, str]]:
    """Repeat the aborts that are due. Yields what was done, the key, and the reason of a failure."""
    if dry_run:
        due = Orphan.objects.filter(due_at__lte=now)
        yield from (("would be aborted again", orphan.key, orphan.upload_id) for orphan in due.iterator())
        return
    while taken := Orphan.objects.claim(now, timezone.now() + CLAIM, BATCH):
        for orphan in Orphan.objects.filter(pk__in=taken):
            try:
                # What was aborted before may have got the parts that were on their way.
                abort_orphan(orphan) if orphan.gone_at else abort_if_orphan(orphan, now)
            except Conflict as refusal:
                orphan.due_at, orphan.error = timezone.now() + ORPHAN_AGE, as_record(refusal)
                orphan.save()
                yield "skipped", orphan.key, refusal.advice
            except UploadError as error:
                yield "failed", orphan.key, error.advice
            else:
                yield "orphan", orphan.key, orphan.upload_id
