"""Presigned requests for the browser: URLs for parts, a form or a PUT for a file in one request.

Rule: what the destination does not allow, the signature does not allow either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from uploads import telemetry
from uploads.conf import Destination, settings
from uploads.domain import options
from uploads.domain.errors import NotOffered, StorageRefused, from_storage
from uploads.domain.keys import is_form_template
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.domain.states import State
from uploads.models import Method, Upload, User
from uploads.oss import post
from uploads.oss.callback import encoded
from uploads.oss.errors import CredentialsUnavailable
from uploads.oss.limits import MAX_PART_SIZE
from uploads.oss.providers import FixedCredentials
from uploads.oss.signing import OssRequest, PartRequest, PartSigner, SigningContext, presign
from uploads.services import destination_rules
from uploads.services.activity import record_activity
from uploads.services.common import callback_of, destination_of, oss_now, require, storage_errors
from uploads.services.object_headers import object_headers
from uploads.services.parts import planned_size, require_room, with_sizes

SHORTEST_LIFE = 60
"""Seconds. A URL that ends sooner is not worth signing."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """What a browser needs to send one part. PUT: `headers` are exactly those that it must send. POST: `fields` are
    those of the form, in order; the file is appended last."""

    number: int
    url: str
    expires_at: datetime
    size: int | None = None
    """Bytes that the part must have; None where the client decides."""
    method: str = "PUT"
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def sign_parts(
    upload: Upload,
    parts: Sequence[PartRequest],
    *,
    user: User | None = None,
    now: datetime | None = None,
    bind_sizes: bool = True,
) -> list[SignedPart]:
    """Presigned requests, one for each part. Its size and a given MD5 are bound into the signature. The expiry moves.

    `now` is the time at OSS. `user`: who asks; the owner if it is left out. Parts of a stream beyond its reservation
    are left out. OSS is called only to see what is left of a reservation, and without `bind_sizes`: that is for streams
    of clients that do not tell the sizes of their parts. Raises WrongState, Forbidden without the destination's
    permission, InvalidUpload for a part outside the plan, TooLarge, OverQuota, NotOffered, StorageRefused.
    """
    require(upload, State.UPLOADING)
    destination = destination_of(upload)
    destination_rules.permit(destination, user or upload.owner or AnonymousUser())
    if bind_sizes or not upload.is_stream:
        parts = with_sizes(upload, parts)
    else:
        _check_unsized(upload, parts, destination)
    record_activity(upload, timezone.now())
    place = settings.place_of(upload)
    now = (now or oss_now(upload)).astimezone(UTC).replace(microsecond=0)
    telemetry.SIGNATURES.labels(upload.destination).inc(len(parts))
    with storage_errors():
        context = place.signing(now)
    life = _life(destination, place, context)
    match upload.method:
        case Method.POST:
            return [_sign_single(upload, part, context, life) for part in parts]
        case Method.PUT:
            return [_sign_put(upload, part, context, life) for part in parts]
    url, expires_at = place.endpoint.url_of(upload.bucket, upload.key), now + timedelta(seconds=life)
    query = [("uploadId", upload.upload_id), *options.traffic(upload.transfer_options).items()]
    signer = PartSigner(context, OssRequest("PUT", upload.bucket, upload.key, query), url, life)
    return [
        SignedPart(part.number, signer.url(part), expires_at, part.size, headers=_bound_headers(part)) for part in parts
    ]


def _check_unsized(upload: Upload, parts: Sequence[PartRequest], destination: Destination) -> None:
    """For parts whose sizes are not bound. Raises InvalidUpload, TooLarge, OverQuota, StorageBusy, StorageRefused."""
    plan = upload.plan
    for part in parts:
        planned_size(plan, part.number, part.size)
    require_room(upload, destination.max_size)


def _life(destination: Destination, place: Place, context: SigningContext) -> int:
    """Seconds until a signature expires: no longer than the credentials behind it. Raises StorageRefused."""
    life = context.life(destination.url_expires)
    if life < min(SHORTEST_LIFE, destination.url_expires):
        if not isinstance(place.credentials, FixedCredentials):
            raise from_storage(CredentialsUnavailable("the setting CREDENTIALS"))
        text = Phrase("The server's temporary OSS credentials have expired. Renew OSS_SESSION_TOKEN; nothing is lost.")
        raise StorageRefused(text.renamed(place.setting_names))
    return life


def _sign_single(upload: Upload, part: PartRequest, context: SigningContext, life: int) -> SignedPart:
    """PostObject does not verify an MD5, and replaces text in a key. PutObject verifies it and replaces nothing.

    Raises NotOffered.
    """
    by_put = part.content_md5 or is_form_template(upload.key)
    return (_sign_put if by_put else _sign_form)(upload, part, context, life)


def _sign_form(upload: Upload, part: PartRequest, context: SigningContext, life: int) -> SignedPart:
    """The whole file as one browser form. The policy binds key, size, type and every other field.

    A policy cannot demand that a field is absent: OSS refuses a form that lacks a field of the policy (EC
    0006-00000226). So the ACL is always sent. What a user adds besides, `complete` finds in the object's description.
    """
    headers = {**object_headers(upload), **options.completion_headers(upload.transfer_options)}
    content_type = headers.pop("Content-Type")
    asked, variables = callback_of(upload)
    fields = {
        "key": upload.key,
        "x-oss-content-type": content_type,
        options.OBJECT_ACL: "default",
        **headers,
        **options.traffic(upload.transfer_options),
        **({"callback": asked, **variables} if asked else {}),
        "success_action_status": "200",
    }
    sizes = _sizes(upload)
    signed = post.signed_fields(context, upload.bucket, fields, sizes, life)
    url = settings.place_of(upload).endpoint.url_of(upload.bucket, "")
    return SignedPart(part.number, url, context.now + timedelta(seconds=life), upload.size, "POST", fields=signed)


def _sizes(upload: Upload) -> tuple[int, int]:
    """The least and the most bytes: exactly the file's, or what the destination allows if the size is unknown."""
    if upload.size is not None:
        return upload.size, upload.size
    limits = (destination_of(upload).max_size, upload.reserved, MAX_PART_SIZE)
    return 0, min(limit for limit in limits if limit is not None)


def _sign_put(upload: Upload, part: PartRequest, context: SigningContext, life: int) -> SignedPart:
    """The whole file as one PutObject. Its size and every header are bound: otherwise the URL would accept others."""
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
    # By default OSS signs only some headers. A client could leave out the others, such as Content-Disposition.
    sent = {**headers, "Content-Length": str(upload.size)}
    request = OssRequest("PUT", upload.bucket, upload.key, list(query.items()), sent, [*sent])
    url = settings.place_of(upload).endpoint.url_of(upload.bucket, upload.key)
    signed = presign(context, request, url, life)
    return SignedPart(part.number, signed, context.now + timedelta(seconds=life), upload.size, headers=headers)


def _md5_header(part: PartRequest) -> dict[str, str]:
    return {"Content-MD5": part.content_md5} if part.content_md5 else {}


def _bound_headers(part: PartRequest) -> dict[str, str]:
    """Signed headers, which the client must send with the part."""
    return _md5_header(part) | ({"Content-Type": part.content_type} if part.content_type else {})
