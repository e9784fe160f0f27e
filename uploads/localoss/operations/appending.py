"""AppendObject.

Rule: each append is one transaction, so of two that name the same position one is refused.
"""

import hashlib
from dataclasses import replace

from uploads.localoss.answers import Answer, quoted
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import headers, traffic, versions
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.objects import new_id
from uploads.localoss.store.objects import APPENDABLE, NotAppendable, WrongPosition
from uploads.localoss.store.rows import Blob, StoredObject
from uploads.oss.crc64 import combine
from uploads.oss.limits import MAX_PART_SIZE

_KMS_KEY = "x-oss-server-side-encryption-key-id"


def append_object(context: Context) -> Answer:
    """OSS manual: "AppendObject". The headers of the first append are stored. Of the later ones' headers the ACL alone
    counts, as the vendor's Go SDK expects (`TestAppendObject`).

    Refusal: ObjectNotAppendable for an object of another kind, and for a delete marker where the position is not 0,
    PositionNotEqualToLength, or FileImmutable for an object in retention.
    """
    request, store = context.request, context.store
    key, position = request.checked_key(), _position(context)
    request.body.require_length(MAX_PART_SIZE)
    kept, acl = headers.stored_headers(request.headers, context), headers.acl(request.headers, context)
    if _KMS_KEY in kept:
        raise invalid_argument(_KMS_KEY, kept[_KMS_KEY], "An appendable object cannot be encrypted by a given key.")
    with store.blobs.receive(traffic.incoming(context)) as blob, versions.refusals(key):
        request.body.check_md5(blob.md5)

        def change(present: StoredObject | None) -> StoredObject:
            if present is None:
                new = StoredObject(context.bucket.name, key, new_id(), 0, "", 0, APPENDABLE, 0, acl, "", kept)
                return _longer(context, replace(new, version=versions.new_version(context)), blob)
            versions.delete_rules(context).check_retention(present)
            return _longer(context, replace(present, acl=acl) if headers.ACL in request.headers else present, blob)

        try:
            stored = store.objects.append(context.bucket.name, key, position, blob, change)
        except NotAppendable as error:
            raise Refusal("ObjectNotAppendable", {"Key": key}) from error
        except WrongPosition as error:
            shown = {"x-oss-next-append-position": str(error.size)}
            raise Refusal("PositionNotEqualToLength", {"Key": key}, headers=shown) from error
    return Answer(
        headers={
            "ETag": quoted(stored.etag),
            "x-oss-next-append-position": str(stored.size),
            "x-oss-hash-crc64ecma": str(stored.crc64),
            **headers.encryption(stored.headers),
            **versions.version_header(context, stored),
        }
    )


def _position(context: Context) -> int:
    parameters = context.request.parameters
    if "position" not in parameters:
        raise invalid_argument("position", "", "The position parameter is missing.", "0016-00000501")
    if not parameters["position"]:
        raise invalid_argument("position", "", "The position must be a number of bytes.")
    return context.request.number("position", 0, 0, MAX_PART_SIZE)


def _longer(context: Context, stored: StoredObject, blob: Blob) -> StoredObject:
    """The object with the blob added. Its ETag is no MD5 of the content (OSS manual: "AppendObject")."""
    size = stored.size + blob.size
    if size > MAX_PART_SIZE:
        raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(MAX_PART_SIZE), "ProposedSize": str(size)})
    etag = hashlib.md5(f"{stored.etag}{blob.etag}{size}".encode(), usedforsecurity=False).hexdigest().upper()
    crc = combine(stored.crc64, blob.crc64, blob.size)
    return replace(stored, size=size, etag=etag, crc64=crc, modified=context.milliseconds)
