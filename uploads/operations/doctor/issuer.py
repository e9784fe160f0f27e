"""Checks of the issuer of bearer tokens: that it answers, that its keys verify tokens, and that the clocks agree.

It needs PyJWT: it is imported where an issuer is set.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from uploads.domain.issuer import Issuer
from uploads.operations.doctor.finding import Finding
from uploads.outbound import NotReached, NotTrusted, PrivateAddress
from uploads.services.issuer_keys import OtherIssuer, Published, WrongDocument, WrongKeys, fetch, find_key

REQUEST_SECONDS = 2
"""How far a time in whole seconds, from an answer that was under way, may be off."""


def check_issuer(issuer: Issuer) -> Iterator[Finding]:
    """Fetches what the site fetches to verify a token."""
    try:
        published = fetch(issuer)
    except PrivateAddress as error:
        cure = "Set OIDC_JWKS_URL to the address of the keys: one that only the issuer names must be public."
        yield Finding("FAIL", "issuer", f"names keys that are not fetched: {error}", cure)
    except NotTrusted as error:
        cure = "Give the issuer a certificate of a public authority for this name, with the intermediate certificates."
        yield Finding("FAIL", "issuer", f"has no certificate that is accepted: {error}", cure)
    except NotReached as error:
        cure = "Check OIDC_ISSUER and OIDC_JWKS_URL, and that this machine reaches them: DNS, firewall."
        yield Finding("FAIL", "issuer", f"does not answer: {error}", cure)
    except OtherIssuer as error:
        cure = "Set OIDC_ISSUER exactly to what the issuer calls itself, up to the last slash: tokens have that in iss."
        yield Finding("FAIL", "issuer", f"calls itself otherwise: {error}", cure)
    except WrongKeys as error:
        cure = "Correct the issuer, or set OIDC_JWKS_URL to the address of its keys."
        yield Finding("FAIL", "issuer", f"publishes no keys: {error}", cure)
    except WrongDocument as error:
        cure = "Check OIDC_ISSUER and OIDC_JWKS_URL. An issuer without a discovery document needs OIDC_JWKS_URL."
        yield Finding("FAIL", "issuer", f"does not answer as OpenID Connect asks: {error}", cure)
    else:
        yield _check_keys(issuer, published)
        yield from _check_clock(issuer, published)


def _check_keys(issuer: Issuer, published: Published) -> Finding:
    """That there is a key for one of the algorithms of the settings."""
    usable = {
        algorithm: [key for key in published.keys if _is_usable(published, key, algorithm)]
        for algorithm in issuer.algorithms
    }
    found = ", ".join(f"{len(keys)} for {algorithm}" for algorithm, keys in usable.items() if keys)
    if found:
        return Finding("ok", "issuer", f"answers, and publishes keys: {found}")
    kinds = ", ".join(sorted({_kind(key) for key in published.keys})) or "none"
    text = f"publishes no key that verifies {', '.join(issuer.algorithms)}: its keys are {kinds}"
    cure = (
        "Set OIDC_ALGORITHMS to the algorithms by which the issuer signs. Each key needs an id of its own, and an RSA "
        "key at least 2,048 bits."
    )
    return Finding("FAIL", "issuer", text, cure)


def _is_usable(published: Published, key: Mapping[str, Any], algorithm: str) -> bool:
    kid = key.get("kid")
    found = find_key([key] if kid is None else published.keys, kid, algorithm)
    return found is not None and found.Algorithm.check_key_length(found.key) is None


def _kind(key: Mapping[str, Any]) -> str:
    """Such as RSA RS512 sig."""
    return " ".join(str(key[name]) for name in ("kty", "crv", "alg", "use") if key.get(name)) or "malformed"


def _check_clock(issuer: Issuer, published: Published) -> Iterator[Finding]:
    """That a token is valid here when the issuer has made it, and for as long as it says."""
    if published.date is None:
        return
    ahead = (timezone.now() - published.date).total_seconds()
    allowed = issuer.leeway + REQUEST_SECONDS
    cure = "Let NTP set the clock of this machine, or raise OIDC_LEEWAY."
    if ahead < -allowed:
        text = f"this machine's is {-ahead:.0f} seconds behind the issuer's: new tokens are refused as not valid yet"
        yield Finding("FAIL", "clock of the issuer", text, cure)
    elif ahead > allowed:
        text = f"this machine's is {ahead:.0f} seconds ahead of the issuer's: tokens expire too early"
        yield Finding("warn", "clock of the issuer", text, cure)
    else:
        yield Finding("ok", "clock of the issuer", f"differs by less than {allowed} seconds")
