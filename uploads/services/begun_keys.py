"""The keys that this server has given to uploads, and what may lie there besides their objects.

Rule: whoever holds credentials for a prefix may write to the key of any upload below it, at any time. An object there
counts as that of the upload only while something here still checks or removes it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from uploads.domain.errors import UploadError
from uploads.domain.expectations import mismatch
from uploads.domain.states import Event, State
from uploads.models import CREDENTIALS_GRACE, ObjectRemoval, Upload
from uploads.oss.messages import Completed, ListedObject
from uploads.services.abort import release
from uploads.services.common import as_record
from uploads.services.complete import complete
from uploads.services.credentials import forget_credentials
from uploads.services.expired_credentials import is_object_of
from uploads.services.object_descriptions import is_storable, upload_ids
from uploads.services.removals import is_released


def uploads_begun(bucket: str, keys: Sequence[str]) -> dict[str, Upload]:
    """The uploads that this server began for these keys, by key: a key holds the id of its upload."""
    named = {identifier: key for key, identifier in upload_ids(keys).items()}
    rows = Upload.objects.in_bulk(list(named)).values()
    return {upload.key: upload for upload in rows if upload.bucket == bucket and named[upload.pk] == upload.key}


def keys_being_removed(bucket: str, keys: Sequence[str]) -> set[str]:
    """Those of these keys whose object belongs to a deleted upload, and is still to be removed."""
    storable = [key for key in keys if is_storable(key)]
    return set(ObjectRemoval.objects.pending().filter(bucket=bucket, key__in=storable).values_list("key", flat=True))


def is_of_upload(begun: Upload | None, found: Completed) -> bool:
    """Whether this object is what the upload made or makes, or what its end will remove.

    For a deleted upload the caller has asked `keys_being_removed`.
    """
    if begun is None:
        return False
    if begun.state == State.COMPLETED:
        return is_object_of(begun, found)
    return begun.state != State.DELETED and not is_released(begun)


def is_settled(begun: Upload | None, listed: ListedObject, searched_until: datetime) -> bool:
    """Whether the search has nothing to do with this object: it is that of an upload which is not open any more.

    A listing does not tell the type. So an object with the bytes of a completed upload is settled if it is older than
    the last search.
    """
    if begun is None or begun.state in (State.UPLOADING, State.DELETED):
        return False
    if begun.state != State.COMPLETED:
        return not is_released(begun)
    return listed.etag == begun.etag and listed.modified < searched_until - CREDENTIALS_GRACE


def check_begun(begun: Upload, found: Completed) -> Upload | None:
    """End an upload that was `uploading` when this object was found at its key; None if somebody was first.

    With another size the object is not that of the upload, which fails. Raises ObjectMismatch and what `complete` does.
    """
    if begun.is_stream or found.size == begun.size:
        done = complete(begun, object_confirmed=True)
        return done if done.state == State.COMPLETED else None
    error = mismatch({"size": (str(begun.size), str(found.size))})
    if not Upload.objects.advance(begun, Event.FAIL, unchanged=True, error=as_record(error)):
        return None
    forget_credentials(begun)
    with suppress(UploadError):  # The sweep repeats it.
        release(begun)
    raise error
