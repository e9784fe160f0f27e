"""Checks of the site's access key, and of the RAM role for temporary credentials."""

import uuid
from collections.abc import Callable, Iterator

from uploads.conf import settings
from uploads.connection import oss_client, oss_clock
from uploads.domain.errors import advice
from uploads.domain.places import Place
from uploads.operations.doctor.finding import ROLE_POLICY, Finding, failed
from uploads.operations.doctor.trial import CURES
from uploads.oss import sts
from uploads.oss.client import OssClient, assume_role
from uploads.oss.errors import CredentialsUnavailable, NotFound, OssError, StorageError
from uploads.oss.providers import RenewedCredentials

SOURCE_CURES = {
    "ecs_ram_role": (
        "Attach a RAM role to the ECS instance, and check that the site reaches http://100.100.100.200 without a proxy."
    ),
    "oidc_role_arn": (
        "Check ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN, that the token file can be read, and that "
        "the role's trust policy names the OIDC provider and the service account."
    ),
    "credentials_uri": "Check ALIBABA_CLOUD_CREDENTIALS_URI, and that its server answers this machine.",
    "profile": "Check the profile's file, ALIBABA_CLOUD_CREDENTIALS_FILE, and the profile's name.",
    "default": "Name one of the types in CREDENTIALS instead of default; its own message tells more.",
}
"""Type of credentials → what to do when it gives none."""
FUNCTION_CURE = "Correct the function that CREDENTIALS names; the log has its traceback."
RENEW = (
    "Set OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and OSS_SESSION_TOKEN to new temporary credentials, and "
    "OSS_SESSION_EXPIRES to their end."
)


def check_credentials(place: Place) -> Finding:
    """That OSS accepts a signature: with a valid one it may still answer NoSuchBucket or AccessDenied."""
    try:
        now = oss_clock(place).now()
        end = place.credentials.credentials(now).expires_at
        if end is not None and end <= now:
            text = f"expired at {end.isoformat()}: nothing is signed any more"
            return Finding("FAIL", "credentials", text, RENEW)
        oss_client(place).bucket_region(place.bucket)
    except OssError as error:
        if "region" in error.message.lower():
            cure = "Set OSS_REGION to the region's id, such as cn-hangzhou, and OSS_ENDPOINT to the same region's."
            return Finding("FAIL", "region", f"{error.message} ({place.region})", cure)
        if error.code == "RequestTimeTooSkewed":
            return Finding("FAIL", "clock", "differs from OSS's by more than 24 hours", advice(error))
        if error.code in ("SecurityTokenExpired", "InvalidSecurityToken"):
            return failed("credentials", error, _cure_of_source(place))
        if error.code in CURES:
            return failed("endpoint", error, CURES[error.code])
        if error.code not in ("NoSuchBucket", "AccessDenied"):
            return failed("credentials", error)
    except CredentialsUnavailable as error:
        return Finding("FAIL", "credentials", error.message, SOURCE_CURES.get(error.source, FUNCTION_CURE))
    except StorageError as error:
        cure = "Check OSS_ENDPOINT (and OSS_INTERNAL_ENDPOINT), and the network: DNS, proxy, firewall."
        return Finding("FAIL", "endpoint", f"{place.internal_endpoint.url}: {error.message}", cure)
    until = f"; they expire at {end:%Y-%m-%d %H:%M} UTC" if end else ""
    return Finding("ok", "credentials", f"OSS accepts them{until}")


def _cure_of_source(place: Place) -> str:
    """What to do about temporary credentials that have expired, or that OSS does not know."""
    provider = place.credentials
    return SOURCE_CURES.get(provider.name, FUNCTION_CURE) if isinstance(provider, RenewedCredentials) else RENEW


def check_role(place: Place) -> Iterator[Finding]:
    """That the policy of the role allows no more than uploads need. The trials have assumed it before."""
    role = place.role
    if not any(each.credentials for each in settings.destinations.values()):
        yield Finding("ok", "STS", "not used: no destination issues temporary credentials")
        return
    if not role:
        text = "not configured: a destination has credentials, but none are issued"
        yield Finding("warn", "STS", text, "Set OSS_STS_ROLE_ARN, or remove credentials from the destinations.")
        return
    try:
        request = sts.AssumeRole(role, "doctor", sts.MIN_DURATION_SECONDS)
        issued = assume_role(place.sts_endpoint, place.credentials, request, clock=oss_clock(place))
    except StorageError as error:
        yield failed("STS role", error)
        return
    client = OssClient(place.internal_endpoint, place.region, issued.credentials, clock=oss_clock(place))
    try:
        allowed = [action for action, attempt in _unneeded(client, place.bucket) if not _is_denied(attempt)]
    finally:
        client.close()
    if allowed:
        text = f"the role may also {', '.join(allowed)}; session policies narrow each session only"
        yield Finding("warn", "STS policy", text, ROLE_POLICY.format(role=role))
    else:
        yield Finding("ok", "STS policy", "allows no more than uploads need")


def _unneeded(client: OssClient, bucket: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Actions that no browser needs, each with an attempt on an object that does not exist."""
    key = f"doctor/{uuid.uuid4().hex}"
    yield "list the bucket", lambda: next(client.list_objects(bucket, key, "/"))
    yield "read objects", lambda: client.head(bucket, key)
    yield "delete objects", lambda: client.delete_object(bucket, key)
    yield "read the bucket's rules", lambda: client.get_cors(bucket)


def _is_denied(attempt: Callable[[], object]) -> bool:
    """Whether OSS does not do it. What it does not find, it would have done."""
    try:
        attempt()
    except NotFound:
        return False
    except StorageError:
        return True
    return False
