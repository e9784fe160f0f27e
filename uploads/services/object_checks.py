"""The object at OSS: what it must be, what it is, and its removal.

Rule: OSS is called in threads here, so the database is not used.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from django.utils import timezone

from uploads.conf import settings
from uploads.domain.attributes import ACL, STORAGE_CLASS, attribute_differences, required_attributes
from uploads.domain.places import Place
from uploads.models import Upload
from uploads.oss.errors import Denied, NotFound
from uploads.oss.lifecycle import classes_given
from uploads.oss.messages import Completed
from uploads.services.common import copy_at_oss, object_at_oss, storage_errors
from uploads.services.object_headers import object_headers
from uploads.services.transactions import oss_client

CLASS_SECONDS = 600.0
"""Seconds for which a process remembers the storage class of a bucket."""
YOUNGEST_MOVED = timedelta(days=1)
"""Lifecycle rules move no younger objects."""
_classes: dict[Place, tuple[float, str]] = {}


def required(upload: Upload) -> Mapping[str, str]:
    """The attributes that the upload's object must have, by `domain.attributes`."""
    chosen = upload.transfer_options
    return required_attributes(object_headers(upload), chosen.get("acl") or "", len(chosen.get("tagging") or {}))


def object_to_complete(upload: Upload) -> tuple[Completed | None, bool]:
    """The object that the upload is completed with, and whether it is the copy of a staged one.

    The attributes of a copy are those of the destination, not of what the browser wrote: it has no `headers` here.
    Raises StorageBusy, StorageRefused.
    """
    if (copy := copy_at_oss(upload)) is not None:
        return replace(copy, headers={}), True
    return described_object(upload), False


def described_object(upload: Upload) -> Completed | None:
    """HeadObject and GetObjectACL; None if there is no object of this upload. Raises StorageBusy, StorageRefused.

    Without the permission oss:GetObjectAcl the ACL stays unknown; `doctor` reports that.
    """
    found = object_at_oss(upload)
    if found is None:
        return None
    with storage_errors():
        try:
            acl = {ACL: oss_client(upload).get_object_acl(upload.bucket, upload.key)}
        except Denied:
            acl = {}
        except NotFound as error:
            if error.code != "NoSuchKey":
                raise
            return None  # It was deleted since.
    headers = {**found.headers, **acl}
    storage_class = headers.get(STORAGE_CLASS, "")
    chosen = not upload.options.get("storage_class") and _is_buckets_class(upload, storage_class)
    if chosen or _was_moved(upload, storage_class, found.modified):
        headers.pop(STORAGE_CLASS)
    return replace(found, headers=headers)


def changed_attributes(upload: Upload, found: Completed) -> str:
    """The attributes in which a described object differs from what its upload demands, for operators; "" if in none."""
    wrong = attribute_differences(required(upload), found.headers).items()
    return ", ".join(f"{name}: {must or 'none'} expected, {held or 'none'} at OSS" for name, (must, held) in wrong)


def _is_buckets_class(upload: Upload, storage_class: str) -> bool:
    """Whether objects of its bucket have this class unless a request says otherwise. Most buckets are Standard."""
    if storage_class in ("", "Standard"):
        return False
    place = settings.place_of(upload)
    known = _classes.get(place)
    if known is None or known[0] < monotonic():
        # Without the permission oss:GetBucketInfo it stays unknown. After another error the caller has to ask again.
        with storage_errors(), suppress(Denied):
            known = _classes[place] = (
                monotonic() + CLASS_SECONDS,
                oss_client(place).bucket_storage_class(place.bucket),
            )
    return known is not None and known[1] == storage_class


def _was_moved(upload: Upload, storage_class: str, modified: datetime | None) -> bool:
    """Whether a lifecycle rule has given the object this class, as far as its age tells: nobody asked for it so late.

    Only such an object costs a request. Without the permission oss:GetBucketLifecycle it raises StorageRefused: an
    upload that waits is better than a file that is removed because its class cannot be explained.
    """
    chosen, now = upload.transfer_options, timezone.now()
    if storage_class in ("", chosen.get("storage_class") or "Standard"):
        return False
    if modified is None or now - modified < YOUNGEST_MOVED:
        return False
    with storage_errors():
        rules = oss_client(upload).get_lifecycle(upload.bucket)
        tags = chosen.get("tagging") or {}
        return rules is not None and storage_class in classes_given(rules, upload.key, tags, modified, now)
