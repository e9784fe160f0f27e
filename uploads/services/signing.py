"""Presigned requests for the browser: URLs for parts, a form or a PUT for a file in one request.

Rule: what the destination does not allow, the signature does not allow either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from uploads import telemetry
from uploads.conf import Destination, settings
from uploads.connection import oss_now
from uploads.domain import options
from uploads.domain.errors import NotOffered, StorageRefused
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Method, Upload
from uploads.oss import post
from uploads.oss.callback import encoded
from uploads.oss.limits import MAX_PART_SIZE
from uploads.oss.signing import OssRequest, PartRequest, PartSigner, SigningContext, presign
from uploads.services.begin import object_headers
from uploads.services.common import callback_of, require
from uploads.services.parts import check_part

SHORTEST_LIFE = 60
"""Seconds. A URL that ends sooner is not worth signing."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """What a browser needs to send one part. PUT: `headers` are exactly those that it must send. POST: `fields` are
    those of the form, in order; the file is appended last."""

    number: int
    url: str
    expires_at: datetime
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def sign_parts(upload: Upload, parts: Sequence[PartRequest], *, now: datetime | None = None) -> list[SignedPart]:
    """Presigned requests, one for each part. A given size or MD5 is bound into the signature. OSS is not called.

    `now` is the time at OSS. Raises WrongState, InvalidUpload for a part outside the plan, NotOffered, StorageRefused.
    """
    require(upload, State.UPLOADING)
    for part in parts:
        check_part(upload, part.number, part.size)
    now = (now or oss_now()).astimezone(UTC).replace(microsecond=0)
    destination = settings.destinations.get(upload.destination) or Destination(upload.destination)
    telemetry.SIGNATURES.labels(upload.destination).inc(len(parts))
    life = _life(destination, now)
    match upload.method:
        case Method.POST:
            return [_sign_single(upload, part, now, life) for part in parts]
        case Method.PUT:
            return [_sign_put(upload, part, now, life) for part in parts]
    url, expires_at = settings.endpoint.url_of(upload.bucket, upload.key), now + timedelta(seconds=life)
    query = [("uploadId", upload.upload_id), *options.traffic(upload.transfer_options).items()]
    signer = PartSigner(_context(now), OssRequest("PUT", upload.bucket, upload.key, query), url, life)
    return [SignedPart(part.number, signer.url(part), expires_at, headers=_bound_headers(part)) for part in parts]


def _context(now: datetime) -> SigningContext:
    return SigningContext(settings.credentials, settings.region, now)


def _life(destination: Destination, now: datetime) -> int:
    """Seconds until a signature expires: no longer than the credentials behind it."""
    end = settings.credentials_expire_at
    if end is None:
        return destination.url_expires
    life = min(destination.url_expires, int((end - now).total_seconds()))
    if life < SHORTEST_LIFE:
        raise StorageRefused(
            Phrase("The server's temporary OSS credentials have expired. Renew OSS_SESSION_TOKEN; nothing is lost.")
        )
    return life


def _sign_single(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """PostObject does not verify an MD5. A part with one is sent by PutObject, which does."""
    return (_sign_put if part.content_md5 else _sign_form)(upload, part, now, life)


def _sign_form(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """The whole file as one browser form. The policy binds key, size, type and every other field."""
    headers = {**object_headers(upload), **options.completion_headers(upload.transfer_options)}
    content_type = headers.pop("Content-Type")
    asked, variables = callback_of(upload)
    fields = {
        "key": upload.key,
        "x-oss-content-type": content_type,
        **headers,
        **options.traffic(upload.transfer_options),
        **({"callback": asked, **variables} if asked else {}),
        "success_action_status": "200",
    }
    sizes = _sizes(upload)
    signed = post.signed_fields(_context(now), upload.bucket, fields, sizes, life)
    url = settings.endpoint.url_of(upload.bucket, "")
    return SignedPart(part.number, url, now + timedelta(seconds=life), method="POST", fields=signed)


def _sizes(upload: Upload) -> tuple[int, int]:
    """The least and the most bytes: exactly the file's, or what the destination allows if the size is unknown."""
    if upload.size is not None:
        return upload.size, upload.size
    destination = settings.destinations.get(upload.destination)
    return 0, min(MAX_PART_SIZE, (destination.max_size if destination else None) or MAX_PART_SIZE)


def _sign_put(upload: Upload, part: PartRequest, now: datetime, life: int) -> SignedPart:
    """The whole file as one PutObject. Its size is always bound: otherwise the URL would accept any file."""
    if upload.size is None:
        raise NotOffered(
            Phrase(
                "This destination's files are sent by PutObject, whose URL is bound to a size: "
                "give the size when the upload begins."
            )
        )
    headers = {**object_headers(upload), **options.completion_headers(upload.transfer_options), **_md5_header(part)}
    asked, variables = callback_of(upload)
    query = {**options.traffic(upload.transfer_options)}
    if asked:
        query |= {"callback": asked, "callback-var": encoded(variables)}
    sent = {**headers, "Content-Length": str(upload.size)}
    request = OssRequest("PUT", upload.bucket, upload.key, list(query.items()), sent, ("content-length",))
    signed = presign(_context(now), request, settings.endpoint.url_of(upload.bucket, upload.key), life)
    return SignedPart(part.number, signed, now + timedelta(seconds=life), headers=headers)


def _md5_header(part: PartRequest) -> dict[str, str]:
    return {"Content-MD5": part.content_md5} if part.content_md5 else {}


def _bound_headers(part: PartRequest) -> dict[str, str]:
    """Signed headers, which the client must send with the part."""
    return _md5_header(part) | ({"Content-Type": part.content_type} if part.content_type else {})
