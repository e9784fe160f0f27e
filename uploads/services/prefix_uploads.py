"""Objects that clients stored by themselves, with credentials for a prefix: each becomes an upload.

A policy cannot limit sizes, types and quotas. So each object under a prefix is checked when it has arrived, when the
client registers it or when the sweep finds it. One that breaks a rule is removed, and its row says why.

Rule: only objects that are younger than the first credentials for their prefix are touched. The row of a refused
object is `failed` from the beginning, so that a crash at any point cannot complete it. An object whose key no row can
hold is removed without one.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.domain.errors import InvalidUpload, NotFoundError, StorageBusy, StorageRefused, UploadError
from uploads.domain.keys import key_problem
from uploads.domain.names import clean_filename
from uploads.domain.parts import ClientReport
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event, State
from uploads.models import (
    CREDENTIALS_GRACE,
    Method,
    PrefixCredentials,
    Reason,
    Upload,
    User,
    record_events,
)
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import Completed, ListedObject
from uploads.services import destination_rules
from uploads.services.abort import release
from uploads.services.begin import DEFAULT_CONTENT_TYPE
from uploads.services.begun_keys import check_begun, is_of_upload, is_settled, keys_being_removed, uploads_begun
from uploads.services.common import as_record, object_at_oss, object_identity, storage_errors
from uploads.services.complete import complete
from uploads.services.credentials import prefix_of
from uploads.services.object_descriptions import is_storable, object_metadata, relative_path
from uploads.services.quota import Quota
from uploads.services.removals import carry_out, removals_of
from uploads.services.transactions import oss_client

log = logging.getLogger("uploads.prefixes")

MAX_PAGES = 20
"""Pages of a thousand objects that one sweep lists of one prefix. The next sweep continues there."""


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
    upload = register_key(held, destination, key) if held is not None and key.startswith(prefix) else None
    if upload is None:
        raise NotFoundError(Phrase("There is no such object under your prefix."))
    return upload


def register_key(held: PrefixCredentials, destination: Destination, key: str) -> Upload | None:
    """The upload of the object with this key, completed; None if it did not come by these credentials.

    Raises the error of the rule that it breaks, after its removal.
    """
    begun = uploads_begun(held.bucket, [key]).get(key)
    arrived = _arrived(held, key)
    if arrived is None:
        return None
    found, modified = arrived
    if not is_storable(key):
        raise _removed_without_row(held, key)
    if begun is not None and begun.state == State.UPLOADING:
        return check_begun(begun, found)
    if begun is not None and is_of_upload(begun, found.etag):
        return begun if begun.state == State.COMPLETED else None
    identity = object_identity(held.bucket, key, found.etag, modified)
    upload = Upload.objects.filter(pk=identity).first()
    if upload is None:
        upload = _create(_row(held, destination, key, found, identity), destination, held.owner)
    if upload.state == State.UPLOADING:
        return complete(upload, ClientReport(etag=found.etag), object_confirmed=True)
    if upload.state == State.FAILED:
        release(upload)
    return upload if upload.state != State.DELETED else None


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


def _remove_found(held: PrefixCredentials, key: str) -> tuple[str, str, str] | None:
    """Remove an object whose owner was deleted or erased together with the uploads. It gets no row.

    An object that newer credentials for the prefix may have stored is left to their search.
    """
    begun = uploads_begun(held.bucket, [key]).get(key)
    arrived = _arrived(held, key)
    if arrived is None:
        return None
    found, modified = arrived
    newer = PrefixCredentials.objects.in_use(held.bucket, held.prefix).filter(since__lte=modified)
    if is_of_upload(begun, found.etag) or newer.exists():
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
        credentials_until=held.valid_until,
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
        with transaction.atomic():
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


# The search


def unknown_objects(held: PrefixCredentials, destination: Destination) -> Iterator[tuple[Sequence[str], str]]:
    """List the prefix from the cursor on. Yields for each page the keys without a row, and the cursor after it, which
    is empty at the end."""
    # OSS does not document whether a multipart object's time is that of its begin or of its end.
    youngest = max(held.since, held.searched_until - destination.lifetime)
    with storage_errors():
        client = oss_client(held)
        pages = client.list_objects(held.bucket, held.prefix, start_after=held.cursor, page_size=MAX_LIST_PAGE)
        for page in pages:
            recent = [each for each in page.objects if each.modified >= youngest]
            yield _without_row(held.bucket, recent), _cursor(page.keys[-1]) if page.next_token and page.keys else ""


def _cursor(key: str) -> str:
    """Where the search continues after a page that ends with this key: before it, if no row can hold it."""
    return key.partition("\0")[0]


def _without_row(bucket: str, objects: Sequence[ListedObject]) -> list[str]:
    begun = uploads_begun(bucket, [each.key for each in objects])
    identities = {object_identity(bucket, each.key, each.etag, each.modified): each for each in objects}
    known = Upload.objects.filter(pk__in=list(identities)).exclude(state=State.UPLOADING)
    for pk in known.values_list("pk", flat=True):
        del identities[pk]
    removed = keys_being_removed(bucket, [each.key for each in identities.values()])
    return [
        each.key
        for each in identities.values()
        if each.key not in removed and not is_settled(begun.get(each.key), each.etag)
    ]


def search(held: PrefixCredentials, now: datetime, *, dry_run: bool) -> Iterator[tuple[str, str, str]]:
    """Register what is new under one prefix. Yields what was done, the key, and the reason if it was refused.

    The cursor moves only past pages whose objects have their rows. Raises StorageBusy, StorageRefused.
    """
    destination = settings.destinations.get(held.destination)
    if destination is None:
        if held.valid_until < now and not dry_run:
            held.delete()
        yield "failed", held.prefix, f"The destination {held.destination!r} no longer exists."
        return
    began = held.search_began if held.cursor and held.search_began else now
    for number, (keys, cursor) in enumerate(unknown_objects(held, destination), 1):
        for key in keys:
            if dry_run:
                yield "would be registered or refused", key, ""
            elif (done := _registered(held, destination, key)) is not None:
                yield done
        if dry_run:
            continue
        changes = {"cursor": cursor, "search_began": began} if cursor else {"cursor": "", "searched_until": began}
        PrefixCredentials.objects.filter(pk=held.pk).update(**changes)
        if number == MAX_PAGES:
            break
    if not dry_run:
        PrefixCredentials.objects.filter(pk=held.pk).update(claimed_until=None)
        over = F("valid_until") + CREDENTIALS_GRACE
        PrefixCredentials.objects.filter(pk=held.pk, owner=None, searched_until__gt=over).delete()


def _registered(held: PrefixCredentials, destination: Destination, key: str) -> tuple[str, str, str] | None:
    try:
        if held.remove_found:
            return _remove_found(held, key)
        upload = register_key(held, destination, key)
    except StorageBusy:
        raise
    except UploadError as error:
        return "failed" if isinstance(error, StorageRefused) else "refused", key, error.advice
    if upload is None:
        return None
    return "registered" if upload.is_registered else "adopted", key, ""
