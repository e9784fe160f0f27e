"""The server's credentials, cached and renewed: one provider for each value of the setting `CREDENTIALS`.

    provider = provider_from("ecs_ram_role")
    provider.credentials()        # the credentials of this moment, with their expiry
    provider.renew(refused)       # OSS refused these: True if there are others now

Rule: temporary credentials are renewed before they expire, in the background, by one thread at a time in each process.
No thread lives between two renewals, so a forked process inherits none. Secrets are never logged.
"""

import logging
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from uploads.oss.clock import utcnow
from uploads.oss.credential_sources import Source, source_from
from uploads.oss.errors import CredentialsUnavailable
from uploads.oss.signing import Credentials

log = logging.getLogger("uploads.credentials")

RENEW_BELOW = timedelta(minutes=30)
"""Credentials with less time left are renewed in the background, or with two thirds of their life if that is less."""
WAIT_BELOW = timedelta(minutes=5)
"""With less time left a caller waits for the renewal, or with one third of their life if that is less. So whatever is
signed with credentials can live for five minutes, unless their origin fails or issues them for less than 15 minutes."""
ASK_AGAIN = 300.0
"""Seconds after which a source is asked again for credentials that do not expire: their key may have been replaced."""
SHORTEST_PAUSE = 5.0
"""Seconds between two requests to a source, whatever it returns."""
LONGEST_PAUSE = 60.0
"""Seconds between two requests to a source that fails; the pauses double."""

REFUSED_CODES = frozenset(
    {"SecurityTokenExpired", "InvalidSecurityToken", "InvalidAccessKeyId", "AccessKeyIdAndSecurityTokenNotMatch"}
)
"""Error codes of OSS, and of STS before their first dot, with which other credentials can help. InvalidAccessKeyId is
also the answer to a temporary key that has expired: https://help.aliyun.com/zh/oss/support/0002-00000002"""


@runtime_checkable
class CredentialsProvider(Protocol):
    """Gives the credentials to sign with; safe to share between threads."""

    def credentials(self, now: datetime | None = None) -> Credentials:
        """The present credentials. `now`: the time at OSS; this machine's time if it is left out.

        Raises CredentialsUnavailable.
        """

    def renew(self, refused: Credentials, now: datetime | None = None) -> bool:
        """OSS refused these credentials. True if there are others now, so that the request may be repeated."""


@dataclass(frozen=True, slots=True)
class FixedCredentials:
    """Credentials that the settings hold. Nothing renews them."""

    held: Credentials

    def credentials(self, now: datetime | None = None) -> Credentials:
        """The credentials, whether they have expired or not."""
        return self.held

    def renew(self, refused: Credentials, now: datetime | None = None) -> bool:
        """False: there are no others."""
        return False


def provider_from(value: object) -> CredentialsProvider:
    """The provider for a value of the setting; `uploads.oss.credential_sources` says what values there are.

    Raises ValueError for a malformed value, in words. Nothing is requested before credentials are needed.
    """
    source = source_from(value)
    return FixedCredentials(source) if isinstance(source, Credentials) else RenewedCredentials(source)


def is_refusal(code: str) -> bool:
    """Whether an error code of OSS or STS says that the credentials are not valid (any more)."""
    return code.partition(".")[0] in REFUSED_CODES


class RenewedCredentials:
    """Credentials of a source, cached in this process.

    They are used until they expire if the source fails. Each failure is logged, with growing pauses before the next
    request; a source is never asked by two threads at once.
    """

    def __init__(self, source: Source, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.name = source.name
        """Where they come from, as the setting `CREDENTIALS` says it."""
        self._source = source
        self._monotonic = monotonic
        self._held: Credentials | None = None
        self._renew_below = self._wait_below = timedelta()
        self._asked_at = float("-inf")
        self._pause = 0.0
        self._failures = 0
        self._reason = ""
        self._busy = Lock()
        _providers.add(self)

    def credentials(self, now: datetime | None = None) -> Credentials:
        """The present credentials. Waits for the source only while there are none, or they are about to expire."""
        now = now or utcnow()
        held, left = self._held, self._left(now)
        if held is None or left <= timedelta():
            with self._busy:
                if self._left(now) <= timedelta() and self._may_ask():
                    self._fetch(now)
                if self._held is None or self._left(now) <= timedelta():
                    raise CredentialsUnavailable(self._source.name, self._reason)
                return self._held
        if left < self._wait_below:
            with self._busy:  # Another thread may have asked meanwhile.
                if self._left(now) < self._wait_below and self._may_ask():
                    self._fetch(now)
        elif self._is_due(left) and self._may_ask() and self._busy.acquire(blocking=False):
            self._start(now)
        return self._held or held

    def renew(self, refused: Credentials, now: datetime | None = None) -> bool:
        """True if the source has other credentials than these. It is asked at most once in SHORTEST_PAUSE seconds."""
        with self._busy:
            if self._is_held(refused) and self._may_ask():
                self._source.forget()
                self._fetch(now or utcnow())
            return self._held is not None and not self._is_held(refused)

    def _is_held(self, given: Credentials) -> bool:
        """Whether these are the present ones, whatever is known of their expiry."""
        return self._held is not None and replace(self._held, expires_at=given.expires_at) == given

    def _left(self, now: datetime) -> timedelta:
        """How long the credentials are valid; nothing if there are none."""
        if self._held is None:
            return timedelta()
        return self._held.expires_at - now if self._held.expires_at else timedelta.max

    def _is_due(self, left: timedelta) -> bool:
        if left == timedelta.max:
            return self._monotonic() >= self._asked_at + ASK_AGAIN
        return left < self._renew_below

    def _may_ask(self) -> bool:
        return self._monotonic() >= self._asked_at + self._pause

    def _start(self, now: datetime) -> None:
        try:
            Thread(target=self._fetch_and_release, args=(now,), name="uploads-credentials", daemon=True).start()
        except RuntimeError:  # No thread can be started while the interpreter ends.
            self._busy.release()

    def _fetch_and_release(self, now: datetime) -> None:
        try:
            self._fetch(now)
        finally:
            self._busy.release()

    def _fetch(self, now: datetime) -> None:
        """Ask the source. Whoever calls it holds `_busy`. A failure is logged; the credentials stay what they are."""
        # Before the answer: a machine may sleep while it waits for one, and what it gets is then expired.
        self._asked_at = self._monotonic()
        try:
            fetched = self._source.fetch()
        except Exception as error:
            self._asked_at = self._monotonic()
            self._failures += 1
            pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (self._failures - 1))
            self._pause = pause * random.uniform(0.8, 1)  # noqa: S311
            self._reason = _reason(error)
            text = "The server's OSS credentials (%s) were not renewed: %s"
            log.warning(text, self._source.name, self._reason, exc_info=not self._source.of_vendor)
        else:
            self._failures, self._pause = 0, SHORTEST_PAUSE
            self._keep(fetched, now)

    def _keep(self, fetched: Credentials, now: datetime) -> None:
        if fetched.security_token and fetched.expires_at is None and self._source.trusted_for:
            fetched = replace(fetched, expires_at=now + self._source.trusted_for)
        life = fetched.expires_at - now if fetched.expires_at else timedelta()
        # Processes that started together shall not ask together for ever.
        self._renew_below = min(RENEW_BELOW, life * 2 / 3) * random.uniform(0.9, 1)  # noqa: S311
        self._wait_below = min(WAIT_BELOW, life / 3)
        self._held = fetched

    def _forked(self) -> None:
        """In a forked process: the thread that held the lock is not there."""
        self._busy = Lock()


def _reason(error: Exception) -> str:
    """What may be shown of an error: its class, and the HTTP status and the error code in its message.

    The whole message may quote a response with secrets, or a URL with a token. RetryError is what the vendor's package
    raises without a response.
    """
    if isinstance(error, (ImportError, OSError)) and type(error).__module__ == "builtins":
        return f"{type(error).__name__}: {error}"
    if type(error).__name__ == "RetryError":
        return "It did not answer"
    found = _TOLD.findall(str(error))
    return " ".join([type(error).__name__, *(status or code for status, code in found)])


_TOLD = re.compile(r"""http_?code[:=] ?(\d{3})\b|"Code": ?"([A-Za-z][\w.]{0,80})\"""", re.IGNORECASE)
"""The status and the error code in messages of the vendor's package."""

_providers: "WeakSet[RenewedCredentials]" = WeakSet()


def _after_fork() -> None:
    for provider in list(_providers):
        provider._forked()


os.register_at_fork(after_in_child=_after_fork)
