"""Begin: plan the upload, open it at OSS, remember it; one, or many small ones at once.

Rule: the server decides everything that the destination does not leave to the client (`services.destination_rules`).
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_client
from uploads.domain import options
from uploads.domain.errors import InvalidUpload, KeyReused, UploadError
from uploads.domain.keys import object_key
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan, plan
from uploads.models import Method, Upload, UploadEvent, User
from uploads.oss.errors import StorageError
from uploads.services import destination_rules as destination_rules
from uploads.services.common import storage_errors
from uploads.signals import announce

DEFAULT_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client asks for. `size` None: a stream. `options`: names of `uploads.domain.options`."""

    destination: str
    filename: str
    size: int | None
    content_type: str = ""
    fingerprint: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    in_one: bool = False
    """A file of unknown size that is to go in one request all the same."""


def begin(owner: User, wanted: UploadRequest, *, idempotency_key: str = "") -> Upload:
    """Plan the upload, open it at OSS, remember it.

    With an idempotency key, the upload that was begun with it before is given again. Raises InvalidUpload and its
    like by field, KeyReused, StorageError as UploadError.
    """
    (result,) = begin_many(owner, [wanted], idempotency_key=idempotency_key)
    if isinstance(result, UploadError):
        raise result
    return result


def begin_many(owner: User, many: Sequence[UploadRequest], *, idempotency_key: str = "") -> list[Upload | UploadError]:
    """Each its upload or its error, in order. The database is asked as often for a hundred as for one."""
    marks = [_mark(idempotency_key, index) for index in range(len(many))]
    known = _begun_before(owner, marks)
    results: list[Upload | UploadError] = []
    gate = destination_rules.Quota(owner)
    for wanted, mark in zip(many, marks, strict=True):
        try:
            results.append(_same(known[mark], wanted) if mark in known else _open(owner, wanted, mark, gate))
        except UploadError as error:
            results.append(error)
    fresh = [upload for upload in results if isinstance(upload, Upload) and upload._state.adding]
    try:
        _remember(owner, fresh, gate)
    except IntegrityError:
        # The same request came twice at once, and the other was first: what it began is the answer to both.
        _forget(fresh)
        if not (idempotency_key and _begun_before(owner, marks)):
            raise
        return begin_many(owner, many, idempotency_key=idempotency_key)
    except BaseException:
        _forget(fresh)
        raise
    return [gate.refused.get(result.pk, result) if isinstance(result, Upload) else result for result in results]


def _open(owner: User, wanted: UploadRequest, mark: str, gate: destination_rules.Quota) -> Upload:
    """An upload that OSS knows, and nobody else yet."""
    upload = _planned(owner, wanted, mark)
    gate.admit(upload)
    if upload.method == Method.MULTIPART:
        with storage_errors():
            upload.upload_id = oss_client().initiate(upload.bucket, upload.key, object_headers(upload))
    return upload


def _planned(owner: User, wanted: UploadRequest, mark: str) -> Upload:
    place = destination_rules.destination(wanted.destination)
    content_type = (wanted.content_type or DEFAULT_CONTENT_TYPE).lower()
    destination_rules.check_file(place, wanted.size, content_type)
    planned, now = _plan(wanted.size, place), timezone.now()
    upload = Upload(
        id=uuid4(),
        owner_id=owner.pk,  # type: ignore[misc]  # AnonymousUser has none; the API lets nobody in without a login.
        destination=place.name,
        bucket=settings.bucket_of(place),
        filename=wanted.filename,
        content_type=wanted.content_type or DEFAULT_CONTENT_TYPE,
        size=wanted.size,
        is_stream=wanted.size is None,
        part_size=planned.part_size,
        fingerprint=wanted.fingerprint,
        metadata=destination_rules.metadata(place, wanted.metadata),
        options=destination_rules.options(place, wanted.options),
        secret=secrets.token_urlsafe(32) if place.callback else "",
        idempotency_key=mark,
        created_at=now,
        updated_at=now,
        expires_at=now + place.lifetime,
    )
    upload.method = _method(planned, upload.options, in_one=wanted.in_one)
    upload.key = _key(upload, place)
    return upload


def _plan(size: int | None, place: Destination) -> Plan:
    try:
        return plan(size, place.part_size)
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("The file cannot be uploaded: {why}.", why=why), errors={"size": [why]}) from error


def _method(planned: Plan, chosen: Mapping[str, Any], *, in_one: bool) -> Method:
    if not (planned.is_single or in_one):
        return Method.MULTIPART
    return Method.POST if options.fits_a_form(chosen) else Method.PUT


def _key(upload: Upload, place: Destination) -> str:
    try:
        return object_key(
            place.key, user_id=upload.owner_id, now=upload.created_at, uuid=upload.id, filename=upload.filename
        )
    except ValueError as error:
        (why,) = error.args
        raise InvalidUpload(Phrase("The name will not do: {why}.", why=why), errors={"filename": [why]}) from error


def _remember(owner: User, uploads: Sequence[Upload], gate: destination_rules.Quota) -> None:
    """All in one transaction; those beyond a limit are given up again."""
    if not uploads:
        return
    with transaction.atomic():
        gate.count_again(uploads)
        kept = [upload for upload in uploads if upload.pk not in gate.refused]
        Upload.objects.bulk_create(kept)
        for upload in kept:
            transaction.on_commit(partial(announce, upload, "begin", owner))
        UploadEvent.objects.bulk_create(UploadEvent(upload=upload, name="begin", actor_id=owner.pk) for upload in kept)
    _forget([upload for upload in uploads if upload.pk in gate.refused])


def _forget(uploads: Sequence[Upload]) -> None:
    """Nobody knows of these at OSS but us, here and now."""
    for upload in uploads:
        if upload.upload_id:
            with suppress(StorageError):
                oss_client().abort(upload.bucket, upload.key, upload.upload_id)


def object_headers(upload: Upload) -> dict[str, str]:
    """What the finished object carries; given at Initiate, or with the one request that brings the bytes."""
    return options.object_headers(
        upload.options,
        filename=upload.filename,
        content_type=upload.content_type,
        metadata=upload.metadata,
        begun=upload.created_at,
    )


# The same request twice


def _mark(key: str, index: int) -> str:
    """The client's key as a row holds it: each upload of a batch has its own."""
    return f"{hashlib.sha256(key.encode()).hexdigest()}:{index}" if key else ""


def _begun_before(owner: User, marks: Sequence[str]) -> dict[str, Upload]:
    wanted = [mark for mark in marks if mark]
    if not wanted:
        return {}
    return {
        upload.idempotency_key: upload for upload in Upload.objects.for_user(owner).filter(idempotency_key__in=wanted)
    }


def _same(upload: Upload, wanted: UploadRequest) -> Upload:
    """The upload of before, if it was the same that was wanted."""
    size = None if upload.is_stream else upload.size
    before = (upload.destination, upload.filename, size, upload.fingerprint)
    if before != (wanted.destination, wanted.filename, wanted.size, wanted.fingerprint):
        detail = Phrase("This Idempotency-Key was used for another upload before: a new upload needs a new key.")
        raise KeyReused(detail, errors={"Idempotency-Key": [detail]})
    return upload


def unfinished(owner: User, wanted: UploadRequest) -> Upload | None:
    """The user's newest upload of this very file that has not ended, on whatever device it was begun. Begun for another
    purpose, as its metadata tell, it is another."""
    if not wanted.fingerprint:
        return None
    same = (
        Upload.objects.for_user(owner)
        .active()
        .filter(
            destination=wanted.destination, fingerprint=wanted.fingerprint, filename=wanted.filename, size=wanted.size
        )
    )
    return next((upload for upload in same.order_by("-created_at") if upload.metadata == dict(wanted.metadata)), None)


def find(owner: User, identifiers: Sequence[UUID]) -> dict[UUID, Upload]:
    """The user's uploads among these, in one query."""
    return Upload.objects.for_user(owner).in_bulk(identifiers)
