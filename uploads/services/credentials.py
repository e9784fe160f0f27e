"""Temporary credentials for a browser: valid for one upload, or for the caller's own prefix, and for nothing else.

Rule: the session policy names all that they allow; the rest is denied, whatever the role allows. They are cached until
a third of their lifetime is left, and never logged. Manual: AssumeRole.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_clock
from uploads.domain.destination import ISSUES_FOR_PREFIX
from uploads.domain.errors import Forbidden, NotOffered
from uploads.domain.keys import own_prefix
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Method, PrefixCredentials, Upload, User
from uploads.oss import policy, sts
from uploads.oss.client import assume_role
from uploads.oss.signing import Credentials
from uploads.services import destination_rules
from uploads.services.activity import record_activity
from uploads.services.common import require, storage_errors
from uploads.services.transactions import require_no_transaction

ONE_UPLOAD = ("oss:PutObject",)
"""RAM authorizes UploadPart as PutObject. Only the server completes and aborts."""
OWN_PREFIX = ("oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload", "oss:GetObject")
"""For clients that begin, resume and abort uploads by themselves. RAM authorizes HeadObject as GetObject."""
TAGS = ("oss:PutObjectTagging",)
"""OSS requires it beside oss:PutObject for the header x-oss-tagging. Manual, "PutObject", "Permissions"."""
LIST = ("oss:ListObjects",)
"""A right on the bucket, which the condition oss:Prefix limits. Manual, "ListObjectsV2"."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.@_-]")


@dataclass(frozen=True, slots=True)
class ScopedCredentials:
    """What a browser signs with: for `key` and `upload_id`, or for everything under `prefix`.

    `traffic_limit`: bit/s that the client should request with each part; None: no limit.
    """

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    bucket: str
    key: str = ""
    upload_id: str = ""
    prefix: str = ""
    traffic_limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is asked of STS: `slot` names the cache entry, `record` notes the latest expiry before STS is asked."""

    slot: str
    policy: str
    record: Callable[[datetime], None]


def issue_credentials(upload: Upload, user: User) -> ScopedCredentials:
    """Credentials for the parts of this upload.

    Raises NotOffered if the destination or the site issues none, Forbidden without the destination's permission,
    WrongState after the upload's end.
    """
    require(upload, State.UPLOADING)
    destination = destination_rules.current_destination(upload)
    destination_rules.permit(destination, user)
    _require_offer(destination, bool(destination.credentials))
    if upload.method != Method.MULTIPART:
        raise NotOffered(Phrase("This file is sent in one request: request a signature for part 1 instead."))
    record_activity(upload, timezone.now())

    def record(until: datetime) -> None:
        # Compare and set: an upload that ends now either refuses here, or the sweep finds the expiry on its row.
        if not Upload.objects.filter(pk=upload.pk, state=State.UPLOADING).update(credentials_until=until):
            upload.refresh_from_db()
            require(upload, State.UPLOADING)

    text = policy.document([policy.allow(ONE_UPLOAD, [policy.object_resource(upload.bucket, upload.key)])])
    credentials, end = _assume_role(destination, user, _Scope(_slot(upload), text, record))
    return ScopedCredentials(
        credentials,
        end,
        upload.bucket,
        key=upload.key,
        upload_id=upload.upload_id,
        traffic_limit=upload.options.get("traffic_limit"),
    )


def issue_prefix_credentials(user: User, name: str) -> ScopedCredentials:
    """Credentials for everything under the caller's own prefix of a destination.

    Raises InvalidUpload, Forbidden, and NotOffered if the destination issues none, has no such prefix, or the site has
    no role.
    """
    destination = destination_rules.get_destination(name)
    destination_rules.permit(destination, user)
    prefix = prefix_of(destination, user)
    bucket = settings.bucket_of(destination)

    def record(until: datetime) -> None:
        PrefixCredentials.objects.extend(user, destination.name, bucket, prefix, until)

    text = prefix_policy(destination, bucket, prefix)
    scope = _Scope(f"prefix:{destination.name}:{user.pk}", text, record)
    if not PrefixCredentials.objects.in_use(bucket, prefix).filter(owner_id=user.pk, destination=name).exists():
        # The user was erased since these were issued, maybe by a process with another cache.
        cache.delete(_cache_key(scope.slot))
    credentials, end = _assume_role(destination, user, scope)
    return ScopedCredentials(credentials, end, bucket, prefix=prefix, traffic_limit=destination.traffic_limit)


def prefix_of(destination: Destination, user: User) -> str:
    """The user's own prefix, if credentials are issued for it. Raises NotOffered."""
    _require_offer(destination, destination.credentials == ISSUES_FOR_PREFIX and not destination.stage)
    prefix = own_prefix(destination.key, user.pk)
    if prefix is None:
        raise NotOffered(
            Phrase("The destination {name!r} has no separate prefix for each user.", name=destination.name)
        )
    return prefix


def prefix_policy(destination: Destination, bucket: str, prefix: str) -> str:
    """The session policy for one prefix. Tags are allowed where the destination lets the client set them."""
    actions = OWN_PREFIX + (TAGS if "tagging" in destination.client_options else ())
    return policy.document(
        [
            policy.allow(actions, [policy.object_resource(bucket, prefix) + "*"]),
            policy.allow(LIST, [policy.bucket_resource(bucket)], {"StringLike": {"oss:Prefix": [f"{prefix}*"]}}),
        ]
    )


def forget_credentials(upload: Upload) -> None:
    """Drop what is cached for an upload that has ended."""
    cache.delete(_cache_key(_slot(upload)))


def _require_offer(destination: Destination, offered: bool) -> None:
    if not offered:
        raise NotOffered(
            Phrase(
                "The destination {name!r} does not issue such temporary credentials: request signatures for the parts.",
                name=destination.name,
            )
        )


def _slot(upload: Upload) -> str:
    return f"upload:{upload.pk}"


def _cache_key(slot: str) -> str:
    return f"uploads:sts:{hashlib.sha256(slot.encode()).hexdigest()}"


def _assume_role(destination: Destination, user: User, scope: _Scope) -> tuple[Credentials, datetime]:
    """From the cache while more than a third of their lifetime is left, otherwise from STS.

    Cached credentials are bound to the user's password, as sessions are: after a change of it they are not returned.
    """
    role = settings.sts_role_arn
    if not role:
        raise NotOffered(
            Phrase("Temporary credentials are not configured on this site: request signatures for the parts.")
        )
    if len(scope.policy) > sts.MAX_POLICY_CHARACTERS:
        raise NotOffered(Phrase("The key is too long for the policy of temporary credentials."))
    life = timedelta(seconds=destination.credentials_expires)
    bound = [role, scope.policy, _login_of(user)]
    known: dict[str, Any] | None = cache.get(_cache_key(scope.slot))
    if known and known["bound"] == bound and known["end"] - oss_clock().now() > life / 3:
        return Credentials(*known["credentials"]), known["end"]
    require_no_transaction()
    scope.record(timezone.now() + life + CLOCK_TOLERANCE)
    request = sts.AssumeRole(role, session_name(user), destination.credentials_expires, scope.policy)
    with storage_errors():
        issued = assume_role(settings.sts_endpoint, settings.credentials, request, clock=oss_clock())
    credentials, end = issued.credentials, issued.expires_at
    kept = (credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    entry = {"credentials": kept, "end": end, "bound": bound}
    cache.set(_cache_key(scope.slot), entry, destination.credentials_expires * 2 // 3)
    return credentials, end


CLOCK_TOLERANCE = timedelta(minutes=5)
"""Added to the recorded expiry: STS counts from its own clock, and its answer takes time."""


def _login_of(user: User) -> str:
    """A text that changes with the user's password. Raises Forbidden for somebody who is not logged in."""
    if isinstance(user, AnonymousUser):
        raise Forbidden(Phrase("Temporary credentials are issued to logged-in users only."))
    return user.get_session_auth_hash()


def session_name(user: User) -> str:
    """The user's name in OSS's logs: 2 to 64 of the characters that STS accepts."""
    return f"{user.pk}-{_NOT_IN_A_NAME.sub('_', user.get_username())}"[:64]
