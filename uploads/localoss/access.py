"""Authorization: long-term keys may do everything, temporary keys what their policies allow, anonymous requests what
the ACLs grant (OSS manual: "Bucket ACL", "Object ACL", "RAM Policy").

Rule: decided before the operation runs, from its route, the bucket's ACL and the object's ACL.
"""

from typing import Literal

from uploads.localoss.auth import Identity
from uploads.localoss.errors import Refusal
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket

Public = Literal["read", "write"] | None
"""The access that an ACL must grant to anonymous requests. None: no ACL allows the operation to them."""

READABLE = ("public-read", "public-read-write")
WRITABLE = ("public-read-write",)
PAYER = "x-oss-request-payer"
PUT, TAGGING = "oss:PutObject", "x-oss-tagging"


def permit(
    identity: Identity, action: str, public: Public, bucket: Bucket | None, request: Request, store: Store
) -> None:
    """Refusal (AccessDenied) unless allowed. `action` and `public` are those of the operation's route."""
    if identity.anonymous:
        permit_anonymous(public, bucket, request.key, store)
    else:
        _require(identity, action, request)
        if bucket is not None:
            _require_payer(identity, bucket, request)


def permit_anonymous(public: Public, bucket: Bucket | None, key: str, store: Store) -> None:
    """Refusal (AccessDenied) unless the ACL grants it. An object's own ACL takes precedence over its bucket's (OSS
    manual: "Object ACL"). Block Public Access makes both private (OSS manual: "0003-00000001"), and a bucket whose
    requesters pay has none for anonymous requests (OSS manual: "PutBucketRequestPayment"). An empty `key` means the
    bucket.
    """
    if bucket is None or public is None or bucket.settings.payer == "Requester":
        raise Refusal("AccessDenied", message="Anonymous user has no right to access this bucket.", ec="0003-00000905")
    blocked = bucket.settings.block_public_access or store.account.block_public_access
    allowed = () if blocked else READABLE if public == "read" else WRITABLE
    stored = store.objects.get(bucket.name, key) if key else None
    if stored is not None and stored.acl != "default":
        if stored.acl not in allowed:
            raise Refusal("AccessDenied", ec="0003-00000005")
    elif bucket.acl not in allowed:
        message = "You have no right to access this object because of bucket acl."
        raise Refusal("AccessDenied", message=message, ec="0003-00000001")


def _require(identity: Identity, action: str, request: Request) -> None:
    """Check the policies. An operation with an empty action checks each key itself. Tags sent with PutObject need
    oss:PutObjectTagging too (OSS manual: "PutObject")."""
    if action:
        identity.require(action, request.bucket, request.key)
    if action == PUT and request.headers.get(TAGGING):
        identity.require("oss:PutObjectTagging", request.bucket, request.key)


def _require_payer(identity: Identity, bucket: Bucket, request: Request) -> None:
    """Refusal (AccessDenied) if another account does not say that it pays (OSS manual: "0003-00000702"; the message is
    not published). The owner's requests need not say it."""
    if bucket.settings.payer != "Requester" or identity.key is None or not identity.key.foreign:
        return
    if request.headers.get(PAYER, request.parameters.get(PAYER)) != "requester":
        raise Refusal("AccessDenied", message="The bucket's requesters pay.", ec="0003-00000702")
