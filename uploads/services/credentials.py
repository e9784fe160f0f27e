"""Temporary credentials for a browser: valid for one upload, or for the caller's own prefix, and for nothing else.

Rule: the session policy names all that they allow; the rest is denied, whatever the role allows. They are cached until
a third of their lifetime is left, and never logged. Manual: AssumeRole.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.connection import oss_clock, oss_offset
from uploads.domain.completion import wrong_state
from uploads.domain.errors import NotOffered
from uploads.domain.keys import own_prefix
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.domain.states import State
from uploads.models import Method, PrefixCredentials, Upload, User
from uploads.oss.signing import Credentials
from uploads.oss.sts import TemporaryCredentials
from uploads.services import destination_rules
from uploads.services.activity import record_activity
from uploads.services.assumed_role import CLOCK_TOLERANCE, Scope, assumed_role, forget, forget_old
from uploads.services.common import require, storage_errors
from uploads.services.session_policies import issues_for_prefix, prefix_policy, upload_policy


@dataclass(frozen=True, slots=True)
class ScopedCredentials:
    """What a browser signs with: for `key` and `upload_id`, or for everything under `prefix`.

    `traffic_limit`: bit/s that the client should request with each part; None: no limit.
    """

    credentials: Credentials = field(repr=False)
    expires_at: datetime
    place: Place
    key: str = ""
    upload_id: str = ""
    prefix: str = ""
    traffic_limit: int | None = None

    @property
    def bucket(self) -> str:
        """The name of the bucket at OSS."""
        return self.place.bucket


def issue_credentials(upload: Upload, user: User) -> ScopedCredentials:
    """Credentials for the parts of this upload.

    They are valid for nothing else; but where the destination issues credentials for prefixes, its owner's uploads
    share those for the owner's prefix, so that STS is asked once for all of them. Raises NotOffered if the destination
    or the site issues none, Forbidden without the destination's permission, WrongState after the upload's end.
    """
    require(upload, State.UPLOADING)
    destination = destination_rules.current_destination(upload)
    destination_rules.permit(destination, user)
    _require_offer(destination, bool(destination.credentials))
    if upload.method != Method.MULTIPART:
        raise NotOffered(Phrase("This file is sent in one request: request a signature for part 1 instead."))
    record_activity(upload, timezone.now())
    place = settings.place_of(upload)
    if prefix := _shared_prefix(upload, destination, user):
        _record(upload, timezone.now() + timedelta(seconds=destination.credentials_expires) + CLOCK_TOLERANCE)
        issued = _for_prefix(user, destination, prefix)
    else:
        text = upload_policy(upload.bucket, upload.key, upload.transfer_options, place.region)
        scope = Scope(place, _slot(upload), text, destination.credentials_expires, partial(_record, upload))
        issued = assumed_role(user, scope)
    return ScopedCredentials(
        issued.credentials,
        issued.expires_at,
        place,
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
    issued = _for_prefix(user, destination, prefix)
    return ScopedCredentials(
        issued.credentials,
        issued.expires_at,
        settings.place(destination.bucket),
        prefix=prefix,
        traffic_limit=destination.traffic_limit,
    )


def prefix_of(destination: Destination, user: User) -> str:
    """The user's own prefix, if credentials are issued for it. Raises NotOffered."""
    _require_offer(destination, issues_for_prefix(destination))
    prefix = own_prefix(destination.key, user.pk, destination_rules.KeyValues(user).of(destination))
    if prefix is None:
        raise NotOffered(
            Phrase("The destination {name!r} has no separate prefix for each user.", name=destination.name)
        )
    return prefix


def forget_credentials(upload: Upload) -> None:
    """Drop what is cached for an upload that has ended. Its owner's other uploads may share what is for a prefix."""
    forget(_slot(upload))


def renew_refused(upload: Upload, user: User) -> None:
    """OSS refused what the browser had for this upload: get other credentials, so that they sign the next URLs.

    The server's own ones are renewed if they are temporary, and issued ones are dropped from the cache unless they are
    new. Both are limited, so that nobody makes the server call STS for each request.
    """
    place = settings.place_of(upload)
    now, provider = oss_clock(place).now(), place.credentials
    with storage_errors():
        held = provider.credentials(now)
    if held.security_token:
        provider.renew(held, now)
    forget_old(_slot(upload), now)
    forget_old(_prefix_slot(user, upload.destination), now)


def _shared_prefix(upload: Upload, destination: Destination, user: User) -> str:
    """The prefix whose credentials this upload shares with the owner's others; "" where it has its own."""
    if not issues_for_prefix(destination) or upload.owner_id != user.pk:
        return ""
    prefix = own_prefix(destination.key, user.pk, destination_rules.KeyValues(user).of(destination)) or ""
    bucket = settings.place(destination.bucket).bucket
    return prefix if upload.key.startswith(prefix) and upload.bucket == bucket else ""


def _for_prefix(user: User, destination: Destination, prefix: str) -> TemporaryCredentials:
    granted = PrefixCredentials.objects.in_use(settings.place(destination.bucket).bucket, prefix)
    if not granted.filter(destination=destination.name).exists():
        # The user was erased since these were issued, maybe by a process with another cache.
        forget(_prefix_slot(user, destination.name))
    return assumed_role(user, _prefix_scope(user, destination, prefix))


def _prefix_scope(user: User, destination: Destination, prefix: str) -> Scope:
    place = settings.place(destination.bucket)

    def record(until: datetime) -> None:
        offset = oss_offset(place)
        times = until + offset, timezone.now() + offset
        PrefixCredentials.objects.extend(user, destination.name, place.bucket, prefix, *times)

    text = prefix_policy(destination, place.bucket, prefix, place.region)
    return Scope(place, _prefix_slot(user, destination.name), text, destination.credentials_expires, record)


def _record(upload: Upload, until: datetime) -> None:
    # Compare and set: an upload that ends now either refuses here, or the sweep finds the expiry on its row.
    if not Upload.objects.filter(pk=upload.pk, state=State.UPLOADING).update(credentials_until=until):
        upload.refresh_from_db()
        raise wrong_state(State(upload.state))


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


def _prefix_slot(user: User, destination: str) -> str:
    return f"prefix:{destination}:{user.pk}"
