"""The public keys of the issuer of tokens: found by discovery, cached in the process, and fetched again when needed.

Rule: a token never says where its key is. Headers such as jku, x5u and jwk are not read, and `kid` only chooses among
the keys that the issuer publishes. Keys are fetched outside of transactions.

OpenID Connect Discovery 1.0: https://openid.net/specs/openid-connect-discovery-1_0.html; RFC 7517: JSON Web Key.
"""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWTError

from uploads.domain.errors import IssuerUnavailable
from uploads.domain.issuer import KEY_TYPES, Issuer
from uploads.domain.phrase import Phrase
from uploads.outbound import NotReached, Outgoing, send
from uploads.services.transactions import require_no_transaction

log = logging.getLogger("uploads")

FRESH_SECONDS = 600
"""After this, keys are fetched again; an issuer may have withdrawn one."""
KEPT_SECONDS = 24 * 3600
"""While the issuer does not answer, its keys are used for so long."""
PAUSE_SECONDS = 10
"""From the end of an attempt to fetch keys to the next. Whoever sends tokens with invented key ids causes no more."""
BUSY_SECONDS = 2
"""After these, a client repeats a request whose key was being fetched."""
FIRST_SECONDS = 2
"""The first requests of a process wait so long for the one that fetches the first keys."""
FETCH_SECONDS = 5
MAX_DOCUMENT_BYTES = 256 * 1024
MAX_KEYS = 100
OK = 200


class IssuerKeys:
    """The keys of one issuer. Shared between threads; one of them fetches, and no other waits for it.

    Anybody can make the site fetch keys, by a token with an invented key id. If the others waited, strangers could hold
    all threads of the site while the issuer is slow. Only the first keys of a process are waited for, and not for long:
    otherwise users with valid tokens would be refused each time that a process starts.
    """

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = self._is_fetching = False
        self._lock = threading.Lock()
        """Guards `_is_fetching`. It is never held while keys are fetched."""
        self._first_ended = threading.Event()
        """Set when the first attempt of the process to fetch keys has ended, well or not."""

    def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The key for a token with this header; None if the issuer has none. Raises IssuerUnavailable."""
        found = find_key(self._keys, kid, algorithm)
        if found is not None and self._age() < FRESH_SECONDS:
            return found
        is_current = self._refresh() or self._await_first()
        found, is_kept = find_key(self._keys, kid, algorithm), self._age() < KEPT_SECONDS
        if found is not None and is_kept:
            return found
        if not is_current:
            raise IssuerUnavailable(
                Phrase("The keys of the issuer of your token are being fetched. Try again."), retry_after=BUSY_SECONDS
            )
        if self._failed or not is_kept:
            raise IssuerUnavailable(
                Phrase("The keys of the issuer of your token cannot be fetched. Try again."), retry_after=PAUSE_SECONDS
            )
        return None

    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    def _refresh(self) -> bool:
        """Fetch the keys, unless that was tried just now. False, at once, while another thread fetches them."""
        with self._lock:
            if self._is_fetching:
                return False
            if time.monotonic() - self._tried_at < PAUSE_SECONDS:
                return True
            require_no_transaction()
            self._is_fetching = True
        try:
            now = time.monotonic()
            self._keys, self._fetched_at, self._failed = fetch(self._issuer).keys, now, False
        except (NotReached, WrongDocument) as error:
            self._failed = True
            log.error("the keys of the issuer of tokens could not be fetched: %s", error)
        finally:
            self._tried_at, self._is_fetching = time.monotonic(), False
            self._first_ended.set()
        return True

    def _await_first(self) -> bool:
        """Whether the first attempt ends soon. Nobody waits for a later one."""
        return not self._first_ended.is_set() and self._first_ended.wait(FIRST_SECONDS)


def find_key(keys: Sequence[Mapping[str, Any]], kid: str | None, algorithm: str) -> PyJWK | None:
    """The key for a token with this header. A token without a key id has the one key that fits; with several, none."""
    fitting = [
        key
        for key in keys
        if (kid is None or key.get("kid") == kid)
        and key.get("kty") == KEY_TYPES[algorithm]
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
    ]
    if len(fitting) != 1:
        return None
    try:
        return PyJWK(dict(fitting[0]), algorithm=algorithm)
    except (PyJWTError, ValueError, TypeError):
        log.warning("a key of the issuer of tokens is malformed", extra={"kid": fitting[0].get("kid")})
        return None


class WrongDocument(ValueError):
    """The issuer answered, but not with what it should. The text says what."""


class OtherIssuer(WrongDocument):
    """The discovery document is of another issuer: `issuer`, as it says itself."""

    def __init__(self, url: str, issuer: object) -> None:
        self.issuer = issuer
        super().__init__(f"the document at {url} is of the issuer {issuer!r}")


class WrongKeys(WrongDocument):
    """The discovery document is right, and what it says about the keys is not."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an issuer publishes. `date`: the time on its clock, if it tells."""

    keys: Sequence[Mapping[str, Any]]
    date: datetime | None


def fetch(issuer: Issuer) -> Published:
    """The issuer's JSON Web Keys. Raises NotReached, or WrongDocument."""
    url, allow_private = issuer.jwks_url, True
    if not url:
        document, _ = _document(issuer.discovery_url, allow_private=True)
        if document.get("issuer") != issuer.issuer:  # Discovery, section 4.3.
            raise OtherIssuer(issuer.discovery_url, document.get("issuer"))
        url = str(document.get("jwks_uri", ""))
        ours, theirs = urlsplit(issuer.issuer), urlsplit(url)
        if theirs.scheme != "https" and ours.scheme == "https":
            raise WrongKeys("jwks_uri has no https://")
        # The settings name the issuer's host, so it may be in a private network. What the issuer names may not.
        allow_private = theirs.netloc == ours.netloc
    document, date = _document(url, allow_private=allow_private)
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise WrongKeys(f"the document at {url} has no keys")
    return Published([key for key in keys[:MAX_KEYS] if isinstance(key, dict)], date)


def _document(url: str, *, allow_private: bool) -> tuple[dict[str, Any], datetime | None]:
    """The document at a URL, and the time on the clock of its server."""
    headers = {"Accept": "application/json"}
    request = Outgoing("GET", url, headers, b"", FETCH_SECONDS, MAX_DOCUMENT_BYTES, allow_private=allow_private)
    try:
        answer = send(request)
    except NotReached as error:
        raise type(error)(f"{url}: {error}") from error
    if answer.status != OK or not answer.is_complete:
        size = "" if answer.is_complete else f" and more than {MAX_DOCUMENT_BYTES} bytes"
        raise WrongDocument(f"{url} answered with {answer.status}{size}")
    try:
        found = json.loads(answer.body)
    except RecursionError as error:
        raise WrongDocument(f"the document at {url} is nested too deeply") from error
    except ValueError as error:
        raise WrongDocument(f"the document at {url} is not JSON") from error
    if not isinstance(found, dict):
        raise WrongDocument(f"the document at {url} is not an object")
    return found, answer.date()
