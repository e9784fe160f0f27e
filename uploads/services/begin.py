"""Begin: plan the upload, open it at OSS, remember it.

Rule: the server decides everything that the destination does not leave to the client.
"""

from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_client
from uploads.errors import InvalidUpload
from uploads.keys import object_key
from uploads.models import Method, Upload, UploadEvent, User
from uploads.oss.errors import StorageError
from uploads.oss.limits import MAX_METADATA_BYTES
from uploads.plan import Plan, plan
from uploads.services.common import storage_errors

DEFAULT_CONTENT_TYPE = "application/octet-stream"


def begin(
    owner: User,
    *,
    destination: str,
    filename: str,
    size: int,
    content_type: str = "",
    fingerprint: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Upload:
    """Plan the upload, open it at OSS, remember it. Raises InvalidUpload by field, StorageError as UploadError."""
    place = _destination(destination)
    planned = _plan(size, place)
    upload = Upload(
        id=uuid4(),
        owner_id=owner.pk,  # type: ignore[misc]  # AnonymousUser has none; the API lets nobody in without a login.
        destination=place.name,
        bucket=settings.bucket_of(place),
        filename=filename,
        content_type=content_type or DEFAULT_CONTENT_TYPE,
        size=size,
        part_size=planned.part_size,
        fingerprint=fingerprint,
        metadata=_metadata(metadata or {}, place),
        method=Method.PUT if planned.is_single else Method.MULTIPART,
        expires_at=timezone.now() + place.lifetime,
    )
    upload.key = _key(upload, place)
    if upload.method == Method.MULTIPART:
        with storage_errors():
            upload.upload_id = oss_client().initiate(upload.bucket, upload.key, object_headers(upload))
    try:
        with transaction.atomic():
            upload.save(force_insert=True)
            UploadEvent.objects.create(upload=upload, name="begin", actor_id=owner.pk)
    except Exception:
        # Nobody knows of the upload at OSS but us, here and now.
        if upload.upload_id:
            with suppress(StorageError):
                oss_client().abort(upload.bucket, upload.key, upload.upload_id)
        raise
    return upload


def _destination(name: str) -> Destination:
    try:
        return settings.destinations[name]
    except KeyError:
        detail = f"There is no destination {name!r}."
        raise InvalidUpload(detail, errors={"destination": [detail]}) from None


def _plan(size: int, place: Destination) -> Plan:
    try:
        return plan(size, place.part_size)
    except ValueError as error:
        raise InvalidUpload(f"The file cannot be uploaded: {error}.", errors={"size": [str(error)]}) from error


def _key(upload: Upload, place: Destination) -> str:
    try:
        return object_key(
            place.key, user_id=upload.owner_id, now=upload.created_at, uuid=upload.id, filename=upload.filename
        )
    except ValueError as error:
        raise InvalidUpload(f"The name will not do: {error}.", errors={"filename": [str(error)]}) from error


def _metadata(metadata: Mapping[str, str], place: Destination) -> dict[str, str]:
    """`x-oss-meta-*` of the object, if the destination lets the client set it."""
    if metadata and "metadata" not in place.client_options:
        detail = f"The destination {place.name!r} takes no metadata from the page."
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    names = {name: f"x-oss-meta-{name.lower()}" for name in metadata}
    if sum(len(names[name]) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        detail = f"Metadata may have {MAX_METADATA_BYTES} bytes in all."
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    return {name.lower(): value for name, value in metadata.items()}


def object_headers(upload: Upload) -> dict[str, str]:
    """What the finished object carries; given at Initiate or with the PutObject."""
    meta = {f"x-oss-meta-{name}": value for name, value in upload.metadata.items()}
    return {"Content-Type": upload.content_type, **meta}
