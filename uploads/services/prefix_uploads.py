"""Objects that clients stored by themselves, with credentials for a prefix: each becomes an upload.

A policy cannot limit sizes, types and quotas. So each object under a prefix is checked when it has arrived, when the
client registers it or when the sweep finds it. One that breaks a rule is removed, and its row says why.

Rule: only objects that are younger than the first credentials for their prefix are touched. The row of a refused
object is `failed` from the beginning, so that a crash at any point cannot complete it. An object whose key no row can
hold is removed without one.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_offset
from uploads.domain.errors import InvalidUpload, NotFoundError, UploadError
from uploads.domain.keys import key_problem
from uploads.domain.names import clean_filename
from uploads.domain.parts import ClientReport
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event, State
from uploads.models import Method, PrefixCredentials, Reason, Upload, User, record_events
from uploads.models.databases import atomic
from uploads.oss.messages import Completed
from uploads.services import destination_rules
from uploads.services.abort import release
from uploads.services.begin import DEFAULT_CONTENT_TYPE
from uploads.services.begun_keys import check_begun, is_of_upload, keys_being_removed, uploads_begun
from uploads.services.common import as_record, object_at_oss, object_identity, storage_errors
from uploads.services.complete import complete
from uploads.services.credentials import prefix_of
from uploads.services.object_checks import changed_attributes, described_object
from uploads.services.object_descriptions import is_storable, object_metadata, relative_path
from uploads.services.quota import Quota
from uploads.services.removals import carry_out, removals_of
from uploads.services.transactions import oss_client

log = logging.getLogger("uploads.prefixes")


def register(user: User, name: str, key: str) -> Upload:
    """The upload of an object that the user has stored under the own prefix of the destination `name`.

    It is checked as the sweep would check it. Raises the error of the rule that it breaks, after its removal;
    NotFoundError if no such object came by credentials; InvalidUpload, Forbidden, NotOffered.
    """
    destination = destination_rules.get_destination(name)
    destination_rules.permit(destination, user)
    prefix, bucket = prefix_of(destination, user), settings.place(destination.bucket).bucket
    held = PrefixCredentials.objects.filter(
        owner_id=user.pk, destination=destination.name, bucket=bucket, prefix=prefix
    ).first()
    done = register_key(held, destination, key) if held is not None and key.startswith(prefix) else None
    if done is None:
        raise NotFoundError(Phrase("There is no such object under your prefix."))
    return done[1]


def register_key(held: PrefixCredentials, destination: Destination, key: str) -> tuple[str, Upload] | None:
    """What was done, and the completed upload of the object with this key; None if these credentials did not store it.

    Done: registered, adopted, "" if nothing was to be done. Raises the error of the rule that it broke, after removal.
    """
    begun = uploads_begun(held.bucket, [key]).get(key)
    arrived = _arrived(held, key)
    if arrived is None:
        return None
    found, modified = arrived
    if not is_storable(key):
        raise _removed_without_row(held, key)
    if begun is not None and begun.state == State.UPLOADING:
        done = check_begun(begun, found)
        return ("adopted", done) if done else None
    if begun is not None and is_of_upload(begun, found):
        return ("", begun) if begun.state == State.COMPLETED else None
    identity = object_identity(held.bucket, key, found.etag, modified)
    upload = Upload.objects.filter(pk=identity).first()
    if upload is None:
        upload = _create(_row(held, destination, key, found, identity), destination, held.owner)
    if upload.state == State.UPLOADING:
        return "registered", complete(upload, ClientReport(etag=found.etag), object_confirmed=True)
    if upload.state == State.FAILED:
        release(upload)
    return ("registered", upload) if upload.state != State.DELETED else None


def _arrived(held: PrefixCredentials, key: str) -> tuple[Completed, datetime] | None:
    """The object and its time, if it is not older than these credentials and not about to be removed.

    The callers read the upload that was begun for the key before: what OSS has after the end of an upload and the
    removal of its object, is a new object.
    """
    if keys_being_removed(held.bucket, [key]):
        return None
    found = object_at_oss(Upload(destination=held.destination, bucket=held.bucket, key=key))
    if found is None or found.modified is None or found.modified < held.since:
        return None
    return None if keys_being_removed(held.bucket, [key]) else (found, found.modified)


def _removed_without_row(held: PrefixCredentials, key: str) -> InvalidUpload:
    """Remove an object whose key no row can hold. Returns the error of the rule that it breaks."""
    with storage_errors():
        oss_client(held).delete_object(held.bucket, key)
    log.warning("Removed an object with the character NUL in its key, below %r: %r", held.prefix, key)
    return _bad_key(key_problem(key) or Phrase("an object key must not contain control characters"))


def _bad_key(problem: Phrase) -> InvalidUpload:
    return InvalidUpload(Phrase("Invalid file name: {why}.", why=problem), errors={"filename": [problem]})


def remove_found(held: PrefixCredentials, key: str) -> tuple[str, str, str] | None:
    """Remove an object whose owner was deleted or erased together with the uploads. It gets no row.

    An object that newer credentials for the prefix may have stored is left to their search.
    """
    begun = uploads_begun(held.bucket, [key]).get(key)
    arrived = _arrived(held, key)
    if arrived is None:
        return None
    found, modified = arrived
    newer = PrefixCredentials.objects.in_use(held.bucket, held.prefix).filter(since__lte=modified)
    if is_of_upload(begun, found) or newer.exists():
        return None
    if not is_storable(key):
        _removed_without_row(held, key)
        return "removed", key, ""
    identity = object_identity(held.bucket, key, found.etag, modified)
    place = Upload(id=identity, destination=held.destination, bucket=held.bucket, key=key, etag=found.etag)
    done = True
    for removal in removals_of(place, Reason.OWNER):
        removal.save()
        done = carry_out(removal.pk) and done
    return ("removed", key, "") if done else ("failed", key, "OSS has not removed the object yet.")


def refusal(held: PrefixCredentials, destination: Destination, key: str) -> str:
    """Why the search would remove this object, for which it would make a row; "" if it keeps it. Changes nothing.

    The quota is compared with the rows of now: others may be registered before. Raises StorageBusy, StorageRefused.
    """
    found = object_at_oss(Upload(destination=held.destination, bucket=held.bucket, key=key))
    if found is None or found.modified is None:
        return ""
    identity = object_identity(held.bucket, key, found.etag, found.modified)
    upload = _row(held, destination, key, found, identity)
    try:
        with atomic():
            _check(upload, destination, held.owner)
    except UploadError as error:
        return str(error.advice)
    described = described_object(upload)
    return changed_attributes(upload, described) if described is not None else ""


def _row(held: PrefixCredentials, destination: Destination, key: str, found: Completed, identity: UUID) -> Upload:
    now, size, rest = timezone.now(), found.size or 0, key.removeprefix(held.prefix)
    return Upload(
        id=identity,
        owner=held.owner,
        destination=destination.name,
        bucket=held.bucket,
        key=key,
        method=Method.PUT,
        filename=clean_filename(rest.rpartition("/")[2]),
        relative_path=relative_path(rest),
        content_type=(found.content_type or DEFAULT_CONTENT_TYPE)[:255],
        size=size,
        part_size=max(size, 1),
        metadata=_metadata(destination, found.headers),
        options=_options(held, destination, key, found.headers),
        created_at=found.modified or now,
        updated_at=now,
        expires_at=now + destination.lifetime,
        credentials_until=held.valid_until - oss_offset(settings.place_of(held)),
    )


def _metadata(destination: Destination, headers: Mapping[str, str]) -> dict[str, str]:
    """The object's own, where the client may set it."""
    return object_metadata(headers) if "metadata" in destination.client_options else {}


def _options(
    held: PrefixCredentials, destination: Destination, key: str, headers: Mapping[str, str]
) -> dict[str, object]:
    """What the object must have: the destination's options, and the object's own tags where the client may set them."""
    options = {name: value for name, value in destination.options.items() if name != "expires"}
    if "tagging" in destination.client_options and headers.get("x-oss-tagging-count", "0") != "0":
        with storage_errors():
            options["tagging"] = oss_client(held).get_object_tagging(held.bucket, key)
    return options


def _create(upload: Upload, destination: Destination, owner: AbstractBaseUser | None) -> Upload:
    """Write the row: `uploading` if the object keeps all rules, otherwise `failed`. Raises the error of the rule."""
    refusal: UploadError | None = None
    try:
        with atomic():
            try:
                _check(upload, destination, owner)
            except UploadError as error:
                refusal = error
            Upload.objects.bulk_create([upload])
            record_events([upload], "begin", owner)
            if refusal is not None:
                Upload.objects.advance(upload, Event.FAIL, error=as_record(refusal))
    except IntegrityError:  # Another sweep or request was first.
        return Upload.objects.get(pk=upload.pk)
    if refusal is not None:
        release(upload)
        raise refusal
    return upload


def _check(upload: Upload, destination: Destination, owner: AbstractBaseUser | None) -> None:
    """Raises the error of the rule that the object breaks. A user who was deleted has no permission and no quota."""
    if owner is not None:
        destination_rules.permit(destination, owner)
    destination_rules.check_file(destination, upload.size, upload.content_type)
    if problem := key_problem(upload.key):
        raise _bad_key(problem)
    if owner is not None:
        Quota(owner).admit_arrived(destination, upload.size or 0)
