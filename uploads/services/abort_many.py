"""Abort many stale uploads together: the calls to OSS side by side, and a few queries for all of them.

Rule: as `services.abort`, which does the same for one. What cannot be done here is left to it: the caller repeats it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.utils import timezone

from uploads.domain.endings import AbortedBy, abort_record
from uploads.domain.errors import UploadError
from uploads.domain.states import Event
from uploads.models import Part, PrefixCredentials, Upload, UploadQuerySet
from uploads.services.abort import abort_until_gone, may_have_object, signatures_expire
from uploads.services.activity import ACTIVITY_INTERVAL
from uploads.services.common import object_or_copy

CONCURRENT_CALLS = 8
T = TypeVar("T")


def abort_stale(stale: UploadQuerySet, uploads: Sequence[Upload]) -> dict[UUID, UploadError | None]:
    """Abort those of `uploads` that have no object and still belong to `stale`.

    Returns the error of OSS for each that was aborted, by id: None if OSS has dropped its parts. Only those are aborted
    here that nobody can have completed.
    """
    plain = [each for each in uploads if not may_have_object(each)]
    found = side_by_side(object_or_copy, plain)
    missing = [upload for upload, answer in zip(plain, found, strict=True) if answer is None]
    now = timezone.now()
    # A holder of credentials for a prefix signs by itself.
    holders = set(
        PrefixCredentials.objects.filter(owner__in={each.owner_id for each in missing}).values_list("owner_id")
    )
    quiet = {
        each.pk
        for each in missing
        if signatures_expire(each) + ACTIVITY_INTERVAL <= now and (each.owner_id,) not in holders
    }
    for upload in missing:
        upload.error = abort_record(AbortedBy.EXPIRY)
    # Not what somebody has moved since it was read: there may be an object by now.
    unmoved = stale.filter(updated_at__lte=max((each.updated_at for each in missing), default=now))
    aborted = unmoved.advance_many(missing, Event.ABORT, ("error",)) if missing else []

    errors = side_by_side(abort_until_gone, aborted)
    failed = {upload.pk: each for upload, each in zip(aborted, errors, strict=True) if isinstance(each, UploadError)}
    _record_released([upload for upload in aborted if upload.pk not in failed], quiet, now)
    return {upload.pk: failed.get(upload.pk) for upload in aborted}


def side_by_side(call: Callable[[Upload], T], uploads: Sequence[Upload]) -> list[T | UploadError]:
    """What each call returned, or its error. The calls ask OSS only: the database is not used in threads."""

    def one(upload: Upload) -> T | UploadError:
        try:
            return call(upload)
        except UploadError as error:
            return error

    if len(uploads) < 2:
        return [one(upload) for upload in uploads]
    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        return list(pool.map(one, uploads))


def _record_released(uploads: Sequence[Upload], quiet: Collection[UUID], began: datetime) -> None:
    """`began`: before OSS was asked. A part may arrive after OSS has said that all is gone, unless the upload is among
    `quiet`: no signature for it was valid any more."""
    now = timezone.now()
    by_expiry: dict[datetime, list[UUID]] = defaultdict(list)
    for upload in uploads:
        by_expiry[began if upload.pk in quiet else signatures_expire(upload)].append(upload.pk)
    for expiry, identifiers in by_expiry.items():
        Part.objects.filter(upload__in=identifiers).delete()
        Upload.objects.filter(pk__in=identifiers).update(
            released_at=now,
            look_again_at=expiry if expiry > began else None,
            attempts=0,
            sweep_error=None,
            claimed_until=None,
        )
