"""Parts: signed for the browser, recorded as it reports them, and brought into line with OSS.

Rule: what the browser reports is a hint; ListParts is the truth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from uploads import telemetry
from uploads.conf import Destination, settings
from uploads.domain import options
from uploads.domain.errors import InvalidUpload, NotOffered, StorageRefused
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Method, Part, Upload
from uploads.oss import post, signing
from uploads.oss.callback import encoded
from uploads.oss.limits import MAX_PART_NUMBER, MAX_PART_SIZE
from uploads.oss.messages import Part as OssPart
from uploads.oss.signing import PartRequest
from uploads.services.begin import object_headers
from uploads.services.common import callback_of, parts_at_oss, require, wrong_state
from uploads.services.complete import reconcile

SHORTEST_LIFE = 60
"""Seconds. A URL that ends sooner is not worth signing."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """What a browser needs to send one part. PUT: `headers` is exactly what it must send. POST: `fields` are those of
    the form, in their order; the file is appended last."""

    number: int
    url: str
    expires_at: datetime
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DonePart:
    """A part that the browser says has arrived: a hint, until OSS lists it. `etag` empty where CORS hides it."""

    number: int
    size: int
    etag: str = ""
    crc64: str = ""


def sign_parts(upload: Upload, parts: Sequence[PartRequest], *, now: datetime | None = None) -> list[SignedPart]:
    """Signed requests, one a part. A given size or MD5 is bound into the signature. Costs no call to OSS."""
    require(upload, State.UPLOADING)
    for part in parts:
        _check_part(upload, part.number, part.size)
    now = (now or timezone.now()).astimezone(UTC).replace(microsecond=0)
    place = settings.destinations.get(upload.destination) or Destination(upload.destination)
    telemetry.SIGNATURES.labels(upload.destination).inc(len(parts))
    life = _life(place, now)
    match upload.method:
        case Method.POST:
            return [_sign_single(upload, part, now, life) for part in parts]
        case Method.PUT:
            return [_sign_put(upload, part, now, life) for part in parts]
    url, expires_at = settings.endpoint.url_of(upload.bucket, upload.key), now + timedelta(seconds=life)
    signer = signing.PartSigner(
        settings.credentials, settings.region, now, life, url, upload.bucket, upload.key, upload.upload_id,
        list(options.traffic(upload.options).items()),
    )  # fmt: skip
    return [SignedPart(part.number, signer.url(part), expires_at, headers=_bound_headers(part)) for part in parts]


def _life(place: Destination, now: datetime) -> int:
    """Seconds that a signature shall live: no longer than the credentials behind it."""
    end = settings.credentials_expire_at
    if end is None:
        return place.url_expires
    life = min(place.url_expires, int((end - now).total_seconds()))
    if life < SHORTEST_LIFE:
        raise StorageRefused(
            Phrase("The server's temporary OSS credentials have ended: renew OSS_SESSION_TOKEN. Nothing is lost.")
        )
    return life


def _sign_single(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """PostObject knows no MD5 to hold the bytes to; where one is given, PutObject brings the same."""
    return (_sign_put if part.content_md5 else _sign_form)(upload, part, now, life)


def _sign_form(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """The whole file as one browser form: key, size, type and every other field are bound."""
    headers = {**object_headers(upload), **options.completion_headers(upload.options)}
    content_type = headers.pop("Content-Type")
    asked, variables = callback_of(upload)
    fields = {
        "key": upload.key,
        "x-oss-content-type": content_type,
        **headers,
        **options.traffic(upload.options),
        **({"callback": asked, **variables} if asked else {}),
        "success_action_status": "200",
    }
    sizes = _sizes(upload)
    signed = post.signed_fields(settings.credentials, settings.region, now, life, upload.bucket, fields, sizes)
    url = settings.endpoint.url_of(upload.bucket, "")
    return SignedPart(part.number, url, now + timedelta(seconds=life), method="POST", fields=signed)


def _sizes(upload: Upload) -> tuple[int, int]:
    """The fewest and the most bytes: exactly the file's, or of one that nobody has measured what is allowed."""
    if upload.size is not None:
        return upload.size, upload.size
    place = settings.destinations.get(upload.destination)
    return 0, min(MAX_PART_SIZE, (place.max_size if place else None) or MAX_PART_SIZE)


def _sign_put(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """The whole file as one PutObject; its size is always bound, or the URL would take any file."""
    if upload.size is None:
        raise NotOffered(
            Phrase("This destination's files go by PutObject, whose URL is bound to a size: say it at the start.")
        )
    headers = {**object_headers(upload), **options.completion_headers(upload.options), **_md5_header(part)}
    asked, variables = callback_of(upload)
    query = {**options.traffic(upload.options)}
    if asked:
        query |= {"callback": asked, "callback-var": encoded(variables)}
    signed = signing.presign(
        settings.credentials,
        settings.region,
        now,
        life,
        "PUT",
        settings.endpoint.url_of(upload.bucket, upload.key),
        upload.bucket,
        upload.key,
        list(query.items()),
        headers={**headers, "Content-Length": str(upload.size)},
        additional=("content-length",),
    )
    return SignedPart(part.number, signed, now + timedelta(seconds=life), headers=headers)


def _md5_header(part: PartRequest) -> dict[str, str]:
    return {"Content-MD5": part.content_md5} if part.content_md5 else {}


def _bound_headers(part: PartRequest) -> dict[str, str]:
    """What the client must send with a part because it is signed."""
    return _md5_header(part) | ({"Content-Type": part.content_type} if part.content_type else {})


def _check_part(upload: Upload, number: int, size: int | None) -> None:
    try:
        planned = upload.plan.size_of(number)
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("Wrong part number: {why}.", why=why), errors={"parts": [why]}) from error
    if size is not None and planned is not None and size != planned:
        detail = Phrase(
            "Part {number} has {planned} bytes by the plan, not {size}.", number=number, planned=planned, size=size
        )
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
    if upload.method != Method.MULTIPART:
        return []
    parts = parts_at_oss(upload)
    if parts is None:
        reconcile(upload)
        raise wrong_state(upload)
    last = upload.plan.part_count or MAX_PART_NUMBER
    _write_parts(upload, [_done(part) for part in parts if part.number <= last], replace=True)
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
