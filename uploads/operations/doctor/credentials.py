"""Checks of the site's access key, and of the RAM role for temporary credentials."""

import uuid
from collections.abc import Callable, Iterator

from uploads.conf import settings
from uploads.connection import oss_client, oss_clock
from uploads.domain.errors import advice
from uploads.operations.doctor.finding import Finding, failed
from uploads.oss import sts
from uploads.oss.client import OssClient, assume_role
from uploads.oss.errors import Denied, OssError, StorageError

SESSION_SECONDS = 900
"""The shortest session that STS issues."""


def check_credentials() -> Finding:
    """That OSS accepts a signature: with a valid one it may still answer NoSuchBucket or AccessDenied."""
    try:
        oss_client().bucket_region(settings.bucket)
    except OssError as error:
        if "region" in error.message.lower():
            cure = "Set OSS_REGION to the region's id, such as cn-hangzhou, and OSS_ENDPOINT to the same region's."
            return Finding("FAIL", "region", f"{error.message} ({settings.region})", cure)
        if error.code == "RequestTimeTooSkewed":
            return Finding("FAIL", "clock", "differs from OSS's by more than 24 hours", advice(error))
        if error.code not in ("NoSuchBucket", "AccessDenied"):
            return failed("credentials", error)
    except StorageError as error:
        cure = "Check OSS_ENDPOINT (and OSS_INTERNAL_ENDPOINT), and the network: DNS, proxy, firewall."
        return Finding("FAIL", "endpoint", f"{settings.internal_endpoint.url}: {error.message}", cure)
    return Finding("ok", "credentials", "OSS accepts them")


def check_role() -> Iterator[Finding]:
    """That the role can be assumed, and that its policy allows no more than uploads need."""
    role = settings.sts_role_arn
    if not role:
        yield Finding("ok", "STS", "not configured: no temporary credentials are issued")
        return
    try:
        request = sts.AssumeRole(role, "doctor", SESSION_SECONDS)
        issued = assume_role(settings.sts_endpoint, settings.credentials, request, clock=oss_clock())
    except StorageError as error:
        yield failed("STS role", error)
        return
    yield Finding("ok", "STS role", "can be assumed")
    client = OssClient(settings.internal_endpoint, settings.region, issued.credentials, clock=oss_clock())
    try:
        allowed = [action for action, attempt in _unneeded(client) if not _is_denied(attempt)]
    finally:
        client.close()
    if allowed:
        cure = (
            "Give the role a policy with oss:PutObject, oss:ListParts and oss:AbortMultipartUpload on the "
            "destinations' prefixes only; where credentials are issued for prefixes, also oss:GetObject there, and "
            "oss:ListObjects with the condition oss:Prefix. A session policy narrows each session, but the role is the "
            "outer limit."
        )
        yield Finding("warn", "STS policy", f"the role may also {', '.join(allowed)}", cure)
    else:
        yield Finding("ok", "STS policy", "allows no more than uploads need")


def _unneeded(client: OssClient) -> Iterator[tuple[str, Callable[[], object]]]:
    """Actions that no browser needs, each with an attempt on an object that does not exist."""
    bucket, key = settings.bucket, f"doctor/{uuid.uuid4().hex}"
    yield "list the bucket", lambda: next(client.list_objects(bucket, key, "/"))
    yield "read objects", lambda: client.head(bucket, key)
    yield "delete objects", lambda: client.delete_object(bucket, key)
    yield "read the bucket's rules", lambda: client.get_cors(bucket)


def _is_denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Denied:
        return True
    except StorageError:
        return False
    return False
