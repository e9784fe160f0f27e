"""Aborts of orphans that somebody has asked for: repeated by the sweep until OSS says that nothing is left.

Rule: a failure is counted on the orphan's row, which is made for it if no search has found the orphan yet. When OSS
says that it is gone, the sweep looks again after every signature has expired: a part may have been on its way.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from uploads.domain.errors import UploadError
from uploads.domain.retries import pause
from uploads.models import Kind, Orphan, orphan_id
from uploads.services.abort import abort_at, longest_signature
from uploads.services.common import as_record

CLAIM = timedelta(minutes=10)
BATCH = 50


def orphan_of(bucket: str, destination: str, key: str, upload_id: str) -> Orphan:
    """The row of a multipart upload at OSS; one that is not saved if no search has found it."""
    identity, now = orphan_id(bucket, key, upload_id), timezone.now()
    new = Orphan(id=identity, kind=Kind.MULTIPART, bucket=bucket, key=key, upload_id=upload_id)
    new.destination, new.began_at, new.seen_at = destination, now, now
    return Orphan.objects.filter(pk=identity).first() or new


def abort_orphan(orphan: Orphan, now: datetime | None = None) -> None:
    """Abort the multipart upload until OSS says that it is gone. Repeatable. Raises StorageBusy, StorageRefused, after
    which the sweep tries again."""
    now = now or timezone.now()
    try:
        abort_at(orphan, orphan.key, orphan.upload_id)
    except UploadError as error:
        orphan.attempts = min(orphan.attempts + 1, 1000)
        orphan.due_at, orphan.error = now + pause(orphan.attempts), as_record(error)
        orphan.save()
        raise
    if orphan.gone_at is not None:
        orphan.delete()
        return
    orphan.gone_at, orphan.due_at, orphan.attempts, orphan.error = now, now + longest_signature(), 0, None
    orphan.save()


def sweep_orphan_aborts(now: datetime, *, dry_run: bool = False) -> Iterator[tuple[str, str, str]]:
    """Repeat the aborts that are due. Yields what was done, the key, and the reason of a failure."""
    if dry_run:
        due = Orphan.objects.filter(due_at__lte=now)
        yield from (("would be aborted again", orphan.key, orphan.upload_id) for orphan in due.iterator())
        return
    while taken := Orphan.objects.claim(now, timezone.now() + CLAIM, BATCH):
        for orphan in Orphan.objects.filter(pk__in=taken):
            try:
                abort_orphan(orphan)
            except UploadError as error:
                yield "failed", orphan.key, error.advice
            else:
                yield "orphan", orphan.key, orphan.upload_id
