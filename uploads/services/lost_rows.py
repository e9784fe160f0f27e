"""Objects at OSS whose rows are gone: the database was restored to a time before they were begun. And objects whose
rows say that they were deleted, for instance because OSS had lost them when somebody looked.

Rule: only keys that begin with a directory of our own are looked at, and nothing is deleted. An object whose key names
its user and its upload gets a row with the same id as before, so that links to it work again. Manual: ListObjectsV2.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.domain.attributes import is_file, is_saved
from uploads.domain.destination import ISSUES_FOR_PREFIX, outermost_prefixes
from uploads.domain.errors import UploadError
from uploads.domain.keys import key_fields, user_segment
from uploads.domain.names import clean_filename
from uploads.domain.parts import NO_REPORT
from uploads.domain.places import Place
from uploads.domain.states import Event, State
from uploads.models import Method, Upload, record_events
from uploads.models.databases import atomic
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import Completed, ListedObject
from uploads.services import destination_rules, outcome
from uploads.services.begin import DEFAULT_CONTENT_TYPE
from uploads.services.begun_keys import keys_being_removed
from uploads.services.common import object_at_oss, object_identity, storage_errors
from uploads.services.object_descriptions import is_storable, object_metadata, relative_path, upload_ids
from uploads.services.prefix_search import foreseen_removal
from uploads.services.transactions import oss_client

Done = tuple[str, str, str]
NO_PREFIX = "Its keys do not begin with a directory of their own, so its objects cannot be told from others."
STAGED = "A staged file that was not checked yet: upload it again, or delete it."
NO_FILE = "It is a symbolic link or an appendable object: upload the file again, or delete it."
BACK = "Its upload is deleted. Delete the object at OSS; or delete the upload's row, and register the object."
NO_USER = "Its key does not name a user and an upload of this site."


@dataclass(frozen=True, slots=True)
class _Origin:
    """What the key of an object says about it."""

    destination: Destination
    owner: AbstractBaseUser
    id: UUID
    path: str


def lost_rows(*, register: bool, confirmed: set[UUID], unlisted: set[str]) -> Iterator[Done]:
    """List the objects without a row. Yields `without a row`, or with `register` `registered`, the key and the reason;
    `to be deleted` for one that the next sweep deletes; and `object is back` for the object of a deleted upload.

    `confirmed` gets the ids of the completed uploads whose objects are there with the size and the ETag of the row.
    `unlisted` gets the buckets that could not be listed to the end: what they have is not known. A destination whose
    keys have no directory of their own is `refused`. A place that fails is `failed`.
    """
    for name, destinations in settings.buckets.items():
        for destination in destinations:
            if not destination.has_own_prefix:
                yield "refused", f"destination {destination.name}", NO_PREFIX
        place = settings.place(name)
        for prefix in outermost_prefixes(each for each in destinations if each.has_own_prefix):
            try:
                for page in _pages(place, prefix):
                    rows = _rows_of(place.bucket, page)
                    confirmed |= {row.pk for each in page if (row := rows.get(each.key)) and _is_object_of(each, row)}
                    yield from _back(place.bucket, page, rows)
                    lost = _without_row(place.bucket, page, rows)
                    yield from _lost(place, lost, destinations, confirmed if register else None)
            except UploadError as error:
                unlisted.add(place.bucket)
                yield "failed", prefix, error.advice


def _pages(place: Place, prefix: str) -> Iterator[Sequence[ListedObject]]:
    with storage_errors():
        for page in oss_client(place).list_objects(place.bucket, prefix, page_size=MAX_LIST_PAGE):
            yield page.objects


def _back(bucket: str, page: Sequence[ListedObject], rows: Mapping[str, Upload]) -> Iterator[Done]:
    """The rows stay: `deleted` is final, and was announced. Whoever undeleted the objects knows what they are for."""
    deleted = {key for key, row in rows.items() if row.state == State.DELETED}
    found = [each.key for each in page if each.key in deleted and _is_object_of(each, rows[each.key])]
    removed = keys_being_removed(bucket, found) if found else ()
    yield from (("object is back", key, BACK) for key in found if key not in removed)


def _lost(
    place: Place, objects: Sequence[ListedObject], destinations: Sequence[Destination], registered: set[UUID] | None
) -> Iterator[Done]:
    """`registered` gets the ids of new rows; None: make none."""
    for found in objects:
        done = _looked_at(place, found, destinations, registered)
        if done[0] == "without a row" and (why := foreseen_removal(place.bucket, found)):
            done = "to be deleted", found.key, f"{done[2]} The next sweep deletes it: {why}"
        yield done


def _looked_at(
    place: Place, found: ListedObject, destinations: Sequence[Destination], registered: set[UUID] | None
) -> Done:
    if any(found.key.startswith(each.stage_prefix) for each in destinations if each.stage):
        return "without a row", found.key, STAGED
    origin = _origin(place.bucket, found, destinations)
    if origin is None:
        return "without a row", found.key, NO_USER
    if registered is None:
        return "without a row", found.key, f"It belongs to the user {origin.owner.pk}."
    done = _registered(place, found.key, origin)
    registered |= {origin.id} if done[0] == "registered" else set()
    return done


def objects_without_row(bucket: str, objects: Sequence[ListedObject]) -> list[ListedObject]:
    """Those of these objects that no upload here has, and that no removal is to remove."""
    return _without_row(bucket, objects, _rows_of(bucket, objects))


def _without_row(bucket: str, objects: Sequence[ListedObject], rows: Collection[str]) -> list[ListedObject]:
    """`rows`: the keys that have one. Objects whose keys no row can hold are left out."""
    removed = keys_being_removed(bucket, [each.key for each in objects])
    return [each for each in objects if is_storable(each.key) and each.key not in rows and each.key not in removed]


def _rows_of(bucket: str, objects: Sequence[ListedObject]) -> dict[str, Upload]:
    """The row of each object that has one, by key: the row whose id the key names, or whose id was made of the object.

    One query for all.
    """
    ids = upload_ids([each.key for each in objects])
    identities = {each.key: object_identity(bucket, each.key, each.etag, each.modified) for each in objects}
    rows = Upload.objects.filter(bucket=bucket).in_bulk([*ids.values(), *identities.values()])
    found = {}
    for key, identity in identities.items():
        row = rows.get(ids[key]) if key in ids else None
        if row is not None and key not in (row.key, row.staging_key, row.final_key):
            row = None
        if row := row or rows.get(identity):
            found[key] = row
    return found


def _is_object_of(found: ListedObject, row: Upload) -> bool:
    """Whether this is the object that the row describes."""
    return (row.key, row.etag, row.size) == (found.key, found.etag, found.size)


def _origin(bucket: str, found: ListedObject, destinations: Sequence[Destination]) -> _Origin | None:
    """The destination that gives such keys, the user and the id; None if there is none, or no such user."""
    for destination in destinations:
        fields = key_fields(destination.key, found.key)
        if fields is not None and (owner := _user(fields.get("user_id", ""))) is not None:
            path = fields.get("path") or fields.get("filename") or ""
            return _Origin(destination, owner, UUID(fields["uuid"]), path)
    for destination in destinations:
        own = f"{destination.prefix}{{user_id}}/"
        if destination.credentials != ISSUES_FOR_PREFIX or not destination.key.startswith(own):
            continue
        # A client with credentials for the prefix chose the rest of the key.
        fields = key_fields(own + "{path}", found.key)
        if fields is not None and (owner := _user(fields["user_id"])) is not None:
            identity = object_identity(bucket, found.key, found.etag, found.modified)
            return _Origin(destination, owner, identity, fields["path"])
    return None


def _user(segment: str) -> AbstractBaseUser | None:
    try:
        user: AbstractBaseUser | None = get_user_model()._default_manager.filter(pk=segment).first()
    except (ValueError, ValidationError):
        return None
    return user if user is not None and user_segment(user.pk) == segment else None


def _registered(place: Place, key: str, origin: _Origin) -> Done:
    found = object_at_oss(Upload(destination=origin.destination.name, bucket=place.bucket, key=key))
    if found is None:
        return "skipped", key, "It was deleted since."
    if not is_file(found.headers):
        return "without a row", key, NO_FILE
    try:
        destination_rules.check_file(origin.destination, found.size, found.content_type)
    except UploadError as error:
        return "without a row", key, error.advice
    try:
        _write(_row(place.bucket, key, origin, found), found)
    except IntegrityError:
        return "skipped", key, "Another process has registered it."
    return "registered", key, ""


def _row(bucket: str, key: str, origin: _Origin, found: Completed) -> Upload:
    """The row as far as the object tells: the browser's fingerprint and the original file name are lost."""
    now, size, destination = timezone.now(), found.size or 0, origin.destination
    # An option may be younger than the object.
    absent = {"expires"} if is_saved(found.headers) else {"expires", "content_disposition"}
    return Upload(
        id=origin.id,
        owner_id=origin.owner.pk,
        destination=destination.name,
        bucket=bucket,
        key=key,
        method=Method.PUT,
        filename=clean_filename(origin.path.rpartition("/")[2]),
        relative_path=relative_path(origin.path),
        content_type=(found.content_type or DEFAULT_CONTENT_TYPE)[:255],
        size=size,
        part_size=max(size, 1),
        metadata=object_metadata(found.headers),
        options={name: value for name, value in destination.options.items() if name not in absent},
        created_at=found.modified or now,
        updated_at=now,
        expires_at=now + destination.lifetime,
    )


def _write(upload: Upload, found: Completed) -> None:
    """The whole history in one transaction: the upload was completed before, and nobody has to complete it again."""
    ended: dict[str, Any] = outcome.end_fields(upload, found, NO_REPORT)
    with atomic():
        Upload.objects.bulk_create([upload])
        record_events([upload], "begin", None)
        Upload.objects.advance(upload, Event.COMPLETE)
        Upload.objects.advance(upload, Event.FINISH, **ended)
