"""AssumeRole for a browser: temporary credentials from the cache, or else from STS.

Rule: they are cached, encrypted, until a third of their lifetime is left, for everybody who may have the same ones: the
name of the entry says for whom. STS limits how often an account may call it, so one process asks once for each entry.

Manual, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.crypto import salted_hmac

from uploads.connection import oss_clock
from uploads.domain.errors import Forbidden, NotOffered
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place
from uploads.models import User
from uploads.oss import sts
from uploads.oss.client import assume_role
from uploads.oss.errors import naming
from uploads.oss.signing import Credentials
from uploads.oss.sts import TemporaryCredentials
from uploads.services import sealed_cache
from uploads.services.common import storage_errors
from uploads.services.transactions import require_no_transaction

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Added to the recorded expiry: STS counts from its own clock, and its answer takes time."""
NEW = timedelta(minutes=1)
"""Credentials that were issued so recently stay in the cache when somebody says that OSS refused them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked of STS: `slot` names the cache entry, `record` notes the latest expiry before STS is asked.

    `seconds` is how long the credentials shall be valid.
    """

    place: Place
    slot: str
    policy: str
    seconds: int
    record: Callable[[datetime], None]


def assumed_role(user: User, scope: Scope) -> TemporaryCredentials:
    """Credentials with their expiry, from the cache while more than a third of their lifetime is left.

    They expire no later than the server's own credentials, if those are temporary; STS issues none for less than 900
    seconds, so that this is then only their stated expiry. Cached ones are bound to the user's password, as sessions
    are: after a change of it they are not returned. Raises NotOffered without a role, Forbidden, StorageBusy and
    StorageRefused.
    """
    place = scope.place
    if not place.role:
        raise NotOffered(
            Phrase("Temporary credentials are not configured on this site: request signatures for the parts.")
        )
    if len(scope.policy) > sts.MAX_POLICY_CHARACTERS:
        raise NotOffered(Phrase("The key is too long for the policy of temporary credentials."))
    binding = (place.role, place.sts_endpoint, scope.policy, scope.seconds, login_of(user))
    bound = hashlib.sha256(repr(binding).encode()).hexdigest()
    if known := _cached(scope, bound):
        return known
    require_no_transaction()
    with _lock_of(scope.slot):
        return _cached(scope, bound) or _ask(user, scope, bound)


def forget(slot: str) -> None:
    """Drop a cache entry."""
    sealed_cache.delete(_name(slot))


def forget_old(slot: str, now: datetime) -> None:
    """Drop a cache entry that is older than a minute. `now`: the time at OSS."""
    known = sealed_cache.get(_name(slot))
    if not known or now - datetime.fromisoformat(known["issued"]) >= NEW:
        forget(slot)


def session_name(user: User) -> str:
    """The user in OSS's access logs and in ActionTrail: `user-` and the primary key.

    It holds no personal data: a key that is neither a number nor a UUID is replaced by its HMAC with SECRET_KEY. STS
    accepts 2 to 64 characters of `A-Z a-z 0-9 . @ - _`.
    """
    if isinstance(user.pk, int | UUID):
        return f"user-{user.pk}"
    return f"user-{salted_hmac('uploads.session_name', str(user.pk), algorithm='sha256').hexdigest()[:40]}"


def login_of(user: User) -> str:
    """A text that changes with the user's password. Raises Forbidden for somebody who is not logged in."""
    if isinstance(user, AnonymousUser):
        raise Forbidden(Phrase("Temporary credentials are issued to logged-in users only."))
    return user.get_session_auth_hash()


def _ask(user: User, scope: Scope, bound: str) -> TemporaryCredentials:
    place, clock = scope.place, oss_clock(scope.place)
    now = clock.now()
    with storage_errors(), naming(place.setting_names):
        own_end = place.credentials.credentials(now).expires_at
        left = int((own_end - now).total_seconds()) if own_end else scope.seconds
        seconds = max(sts.MIN_DURATION_SECONDS, min(scope.seconds, left))
        scope.record(timezone.now() + timedelta(seconds=seconds) + CLOCK_TOLERANCE)
        request = sts.AssumeRole(place.role, session_name(user), seconds, scope.policy)
        issued = assume_role(place.sts_endpoint, place.credentials, request, clock=clock)
    given, end = issued.credentials, min(issued.expires_at, own_end or issued.expires_at)
    entry = {
        "credentials": [given.access_key_id, given.access_key_secret, given.security_token],
        "issued": now.isoformat(),
        "end": end.isoformat(),
        "bound": bound,
    }
    sealed_cache.put(_name(scope.slot), entry, max(1, int((end - now).total_seconds() * 2 / 3)))
    return TemporaryCredentials(given, end)


def _cached(scope: Scope, bound: str) -> TemporaryCredentials | None:
    known = sealed_cache.get(_name(scope.slot))
    if not known or known["bound"] != bound:
        return None
    issued, end = (datetime.fromisoformat(known[name]) for name in ("issued", "end"))
    if end - oss_clock(scope.place).now() <= (end - issued) / 3:
        return None
    return TemporaryCredentials(Credentials(*known["credentials"]), end)


def _name(slot: str) -> str:
    return f"uploads:sts:{hashlib.sha256(slot.encode()).hexdigest()}"


_LOCKS = tuple(Lock() for _ in range(64))


def _lock_of(slot: str) -> Lock:
    return _LOCKS[hash(slot) % len(_LOCKS)]
