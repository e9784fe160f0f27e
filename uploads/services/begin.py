"""Begin: plan the upload, initiate it at OSS, write it down; one, or many small ones at once.

Rule: the server decides everything that the destination does not leave to the client (`services.destination_rules`).
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.domain import options
from uploads.domain.errors import Forbidden, InvalidUpload, KeyReused, OverQuota, UploadError, WrongState
from uploads.domain.expectations import expected_of_file
from uploads.domain.keys import FileName, has_path, object_key
from uploads.domain.names import clean_filename, clean_relative_path
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan, plan
from uploads.domain.staging import staging_key
from uploads.domain.states import State
from uploads.models import Method, Upload, User, record_events
from uploads.models.databases import atomic, retry_deadlocks
from uploads.oss.errors import StorageError
from uploads.services import destination_rules
from uploads.services.common import storage_errors
from uploads.services.destination_rules import KeyValues
from uploads.services.object_headers import object_headers
from uploads.services.quota import Quota
from uploads.services.transactions import oss_client

DEFAULT_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client asks for. `size`: bytes, None for a stream. `options`: names of `uploads.domain.options`."""

    destination: str
    filename: str
    size: int | None
    content_type: str = ""
    fingerprint: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    in_one: bool = False
    """A file of unknown size that is to be sent in one request."""
    relative_path: str = ""
    """The file's path in the folder that the user chose."""
    part_size: int | None = None
    """Bytes that the client wishes for. A destination's `part_size` is the most."""
    crc64: str = ""
    """CRC-64/XZ of the whole file, in decimal: the object must have it, whoever completes the upload."""

    def __post_init__(self) -> None:
        # Cleaned here, so that requests are compared, stored and shown in one form.
        object.__setattr__(self, "filename", clean_filename(self.filename))


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key, and a hash of the whole request that it stands for."""

    key: str
    request_hash: str


def begin(owner: User, request: UploadRequest, *, idempotency_key: IdempotencyKey | None = None) -> Upload:
    """Plan the upload, initiate it at OSS, write it down.

    A request that is repeated with its idempotency key returns the upload that it began before. Raises InvalidUpload
    and its subclasses by field, Forbidden, OverQuota, KeyReused, WrongState if that upload was aborted, and OSS's
    errors as StorageBusy or StorageRefused.
    """
    (result,) = begin_many(owner, [request], idempotency_key=idempotency_key)
    if isinstance(result, UploadError):
        raise result
    return result


def begin_many(
    owner: User, requests: Sequence[UploadRequest], *, idempotency_key: IdempotencyKey | None = None
) -> list[Upload | UploadError]:
    """Begin many uploads: each its upload or its error, in order. Costs as many queries for a hundred as for one."""
    keys = [_idempotency_key(idempotency_key, index) for index in range(len(requests))]
    known = _begun_before(owner, keys)
    results: list[Upload | UploadError] = []
    quota, key_values = Quota(owner), KeyValues(owner)
    for request, key in zip(requests, keys, strict=True):
        try:
            if idempotency_key and key in known:
                results.append(_begun_with(idempotency_key, known[key]))
            else:
                results.append(_initiate(request, key, quota, key_values))
        except UploadError as error:
            results.append(error)
    new = [upload for upload in results if isinstance(upload, Upload) and upload._state.adding]
    for upload in new:
        upload.request_hash = idempotency_key.request_hash if idempotency_key else ""
    try:
        _create(owner, new, quota)
    except IntegrityError:
        # The same request came twice at once, and the other was first: both are answered by what it began.
        _abort_at_oss(new)
        if not get_user_model()._base_manager.filter(pk=owner.pk).exists():  # type: ignore[misc]
            raise Forbidden(Phrase("Your account no longer exists.")) from None
        if not (idempotency_key and _begun_before(owner, keys)):
            raise
        return begin_many(owner, requests, idempotency_key=idempotency_key)
    except BaseException:
        _abort_at_oss(new)
        raise
    results = [quota.refused.get(result.pk, result) if isinstance(result, Upload) else result for result in results]
    if _begun_meanwhile(owner, keys, results):
        return begin_many(owner, requests, idempotency_key=idempotency_key)
    return results


def _initiate(request: UploadRequest, key: str, quota: Quota, key_values: KeyValues) -> Upload:
    """A new upload, initiated at OSS and not yet in the database."""
    upload = _planned(request, key, key_values)
    quota.admit(upload)
    if upload.method == Method.MULTIPART:
        with storage_errors():
            upload.upload_id = oss_client(upload).initiate(upload.bucket, upload.key, object_headers(upload))
    return upload


def _planned(request: UploadRequest, idempotency_key: str, key_values: KeyValues) -> Upload:
    destination = destination_rules.get_destination(request.destination)
    content_type = request.content_type or DEFAULT_CONTENT_TYPE
    destination_rules.check_file(destination, request.size, content_type)
    planned, now = _plan(request, destination), timezone.now()
    upload = Upload(
        id=uuid4(),
        owner_id=key_values.user.pk,
        destination=destination.name,
        bucket=settings.place(destination.bucket).bucket,
        filename=request.filename,
        relative_path=_relative_path(request),
        content_type=content_type,
        size=request.size,
        is_stream=request.size is None,
        part_size=planned.part_size,
        fingerprint=request.fingerprint,
        metadata=destination_rules.metadata(destination, request.metadata),
        options=destination_rules.options(destination, request.options),
        expected=expected_of_file(request.crc64) or None,
        secret=secrets.token_urlsafe(32) if destination.callback else "",
        idempotency_key=idempotency_key,
        created_at=now,
        updated_at=now,
        expires_at=now + destination.lifetime,
    )
    upload.key = _object_key(upload, destination, key_values.of(destination))
    if destination.stage:
        upload.final_key = upload.key
        upload.key = upload.staging_key = staging_key(destination.stage_prefix, upload.key, upload.id.hex)
    upload.method = _method(planned, upload.transfer_options, in_one=request.in_one)
    return upload


def _relative_path(request: UploadRequest) -> str:
    try:
        return clean_relative_path(request.relative_path)
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("Invalid path: {why}.", why=why), errors={"relative_path": [why]}) from error


def _plan(request: UploadRequest, destination: Destination) -> Plan:
    try:
        wishes = filter(None, (destination.part_size, request.part_size))
        return plan(request.size, min(wishes, default=None))
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("The file cannot be uploaded: {why}.", why=why), errors={"size": [why]}) from error


def _method(planned: Plan, chosen: Mapping[str, Any], *, in_one: bool) -> Method:
    if not (planned.is_single or in_one):
        return Method.MULTIPART
    return Method.POST if options.fits_a_form(chosen) else Method.PUT


def _object_key(upload: Upload, destination: Destination, values: Mapping[str, str]) -> str:
    try:
        return object_key(
            destination.key,
            user_id=upload.owner_id,
            now=upload.created_at,
            uuid=upload.id,
            file=FileName(upload.filename, upload.relative_path),
            values=values,
        )
    except ValueError as error:
        (why,) = error.args
        if upload.relative_path and has_path(destination.key):
            raise InvalidUpload(Phrase("Invalid path: {why}.", why=why), errors={"relative_path": [why]}) from error
        raise InvalidUpload(Phrase("Invalid file name: {why}.", why=why), errors={"filename": [why]}) from error


@retry_deadlocks
def _create(owner: User, uploads: Sequence[Upload], quota: Quota) -> None:
    """Write all down in one transaction. Those beyond a limit are aborted at OSS again."""
    if not uploads:
        return
    with atomic():
        quota.count_again(uploads)
        admitted = [upload for upload in uploads if upload.pk not in quota.refused]
        Upload.objects.bulk_create(admitted)
        record_events(admitted, "begin", owner)
    _abort_at_oss([upload for upload in uploads if upload.pk in quota.refused])


def _abort_at_oss(uploads: Sequence[Upload]) -> None:
    """Abort what has no row. The sweep aborts what OSS does not let us abort now."""
    for upload in uploads:
        if upload.upload_id:
            with suppress(StorageError):
                oss_client(upload).abort(upload.bucket, upload.key, upload.upload_id)


# Idempotency


def _idempotency_key(given: IdempotencyKey | None, index: int) -> str:
    """The client's key as a row holds it. Each upload of a batch has its own."""
    return f"{hashlib.sha256(given.key.encode()).hexdigest()}:{index}" if given else ""


def _begun_before(owner: User, keys: Sequence[str]) -> dict[str, Upload]:
    given = [key for key in keys if key]
    if not given:
        return {}
    uploads = Upload.objects.for_user(owner).filter(idempotency_key__in=given)
    return {upload.idempotency_key: upload for upload in uploads}


def _begun_meanwhile(owner: User, keys: Sequence[str], results: Sequence[Upload | UploadError]) -> bool:
    """Whether the same request, sent twice at once, was first, and its uploads are what this one had no room beside."""
    refused = [key for key, result in zip(keys, results, strict=True) if isinstance(result, OverQuota)]
    return bool(_begun_before(owner, refused))


def _begun_with(given: IdempotencyKey, upload: Upload) -> Upload:
    """The upload that was begun with this key. Raises KeyReused if by another request, WrongState if it was aborted.

    A row of an earlier version has no hash, and then its key belongs to another request.
    """
    if upload.request_hash != given.request_hash:
        detail = Phrase("This Idempotency-Key was used for another request. Use a new key for a new request.")
        raise KeyReused(detail, errors={"Idempotency-Key": [detail]})
    if upload.state == State.ABORTED:
        raise WrongState(
            Phrase("The upload that was begun with this Idempotency-Key was aborted. Use a new key to begin another.")
        )
    return upload


def part_count(request: UploadRequest) -> int | None:
    """The number of parts that this upload will have; None for a stream, and for a request that will be refused."""
    try:
        return _plan(request, destination_rules.get_destination(request.destination)).part_count
    except UploadError:
        return None


def unfinished(owner: User, request: UploadRequest) -> Upload | None:
    """The user's newest unfinished upload of this file, begun on any device; None if there is none.

    Metadata and options must be the same: an upload that was begun for another purpose is another upload. Raises
    InvalidUpload for options that the client may not set.
    """
    if not request.fingerprint:
        return None
    destination = destination_rules.get_destination(request.destination)
    wanted = (dict(request.metadata), destination_rules.options(destination, request.options))
    same = {name: getattr(request, name) for name in ("destination", "fingerprint", "filename", "size")}
    uploads = Upload.objects.for_user(owner).active().filter(**same).order_by("-created_at")
    return next((upload for upload in uploads if (upload.metadata, upload.options) == wanted), None)


def find(owner: User, identifiers: Sequence[UUID]) -> dict[UUID, Upload]:
    """The user's uploads among these, in one query."""
    return Upload.objects.for_user(owner).in_bulk(identifiers)
