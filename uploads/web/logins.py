"""Limits attempts to log in with a password: per account and per address, and how many are checked at once.

Rule: an attempt is counted before the password is checked, and given back when it was right. The counts are in
Django's default cache, which all processes of a site must share (uploads.E032).
"""

import hashlib
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, Throttled

from uploads.conf import settings
from uploads.oss.storable import UNSTORABLE
from uploads.web.throttles import ScopeThrottle

CHECKED_AT_ONCE, WAITING = 2, 2
"""Passwords that one process checks at the same time, and requests that wait for one of these places.

Checking a password takes a tenth of a second of a processor on purpose. The other threads serve other requests.
"""
BUSY_SECONDS = 2
WITHOUT_LIMIT = 254
"""Characters that a user name may have where the user model sets no limit."""
_NOT_COMPARED = ("Mn", "Me", "Cf", "Cc")
"""Combining marks, and characters that format or control."""
_admitted = threading.BoundedSemaphore(CHECKED_AT_ONCE + WAITING)
_checking = threading.BoundedSemaphore(CHECKED_AT_ONCE)


class TooManyLogins(Throttled):
    """429: too many wrong passwords for this account, or from this address."""

    default_detail = _("Too many attempts to log in. Try again later.")


class LoginsBusy(APIException):
    """503: this process checks as many passwords as it may."""

    status_code = 503
    default_code = "logins_busy"
    default_detail = _("Too many people are logging in at this moment. Try again in a few seconds.")
    wait = BUSY_SECONDS


@contextmanager
def attempt(request: HttpRequest, account: str) -> Iterator[None]:
    """Surrounds the check of a password. It was right if nothing is raised inside.

    `account`: the user name as given. Raises TooManyLogins or LoginsBusy, without checking anything.
    """
    counted = _count(request, account)
    if not _admitted.acquire(blocking=False):
        raise LoginsBusy
    try:
        with _checking:
            yield
    finally:
        _admitted.release()
    for key in counted:
        _add(key, -1, 1)


def longest_name() -> int:
    """Characters of the longest user name, as in Django's login form. Nobody has a longer one."""
    user = get_user_model()
    return getattr(user._meta.get_field(user.USERNAME_FIELD), "max_length", None) or WITHOUT_LIMIT


def _count(request: HttpRequest, account: str) -> list[str]:
    """The keys under which the attempt is counted. Raises TooManyLogins beyond the rate of either."""
    throttle, now, keys = ScopeThrottle(), time.time(), []
    # The name is compared last: who is refused by the address makes nobody normalise texts.
    idents: dict[str, Callable[[], str]] = {
        "login_address": lambda: throttle.get_ident(request),  # type: ignore[arg-type]
        "login_account": lambda: _account_ident(account),
    }
    for scope, ident in idents.items():
        most, seconds = throttle.parse_rate(settings.throttles.get(scope) or None)
        if not most or not seconds:
            continue
        window = int(now // seconds)
        key = f"uploads:{scope}:{window}:{ident()}"
        if _add(key, 1, seconds) > most:
            raise TooManyLogins(wait=(window + 1) * seconds - now)
        keys.append(key)
    return keys


def _account_ident(account: str) -> str:
    """The same for all names that a database may take for one. Those that are too long to be anybody's are one.

    A collation may ignore any number of characters, so a part of a long name would tell nothing about it.
    """
    name = account.strip()
    if len(name) > longest_name():
        return "too-long"
    return hashlib.sha256(_folded(_stored(name)).encode(errors="replace")).hexdigest()


def _stored(account: str) -> str:
    """The user name that the database takes this one for, if there is one; the name as given otherwise.

    A collation may have more equal characters than `_folded`: digits of other scripts, letters with a stroke.
    """
    if account.isascii() or UNSTORABLE.search(account):
        return account
    try:
        return str(get_user_model()._default_manager.get_by_natural_key(account).get_username())
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError):
        return account


def _folded(name: str) -> str:
    """Without case, accents and invisible characters: the collations of MySQL and MariaDB do not compare them."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    seen = "".join(each for each in plain if unicodedata.category(each) not in _NOT_COMPARED)
    return seen.strip() or plain


def _add(key: str, change: int, seconds: int) -> int:
    """Change a count by one, and return it. A new count is kept for `seconds`."""
    cache.add(key, 0, seconds)
    try:
        return int(cache.incr(key, change))
    except ValueError:  # It has expired in between.
        return max(change, 0)
