"""Parts: recorded as the browser reports them, and made to agree with OSS.

Rule: what the browser reports is a hint; ListParts is the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Sum
from django.utils import timezone

from uploads.domain.completion import wrong_state
from uploads.domain.errors import InvalidUpload
from uploads.domain.expectations import expected_of_file
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan
from uploads.domain.quota import beyond_limits, beyond_reservation, room, too_large
from uploads.domain.states import State
from uploads.models import Method, Part, Upload
from uploads.models.databases import atomic, retry_deadlocks
from uploads.oss.limits import MAX_PART_NUMBER, MAX_PART_SIZE
from uploads.oss.messages import Part as OssPart
from uploads.oss.signing import PartRequest
from uploads.services.abort import abort
from uploads.services.activity import activity
from uploads.services.common import as_record, destination_of, parts_at_oss, require
from uploads.services.complete import complete


@dataclass(frozen=True, slots=True)
class DonePart:
    """A part that the browser reports as sent: a hint, until OSS lists it. `etag` is empty where CORS hides it."""

    number: int
    size: int
    etag: str = ""
    crc64: str = ""


def planned_size(plan: Plan, number: int, size: int | None) -> int | None:
    """Bytes of this part; None of a stream. Raises InvalidUpload if the plan does not have it, or of another `size`."""
    try:
        planned = plan.size_of(number)
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("Invalid part number: {why}.", why=why), errors={"parts": [why]}) from error
    if size is not None and planned is not None and size != planned:
        detail = Phrase(
            "Part {number} must have {planned} bytes, not {size}.", number=number, planned=planned, size=size
        )
        raise InvalidUpload(detail, errors={"parts": [detail]})
    return planned


def require_room(upload: Upload, max_size: int | None) -> None:
    """Abort a stream whose parts at OSS are larger than the destination or the upload's reservation allows, and raise
    TooLarge or OverQuota.

    For clients that do not tell the size of a part before they ask for its URL, such as Uppy.
    """
    unlimited = max_size is None and upload.reserved is None
    if unlimited or not upload.is_stream or upload.method != Method.MULTIPART:
        return
    held = sum(part.size for part in parts_at_oss(upload) or ())
    if error := beyond_limits(upload.destination, max_size, upload.reserved, held):
        abort(upload, reason=as_record(error))
        raise error


def record_parts(upload: Upload, parts: Iterable[DonePart]) -> None:
    """The checkpoint: repeatable, in any order. A number sent again replaces; parts recorded after the end are dropped.

    Raises InvalidUpload for a part outside the plan.
    """
    plan, rows = upload.plan, {part.number: part for part in parts}
    for part in rows.values():
        planned_size(plan, part.number, part.size)
    if rows:
        _write_parts(upload, rows.values(), replace=False)


def record_checksum(upload: Upload, crc64: str) -> None:
    """What the object must have, told before the file is sent: its client may be gone when the object is found.

    Does nothing for an empty one, and once the upload is being completed. Raises InvalidUpload for a stream.
    """
    expected = expected_of_file(crc64)
    if not expected or (upload.expected or {}).get("client_crc64") == crc64:
        return
    if upload.is_stream:
        detail = Phrase("The checksum of a stream is known only at its end.")
        raise InvalidUpload(detail, errors={"crc64": [detail]})
    expected = {**(upload.expected or {}), **expected}  # The rest says that somebody has claimed it before.
    # A claim that was read before is refused, since it does not know this checksum.
    rows, now = Upload.objects.filter(pk=upload.pk, state=State.UPLOADING), timezone.now()
    if rows.filter(updated_at=upload.updated_at).update(expected=expected, updated_at=now):
        upload.expected, upload.updated_at = expected, now
    elif rows.exists():
        upload.refresh_from_db()
        record_checksum(upload, crc64)


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


@retry_deadlocks
def _write_parts(upload: Upload, parts: Iterable[DonePart], *, replace: bool) -> None:
    with atomic():
        # Under the lock two checkpoints count each other's parts, and none is recorded after the end.
        locked = Upload.objects.select_for_update().get(pk=upload.pk)
        if locked.state == State.UPLOADING:
            if replace:
                locked.parts.all().delete()
            now = timezone.now()
            Part.objects.record(locked.pk, [(part.number, part.size, part.etag, part.crc64) for part in parts], now)
            known = locked.parts.aggregate(count=Count("id"), size=Sum("size"))
            Upload.objects.filter(pk=upload.pk).update(
                parts_done=known["count"], bytes_done=known["size"] or 0, **activity(upload, now)
            )
    upload.refresh_from_db()


# Signing


def with_sizes(upload: Upload, parts: Sequence[PartRequest]) -> list[PartRequest]:
    """The parts with the sizes that their signatures are bound to: as planned; of a stream as named, or the most bytes.

    The parts of a stream that do not fit into its reservation are left out. Raises InvalidUpload for a part that is not
    in the plan or is too large; TooLarge or OverQuota if the first part does not fit; and as `parts_at_oss` does.
    """
    plan = upload.plan
    sizes = [planned_size(plan, part.number, part.size) for part in parts]
    if not upload.is_stream:
        return [replace(part, size=size) for part, size in zip(parts, sizes, strict=True)]
    if upload.reserved is None or upload.method != Method.MULTIPART:
        return [_stream_part(upload, part, MAX_PART_SIZE) for part in parts]
    rooms = _room(upload, parts)
    return [_stream_part(upload, part, room) for part, room in zip(parts, rooms, strict=True) if room >= _least(part)]


def _least(part: PartRequest) -> int:
    """The bytes that a part needs at least."""
    return 1 if part.size is None else part.size


def _room(upload: Upload, parts: Sequence[PartRequest]) -> list[int]:
    """The bytes within the reservation for each part. OSS is asked only if the first part does not fit by plan."""
    if not parts or upload.reserved is None:
        return []
    numbers = [part.number for part in parts]
    rooms = room(upload.reserved, upload.part_size, numbers, {})
    if rooms[0] < _least(parts[0]):
        held = {part.number: part.size for part in parts_at_oss(upload) or ()}
        rooms = room(upload.reserved, upload.part_size, numbers, held)
    if rooms[0] < _least(parts[0]):
        max_size = destination_of(upload).max_size
        if upload.reserved == max_size:
            raise too_large(upload.destination, max_size, max_size - rooms[0] + _least(parts[0]))
        raise beyond_reservation(upload.reserved)
    return rooms


def _stream_part(upload: Upload, part: PartRequest, room: int) -> PartRequest:
    most = upload.plan.largest_stream_part(part.number)
    if part.size is not None and part.size > most:
        detail = Phrase(
            "Part {number} may have at most {most} bytes, not {size}.", number=part.number, most=most, size=part.size
        )
        raise InvalidUpload(detail, errors={"parts": [detail]})
    return part if part.size is not None else replace(part, size=min(most, room))
