"""The keys that this server has given to uploads, and those whose objects it still removes."""

from collections.abc import Sequence

from uploads.models import ObjectRemoval, Upload
from uploads.services.object_descriptions import is_storable, upload_ids


def uploads_begun(bucket: str, keys: Sequence[str]) -> dict[str, Upload]:
    """The uploads that this server began for these keys, by key: a key holds the id of its upload."""
    named = {identifier: key for key, identifier in upload_ids(keys).items()}
    rows = Upload.objects.in_bulk(list(named)).values()
    return {upload.key: upload for upload in rows if upload.bucket == bucket and named[upload.pk] == upload.key}


def keys_being_removed(bucket: str, keys: Sequence[str]) -> set[str]:
    """Those of these keys whose object belongs to a deleted upload, and is still to be removed."""
    storable = [key for key in keys if is_storable(key)]
    return set(ObjectRemoval.objects.pending().filter(bucket=bucket, key__in=storable).values_list("key", flat=True))
