"""Checks of a bucket's own settings: those under which uploads work at first, and fail or stay wrong later."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from uploads.domain.destination import Destination
from uploads.domain.places import Place
from uploads.operations.doctor.finding import Finding
from uploads.oss.bucket_info import BucketInfo
from uploads.oss.client import OssClient
from uploads.oss.errors import OssError, StorageError

Result = TypeVar("Result")
UNREADABLE = "Grant {action} to the site's key, if OSS offers it here; manage.py ram_policy prints the whole policy."


def check_settings(
    client: OssClient, place: Place, destinations: Sequence[Destination], info: BucketInfo
) -> Iterator[Finding]:
    """Public access, versioning, retention and who pays. A setting that cannot be read is a warning."""
    yield from _public_access(place, destinations, info)
    yield from _versioning(place, destinations, info)
    yield from _retention(client, place)
    yield from _payment(client, place)


def _public_access(place: Place, destinations: Sequence[Destination], info: BucketInfo) -> Iterator[Finding]:
    public = [each.name for each in destinations if each.acl.startswith("public")]
    if info.blocks_public_access and public:
        yield Finding(
            "FAIL",
            f"public access of {place}",
            f"Block Public Access is on, so OSS refuses the public ACL of: {', '.join(public)}",
            "Disable Block Public Access of the bucket, or set acl of these destinations to private.",
        )


def _versioning(place: Place, destinations: Sequence[Destination], info: BucketInfo) -> Iterator[Finding]:
    """Manual, "PutObject": x-oss-forbid-overwrite has no effect where versioning is enabled or suspended."""
    if not info.versioning:
        return
    ignored = [each.name for each in destinations if each.forbid_overwrite]
    text = f"is {info.versioning.lower()}: objects that are deleted stay as previous versions"
    if ignored:
        text += f", and OSS ignores forbid_overwrite of: {', '.join(ignored)}"
    cure = "Use a bucket that never had versioning, or let a lifecycle rule delete previous versions."
    yield Finding("warn", f"versioning of {place}", text, cure)


def _retention(client: OssClient, place: Place) -> Iterator[Finding]:
    """Manual, "Retention policies": while one is in force, nobody can delete or replace an object."""
    name = f"retention of {place}"
    policy = yield from _read(name, "oss:GetBucketWorm", lambda: client.retention(place.bucket))
    if policy is not None and policy.state != "Expired":
        text = (
            f"a retention policy of {policy.days} days is in force ({policy.state}): the server cannot remove staged, "
            "rejected, aborted and deleted files"
        )
        cure = "Abort the retention policy while it is not locked (AbortBucketWorm), or name another bucket."
        yield Finding("FAIL", name, text, cure)


def _payment(client: OssClient, place: Place) -> Iterator[Finding]:
    """Manual, "Pay-by-requester": unsigned requests are refused, and those of other accounts must say that they pay."""
    name = f"payment of {place}"
    payer = yield from _read(name, "oss:GetBucketRequestPayment", lambda: client.request_payer(place.bucket))
    if payer == "Requester":
        text = "requesters pay: OSS refuses unsigned reads, and requests of other accounts that do not say so"
        yield Finding("FAIL", name, text, "Set the payer of the bucket to BucketOwner (PutBucketRequestPayment).")


def _read(name: str, action: str, read: Callable[[], Result]) -> Generator[Finding, None, Result | None]:
    """What `read` returns; a warning and None if it cannot be read."""
    try:
        return read()
    except StorageError as error:
        code = f" ({error.code})" if isinstance(error, OssError) else ""
        text = f"cannot be checked: {error.message.rstrip('.')}{code}"
        yield Finding("warn", name, text, UNREADABLE.format(action=action))
        return None
