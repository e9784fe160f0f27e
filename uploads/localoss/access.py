"""What an identity may do. Owners everything, lent keys what their policies say, strangers what the ACLs say.

Rule: judged before the operation runs, from its route, the bucket's ACL and the object's.
"""

from typing import Literal

from uploads.localoss.auth import Identity
from uploads.localoss.errors import Refusal
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket

Public = Literal["read", "write"] | None
"""What an ACL must grant to strangers; None: nothing lets them in."""

READABLE = ("public-read", "public-read-write")
WRITABLE = ("public-read-write",)
PUT, TAGGING = "oss:PutObject", "x-oss-tagging"


def permit(
    identity: Identity, action: str, public: Public, bucket: Bucket | None, request: Request, store: Store
) -> None:
    """Returns, or refuses with AccessDenied. `action` and `public` as the operation's route has them."""
    if identity.anonymous:
        permit_stranger(public, bucket, request.key, store)
    else:
        _require(identity, action, request)


def permit_stranger(public: Public, bucket: Bucket | None, key: str, store: Store) -> None:
    """An object's ACL counts before its bucket's."""
    if bucket is None or public is None:
        raise Refusal("AccessDenied", message="Anonymous user has no right to access this bucket.", ec="0003-00000905")
    allowed = READABLE if public == "read" else WRITABLE
    stored = store.objects.get(bucket.name, key) if key else None
    if stored is not None and stored.acl != "default":
        if stored.acl not in allowed:
            raise Refusal("AccessDenied", ec="0003-00000005")
    elif bucket.acl not in allowed:
        message = "You have no right to access this object because of bucket acl."
        raise Refusal("AccessDenied", message=message, ec="0003-00000001")


def _require(identity: Identity, action: str, request: Request) -> None:
    """An operation whose action is empty judges each key by itself; tags that come with a PUT are a right of their
    own."""
    if action:
        identity.require(action, request.bucket, request.key)
    if action == PUT and request.headers.get(TAGGING):
        identity.require("oss:PutObjectTagging", request.bucket, request.key)
