"""Temporary credentials for a browser: valid for one upload, or for the caller's own prefix, and for nothing else.

Rule: the session policy names all that they allow; the rest is denied, whatever the role allows. They are cached until
a third of their lifetime is left, and never logged. Manual: AssumeRole.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache

from uploads.conf import Destination, settings
from uploads.connection import oss_clock
from uploads.domain.errors import NotOffered
from uploads.domain.keys import own_prefix
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Method, Upload, User
from uploads.oss import policy, sts
from uploads.oss.client import assume_role
from uploads.oss.signing import Credentials
from uploads.services import destination_rules as destination_rules
from uploads.services.common import require, storage_errors

ONE_UPLOAD = ("oss:PutObject",)
"""RAM authorizes UploadPart as PutObject. Only the server completes and aborts."""
OWN_PREFIX = ("oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload")
"""For clients that begin, resume and abort uploads by themselves."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.@_-]")


@dataclass(frozen=True, slots=True)
class ScopedCredentials:
    """What a browser signs with: for `key` and `upload_id`, or for everything under `prefix`."""

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    bucket: str
    key: str = ""
    upload_id: str = ""
    prefix: str = ""


def issue_credentials(upload: Upload, user: User) -> ScopedCredentials:
    """Credentials for the parts of this upload. Raises NotOffered if the site has no role, WrongState after its end."""
    require(upload, State.UPLOADING)
    if upload.method != Method.MULTIPART:
        raise NotOffered(Phrase("This file is sent in one request: request a signature for part 1 instead."))
    destination = settings.destinations.get(upload.destination) or Destination(upload.destination)
    resource = policy.object_resource(upload.bucket, upload.key)
    credentials, end = _assume_role(f"upload:{upload.pk}", destination, user, ONE_UPLOAD, resource)
    return ScopedCredentials(credentials, end, upload.bucket, key=upload.key, upload_id=upload.upload_id)


def issue_prefix_credentials(user: User, name: str) -> ScopedCredentials:
    """Credentials for everything under the caller's own prefix of a destination.

    Raises InvalidUpload, Forbidden, and NotOffered if the destination has no such prefix or the site has no role.
    """
    destination = destination_rules.get_destination(name)
    destination_rules.permit(destination, user)
    prefix = own_prefix(destination.key, user.pk)
    if prefix is None:
        raise NotOffered(
            Phrase("The destination {name!r} has no separate prefix for each user.", name=destination.name)
        )
    if destination.stage:
        prefix = f"{destination.stage_prefix}{prefix}"
    bucket = settings.bucket_of(destination)
    resource = policy.object_resource(bucket, prefix) + "*"
    credentials, end = _assume_role(f"prefix:{destination.name}:{user.pk}", destination, user, OWN_PREFIX, resource)
    return ScopedCredentials(credentials, end, bucket, prefix=prefix)


def _assume_role(
    name: str, destination: Destination, user: User, actions: tuple[str, ...], resource: str
) -> tuple[Credentials, datetime]:
    """From the cache while more than a third of their lifetime is left, otherwise from STS."""
    role = settings.sts_role_arn
    if not role:
        raise NotOffered(
            Phrase("Temporary credentials are not configured on this site: request signatures for the parts.")
        )
    life = timedelta(seconds=destination.credentials_expires)
    slot = f"uploads:sts:{role}:{name}"
    known: dict[str, Any] | None = cache.get(slot)
    if known and known["resource"] == resource and known["end"] - oss_clock().now() > life / 3:
        return Credentials(*known["credentials"]), known["end"]
    text = policy.document([policy.allow(actions, [resource])])
    request = sts.AssumeRole(role, session_name(user), destination.credentials_expires, text)
    with storage_errors():
        issued = assume_role(settings.sts_endpoint, settings.credentials, request, clock=oss_clock())
    credentials, end = issued.credentials, issued.expires_at
    kept = (credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    cache.set(slot, {"credentials": kept, "end": end, "resource": resource}, destination.credentials_expires * 2 // 3)
    return credentials, end


def session_name(user: User) -> str:
    """The user's name in OSS's logs: 2 to 64 of the characters that STS accepts."""
    return f"{user.pk}-{_NOT_IN_A_NAME.sub('_', user.get_username())}"[:64]
