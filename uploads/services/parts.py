"""Parts: signed for the browser, recorded as it reports them, and brought into line with OSS.

Rule: what the browser reports is a hint; ListParts is the truth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.errors import InvalidUpload
from uploads.models import Method, Part, Upload
from uploads.oss import signing
from uploads.oss.messages import Part as OssPart
from uploads.oss.signing import PartRequest
from uploads.services.begin import object_headers
from uploads.services.common import parts_at_oss, require, wrong_state
from uploads.services.complete import settle
from uploads.states import State


@dataclass(frozen=True, slots=True)
class SignedPart:
    """What a browser needs to send one part. `headers` is exactly what it must send."""

    number: int
    url: str
    expires_at: datetime
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DonePart:
    """A part that the browser says has arrived: a hint, until OSS lists it. `etag` empty where CORS hides it."""

    number: int
    size: int
    etag: str = ""
    crc64: str = ""


def sign_parts(upload: Upload, parts: Sequence[PartRequest], *, now: datetime | None = None) -> list[SignedPart]:
    """Presigned URLs, one a part. A given size or MD5 is bound into the signature. Costs no call to OSS."""
    require(upload, State.UPLOADING)
    for part in parts:
        _check_part(upload, part.number, part.size)
    now = (now or timezone.now()).astimezone(UTC).replace(microsecond=0)
    place = settings.destinations.get(upload.destination) or Destination(upload.destination)
    expires_at = now + timedelta(seconds=place.url_expires)
    url = settings.endpoint.url_of(upload.bucket, upload.key)
    if upload.method == Method.PUT:
        return [_sign_put(upload, part, url, now, expires_at) for part in parts]
    signer = signing.PartSigner(
        settings.credentials, settings.region, now, place.url_expires, url, upload.bucket, upload.key, upload.upload_id
    )
    return [SignedPart(part.number, signer.url(part), expires_at, headers=_md5_header(part)) for part in parts]


def _sign_put(upload: Upload, part: PartRequest, url: str, now: datetime, expires_at: datetime) -> SignedPart:
    """The whole file as one PutObject; its size is always bound, or the URL would take any file."""
    headers = {**object_headers(upload), **_md5_header(part)}
    signed = signing.presign(
        settings.credentials,
        settings.region,
        now,
        int((expires_at - now).total_seconds()),
        "PUT",
        url,
        upload.bucket,
        upload.key,
        headers={**headers, "Content-Length": str(upload.size)},
        additional=("content-length",),
    )
    return SignedPart(part.number, signed, expires_at, headers=headers)


def _md5_header(part: PartRequest) -> dict[str, str]:
    return {"Content-MD5": part.content_md5} if part.content_md5 else {}


def _check_part(upload: Upload, number: int, size: int | None) -> None:
    try:
        planned = upload.plan.size_of(number)
    except ValueError as error:
        raise InvalidUpload(f"Wrong part number: {error}.", errors={"parts": [str(error)]}) from error
    if size is not None and size != planned:
        detail = f"Part {number} has {planned} bytes by the plan, not {size}."
        raise InvalidUpload(detail, errors={"parts": [detail]})


def record_parts(upload: Upload, parts: Iterable[DonePart]) -> None:
    """The checkpoint: repeatable, in any order; a number sent again replaces. Late ones, after the end, are dropped."""
    rows = {part.number: part for part in parts}
    for part in rows.values():
        _check_part(upload, part.number, part.size)
    if rows:
        _write_parts(upload, rows.values(), replace=False)


def synchronize_parts(upload: Upload) -> list[OssPart]:
    """ListParts at OSS, and our record brought into line with it. Raises UploadGone."""
    require(upload, State.UPLOADING)
    if upload.method == Method.PUT:
        return []
    parts = parts_at_oss(upload)
    if parts is None:
        settle(upload)
        raise wrong_state(upload)
    _write_parts(upload, [_done(part) for part in parts if part.number <= upload.part_count], replace=True)
    return parts


def _done(part: OssPart) -> DonePart:
    return DonePart(part.number, part.size, part.etag, "" if part.crc64 is None else str(part.crc64))


def _write_parts(upload: Upload, parts: Iterable[DonePart], *, replace: bool) -> None:
    with transaction.atomic():
        # The lock keeps two checkpoints from counting without each other, and a checkpoint from meeting the end.
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
                parts_done=known["count"], bytes_done=known["size"] or 0, updated_at=timezone.now()
            )
    upload.refresh_from_db()
