"""Credentials lent to a browser: good for one upload, or for the caller's own prefix, and for nothing else.

Rule: the session policy says all that they may do; what it does not name is denied, whatever the role may. They are
kept in the cache until a third of their life is left, and never logged.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from uploads.conf import Destination, settings
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
"""UploadPart is a PutObject to RAM. Completing and aborting are the server's."""
OWN_PREFIX = ("oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload")
"""For clients that begin, take up and give up uploads by themselves."""
MAX_POLICY_LETTERS = 2048
_NO_NAME = re.compile(r"[^A-Za-z0-9.@_-]")


@dataclass(frozen=True, slots=True)
class ScopedCredentials:
    """What a browser signs with. `key` and `upload_id` for one upload, `prefix` for a client of its own."""

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    bucket: str
    key: str = ""
    upload_id: str = ""
    prefix: str = ""


def issue_credentials(upload: Upload, user: User) -> ScopedCredentials:
    """For the parts of this upload. Raises NotOffered where the site has no role, WrongState past the end."""
    require(upload, State.UPLOADING)
    if upload.method != Method.MULTIPART:
        raise NotOffered(Phrase("A file of one part goes with one signed request: ask for its part 1 to be signed."))
    place = settings.destinations.get(upload.destination) or Destination(upload.destination)
    resource = policy.object_resource(upload.bucket, upload.key)
    credentials, end = _borrowed(f"upload:{upload.pk}", place, user, ONE_UPLOAD, resource)
    return ScopedCredentials(credentials, end, upload.bucket, key=upload.key, upload_id=upload.upload_id)


def issue_prefix_credentials(user: User, destination: str) -> ScopedCredentials:
    """For everything under the caller's own prefix of a destination."""
    place = destination_rules.destination(destination)
    destination_rules.permit(place, user)
    prefix = own_prefix(place.key, user.pk)
    if prefix is None:
        raise NotOffered(Phrase("The destination {name!r} has no prefix that is one user's alone.", name=place.name))
    bucket = settings.bucket_of(place)
    resource = policy.object_resource(bucket, prefix) + "*"
    credentials, end = _borrowed(f"prefix:{place.name}:{user.pk}", place, user, OWN_PREFIX, resource)
    return ScopedCredentials(credentials, end, bucket, prefix=prefix)


def _borrowed(
    name: str, place: Destination, user: User, actions: tuple[str, ...], resource: str
) -> tuple[Credentials, datetime]:
    """From the cache while more than a third of their life is left, else from STS."""
    role = settings.sts_role_arn
    if not role:
        raise NotOffered(Phrase("This site lends no credentials: have the parts signed instead."))
    life = timedelta(seconds=place.credentials_expires)
    slot = f"uploads:sts:{role}:{name}"
    known: dict[str, Any] | None = cache.get(slot)
    if known and known["resource"] == resource and known["end"] - timezone.now() > life / 3:
        return Credentials(*known["credentials"]), known["end"]
    text = policy.document([policy.allow(actions, [resource])])
    asked = sts.AssumeRole(role, session_name(user), place.credentials_expires, text)
    with storage_errors():
        lent = assume_role(settings.sts_endpoint, settings.credentials, asked)
    mine, end = lent.credentials, lent.expires_at
    kept = (mine.access_key_id, mine.access_key_secret, mine.security_token)
    cache.set(slot, {"credentials": kept, "end": end, "resource": resource}, place.credentials_expires * 2 // 3)
    return mine, end


def session_name(user: User) -> str:
    """Who it is, as OSS's own logs will show: 2 to 64 letters of those that STS takes."""
    return f"{user.pk}-{_NO_NAME.sub('_', user.get_username())}"[:64]
