"""What an identity may do. Owners everything; everybody else what the ACLs say.

Rule: judged before the operation runs, from its route, the bucket's ACL and the object's.
"""

from uploads.localoss.auth import Identity
from uploads.localoss.errors import Refusal
from uploads.localoss.routes import Route
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket

READABLE = ("public-read", "public-read-write")
WRITABLE = ("public-read-write",)


def permit(identity: Identity, route: Route, bucket: Bucket | None, key: str, store: Store) -> None:
    """Returns, or refuses with AccessDenied."""
    if not identity.anonymous:
        return
    if bucket is None or route.public is None:
        raise Refusal("AccessDenied", message="Anonymous user has no right to access this bucket.", ec="0003-00000905")
    allowed = READABLE if route.public == "read" else WRITABLE
    stored = store.objects.get(bucket.name, key) if key else None
    if stored is not None and stored.acl != "default":
        if stored.acl not in allowed:
            raise Refusal("AccessDenied", ec="0003-00000005")
    elif bucket.acl not in allowed:
        message = "You have no right to access this object because of bucket acl."
        raise Refusal("AccessDenied", message=message, ec="0003-00000001")
