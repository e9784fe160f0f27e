"""What an ended upload's temporary credentials may have left at OSS, removed once they have expired.

Credentials cannot be revoked one by one: until they expire, their holder may still write to the key.
"""

from uploads.domain.attributes import attribute_differences, is_file, is_saved
from uploads.domain.errors import InvalidUpload, NotOffered, ObjectMismatch
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Upload, UploadEvent
from uploads.oss.messages import Completed
from uploads.services import destination_rules
from uploads.services.abort import abort_all_at_key, remove_registered
from uploads.services.common import as_record, object_at_oss, storage_errors
from uploads.services.object_checks import required
from uploads.services.transactions import oss_client

REPLACED = "replaced"
"""The name of the event in the history of a completed upload whose object is another by now."""


def undo_late_writes(upload: Upload) -> None:
    """Abort the multipart uploads at the upload's key, and delete an object that is not the upload's.

    A completed upload's object that was replaced is recorded in its history. The new object is deleted if it breaks
    the destination's rules. Raises StorageBusy, StorageRefused.
    """
    if upload.is_registered:
        # The search of the prefix finds objects that replace one another.
        if upload.state != State.COMPLETED:
            remove_registered(upload)
    elif upload.staging_key and upload.state == State.COMPLETED:
        # The credentials were for the staging key. `remove_staged` deletes the object there.
        abort_all_at_key(upload, upload.staging_key)
    else:
        abort_all_at_key(upload, upload.key)
        found = object_at_oss(upload)
        if found is not None and not is_object_of(upload, found):
            _undo(upload, found)
    Upload.objects.filter(pk=upload.pk).update(credentials_until=None)


def is_object_of(upload: Upload, found: Completed) -> bool:
    """Whether this is the object that the upload was completed with.

    The same bytes may be there again with another type, and be a page or a script. What a site may change of its own
    objects is not compared: the ACL, the tags, the storage class, the name that a download gets.
    """
    if found.etag != upload.etag or not is_file(found.headers) or _is_shown(upload, found):
        return False
    return "content-type" not in attribute_differences(required(upload), found.headers) or is_allowed(upload, found)


def _is_shown(upload: Upload, found: Completed) -> bool:
    """Whether browsers show this object, although they must save it."""
    return is_saved(required(upload)) and not is_saved(found.headers)


def _undo(upload: Upload, found: Completed) -> None:
    if upload.state == State.COMPLETED:
        detail = Phrase("The object was replaced after the upload was completed.")
        error = as_record(ObjectMismatch(detail))
        UploadEvent.objects.create(upload=upload, name=REPLACED, detail={"error": error})
        if is_allowed(upload, found):
            return
    with storage_errors():
        oss_client(upload).delete_object(upload.bucket, upload.key)


def is_allowed(upload: Upload, found: Completed) -> bool:
    """Whether the destination's rules let the object stay that has replaced that of the upload."""
    if not is_file(found.headers) or _is_shown(upload, found):
        return False
    try:
        destination = destination_rules.current_destination(upload)
        destination_rules.check_file(destination, found.size, found.content_type)
    except NotOffered:  # Without the destination there are no rules.
        return True
    except InvalidUpload:
        return False
    return True
