"""The search for objects that clients stored with credentials for a prefix: lists the prefix, page after page.

Rule: the cursor moves only past pages whose objects were looked at, so that a sweep that was killed loses none. Manual:
ListObjectsV2.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import F

from uploads.conf import Destination, settings
from uploads.connection import oss_offset
from uploads.domain.errors import StorageBusy, StorageRefused, UploadError
from uploads.domain.states import State
from uploads.models import CREDENTIALS_GRACE, PrefixCredentials, Upload
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import ListedObject
from uploads.services.begun_keys import is_settled, keys_being_removed, uploads_begun
from uploads.services.common import object_identity, storage_errors
from uploads.services.prefix_uploads import refusal, register_key, remove_found
from uploads.services.transactions import oss_client

MAX_PAGES = 20
"""Pages of a thousand objects that one sweep lists of one prefix. The next sweep continues there."""
PATIENCE = timedelta(days=7)
"""So long after the credentials, objects that OSS refuses to describe are asked for again."""
LATE = timedelta(hours=1)
"""So long after them, a request that was sent in time may have stored its object."""
ABSENCE = timedelta(days=30)
"""So long after the credentials, their destination may come back to the settings, or be given its new name."""


def unknown_objects(held: PrefixCredentials, destination: Destination) -> Iterator[tuple[Sequence[str], str]]:
    """List the prefix from the cursor on. Yields for each page the keys without a row, and the cursor after it, which
    is empty at the end."""
    with storage_errors():
        client = oss_client(held)
        pages = client.list_objects(held.bucket, held.prefix, start_after=held.cursor, page_size=MAX_LIST_PAGE)
        for page in pages:
            recent = [each for each in page.objects if _is_recent(each, held, destination)]
            yield _without_row(held, recent), _cursor(page.keys[-1]) if page.next_token and page.keys else ""


def _is_recent(listed: ListedObject, held: PrefixCredentials, destination: Destination) -> bool:
    """Whether the search looks at an object of this age."""
    # OSS does not document whether a multipart object's time is that of its begin or of its end.
    if listed.modified < max(held.since, held.searched_until - destination.lifetime):
        return False
    # At the end only what was refused is asked for again.
    return held.searched_until != _end(held) or listed.modified < _end(held) + LATE


def foreseen_removal(bucket: str, listed: ListedObject) -> str:
    """Why the next sweep deletes this object, which has no row; "" if it does not. Changes nothing.

    Asks OSS only for an object that a search looks at. Raises StorageBusy.
    """
    above = [listed.key[: index + 1] for index, character in enumerate(listed.key) if character == "/"]
    searched = PrefixCredentials.objects.unsearched().filter(bucket=bucket, prefix__in=above).select_related("owner")
    for held in searched.order_by("remove_found"):
        destination = settings.destinations.get(held.destination)
        if destination is None or not _is_recent(listed, held, destination):
            continue
        if held.remove_found:
            newer = PrefixCredentials.objects.in_use(bucket, held.prefix).filter(since__lte=listed.modified)
            return "" if newer.exists() else "Its user was deleted or erased together with the uploads."
        with suppress(StorageRefused):  # The search asks again, and deletes nothing until then.
            if why := refusal(held, destination, listed.key):
                return why
    return ""


def _end(held: PrefixCredentials) -> datetime:
    """The search is over when it has come beyond this time."""
    return held.valid_until + CREDENTIALS_GRACE


def _cursor(key: str) -> str:
    """Where the search continues after a page that ends with this key: before it, if no row can hold it."""
    return key.partition("\0")[0]


def _without_row(held: PrefixCredentials, objects: Sequence[ListedObject]) -> list[str]:
    begun = uploads_begun(held.bucket, [each.key for each in objects])
    identities = {object_identity(held.bucket, each.key, each.etag, each.modified): each for each in objects}
    known = Upload.objects.filter(pk__in=list(identities)).exclude(state=State.UPLOADING)
    for pk in known.values_list("pk", flat=True):
        del identities[pk]
    removed = keys_being_removed(held.bucket, [each.key for each in identities.values()])
    return [
        each.key
        for each in identities.values()
        if each.key not in removed and not is_settled(begun.get(each.key), each, held.searched_until)
    ]


def search(held: PrefixCredentials, now: datetime, *, dry_run: bool) -> Iterator[tuple[str, str, str]]:
    """Register what is new under one prefix. Yields what was done, the key, and the reason if it was refused.

    The cursor moves only past pages whose objects have their rows. Raises StorageBusy, StorageRefused.
    """
    destination = settings.destinations.get(held.destination)
    if destination is None:
        if held.valid_until + ABSENCE < now and not dry_run:
            held.delete()
        if now < held.valid_until:
            yield "failed", held.prefix, f"The destination {held.destination!r} no longer exists."
        return
    began = held.search_began if held.cursor else None
    for number, (keys, cursor) in enumerate(unknown_objects(held, destination), 1):
        at_oss = now + oss_offset(settings.place_of(held))  # The listing has told OSS's time.
        began = began or at_oss
        for key in keys:
            if dry_run:
                yield "would be checked", key, ""
            elif (done := _registered(held, destination, key)) is not None:
                if done[0] == "failed" and at_oss < _end(held) + PATIENCE:
                    began = min(began, _end(held))  # So the search is not over.
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
            return remove_found(held, key)
        done = register_key(held, destination, key)
    except StorageBusy:
        raise
    except UploadError as error:
        return "failed" if isinstance(error, StorageRefused) else "refused", key, error.advice
    return (done[0], key, "") if done and done[0] else None
