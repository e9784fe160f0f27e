"""The object at OSS: what it must be, what it is, and its removal.

Rule: OSS is called in threads here, so the database is not used.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from uploads.conf import settings
from uploads.domain.attributes import ACL, STORAGE_CLASS, required_attributes
from uploads.domain.places import Place
from uploads.models import Upload
from uploads.oss.errors import Denied, NotFound
from uploads.oss.messages import Completed
from uploads.services.common import object_at_oss, storage_errors
from uploads.services.object_headers import object_headers
from uploads.services.transactions import oss_client

CLASS_SECONDS = 600.0
"""Seconds for which a process remembers the storage class of a bucket."""
_classes: dict[Place, tuple[float, str]] = {}


def required(upload: Upload) -> Mapping[str, str]:
    """The attributes that the upload's object must have, by `domain.attributes`."""
    chosen = upload.transfer_options
    return required_attributes(object_headers(upload), chosen.get("acl") or "", len(chosen.get("tagging") or {}))


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
    if not upload.options.get("storage_class") and _is_buckets_class(upload, headers.get(STORAGE_CLASS, "")):
        headers.pop(STORAGE_CLASS)
    return replace(found, headers=headers)


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
