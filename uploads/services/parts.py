"""Parts: recorded as the browser reports them, and made to agree with OSS.

Rule: what the browser reports is a hint; ListParts is the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from uploads.domain.completion import wrong_state
from uploads.domain.errors import InvalidUpload
from uploads.domain.phrase import Phrase
from uploads.domain.quota import beyond_reservation, too_large, within_reservation
from uploads.domain.states import State
from uploads.models import Method, Part, Upload
from uploads.oss.limits import MAX_PART_NUMBER
from uploads.oss.messages import Part as OssPart
from uploads.oss.signing import PartRequest
from uploads.services.abort import abort
from uploads.services.activity import activity
from uploads.services.common import parts_at_oss, require
from uploads.services.complete import complete


@dataclass(frozen=True, slots=True)
class DonePart:
    """A part that the browser reports as sent: a hint, until OSS lists it. `etag` is empty where CORS hides it."""

    number: int
    size: int
    etag: str = ""
    crc64: str = ""


def check_part(upload: Upload, number: int, size: int | None) -> None:
    """Raises InvalidUpload for a part that the plan does not have, or of another size."""
    try:
        planned = upload.plan.size_of(number)
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("Invalid part number: {why}.", why=why), errors={"parts": [why]}) from error
    if size is not None and planned is not None and size != planned:
        detail = Phrase(
            "Part {number} must have {planned} bytes, not {size}.", number=number, planned=planned, size=size
        )
        raise InvalidUpload(detail, errors={"parts": [detail]})


def bound_size(upload: Upload, number: int, size: int | None, max_size: int | None) -> int:
    """The bytes that the signature of a part is bound to: as planned; for a stream `size`, or the most that fit.

    `size`: as the client names it. `max_size`: of the destination; beyond it a stream's part has no bytes left. Raises
    InvalidUpload for a part that is not in the plan, TooLarge for a part of a stream that is larger than it may be.
    """
    check_part(upload, number, size)
    planned = upload.plan.size_of(number)
    if planned is not None:
        return planned
    start, most = upload.plan.stream_range(number)
    if max_size is not None:
        if size is not None and start + size > max_size:
            raise too_large(upload.destination, max_size, start + size)
        most = min(most, max(0, max_size - start))
    if size is not None and size > most:
        detail = Phrase("Part {number} may have at most {most} bytes, not {size}.", number=number, most=most, size=size)
        raise InvalidUpload(detail, errors={"parts": [detail]})
    return most if size is None else size


def require_room(upload: Upload, max_size: int | None) -> None:
    """Abort a stream whose parts at OSS are larger than the destination allows, and raise TooLarge.

    For clients that do not tell the size of a part before they ask for its URL, such as Uppy.
    """
    if max_size is None or not upload.is_stream or upload.method != Method.MULTIPART:
        return
    held = sum(part.size for part in parts_at_oss(upload) or ())
    if held > max_size:
        abort(upload)
        raise too_large(upload.destination, max_size, held)


def record_parts(upload: Upload, parts: Iterable[DonePart]) -> None:
    """The checkpoint: repeatable, in any order. A number sent again replaces; parts recorded after the end are dropped.

    Raises InvalidUpload for a part outside the plan.
    """
    rows = {part.number: part for part in parts}
    for part in rows.values():
        check_part(upload, part.number, part.size)
    if rows:
        _write_parts(upload, rows.values(), replace=False)


def synchronize_parts(upload: Upload) -> list[OssPart]:
    """List the parts at OSS, and make the record agree with them. Raises UploadGone, WrongState."""
    require(upload, State.UPLOADING)
    if upload.method != Method.MULTIPART:
        return []
    parts = parts_at_oss(upload)
    if parts is None:
        complete(upload)
        raise wrong_state(State(upload.state))
    last = upload.plan.part_count or MAX_PART_NUMBER
    _write_parts(upload, [_done(part) for part in parts if part.number <= last], replace=True)
    return parts


def _done(part: OssPart) -> DonePart:
    return DonePart(part.number, part.size, part.etag, "" if part.crc64 is None else str(part.crc64))


def _write_parts(upload: Upload, parts: Iterable[DonePart], *, replace: bool) -> None:
    with transaction.atomic():
        # Under the lock two checkpoints count each other's parts, and none is recorded after the end.
        locked = Upload.objects.select_for_update().get(pk=upload.pk)
        if locked.state == State.UPLOADING:
            if replace:
                locked.parts.all().delete()
            Part.objects.bulk_create(
                [Part(upload=locked, number=p.number, size=p.size, etag=p.etag, crc64=p.crc64) for p in parts],
                update_conflicts=True,
                unique_fields=["upload", "number"],
                update_fields=["size", "etag", "crc64", "recorded_at"],
            )
            known = locked.parts.aggregate(count=Count("id"), size=Sum("size"))
            Upload.objects.filter(pk=upload.pk).update(
                parts_done=known["count"], bytes_done=known["size"] or 0, **activity(upload, timezone.now())
            )
    upload.refresh_from_db()


# Signing


def parts_within_reservation(upload: Upload, parts: Sequence[PartRequest]) -> list[PartRequest]:
    """The parts that may be signed: of a stream only those within its reservation, with the first among them.

    OSS is asked for the parts that it has only if they must be smaller than planned for the first to fit.
    Raises OverQuota if the first does not fit, and as `parts_at_oss` does.
    """
    if not upload.is_stream or upload.reserved is None or upload.method != Method.MULTIPART or not parts:
        return list(parts)
    wanted = [(part.number, part.size) for part in parts]
    fits = within_reservation(upload.reserved, upload.part_size, wanted, {})
    if not fits[0]:
        held = {part.number: part.size for part in parts_at_oss(upload) or ()}
        fits = within_reservation(upload.reserved, upload.part_size, wanted, held)
    if not fits[0]:
        raise beyond_reservation(upload.reserved)
    return [part for part, fit in zip(parts, fits, strict=True) if fit]
