"""Why a page cannot reach OSS, by what the backend sees when it tries the same address.

A browser hides an answer without CORS headers from the page, so that a refusal looks like a lost connection.

Rule: pure. The texts are for users; `cure` and `link` are for those who run the site.
"""

from dataclasses import dataclass
from enum import StrEnum

from uploads.domain.errors import REFUSED, advice, from_storage
from uploads.domain.phrase import Phrase
from uploads.oss import error_codes
from uploads.oss.error_codes.access import NEW_URL
from uploads.oss.errors import CredentialsUnavailable, NotOss, OssError, StorageError

NO_CORS = frozenset({"AccessForbidden", "NoSuchCORSConfiguration"})
"""OSS's codes for a preflight that no CORS rule allows."""


class Verdict(StrEnum):
    """What the backend found."""

    REFUSED = "refused"
    """OSS refuses the request, whoever sends it."""
    CORS = "cors"
    """OSS serves the request, but its CORS rules do not allow the page."""
    UNREACHABLE = "unreachable"
    """The backend does not reach OSS."""
    UNKNOWN = "unknown"
    """The backend reaches OSS by the address of its own only. There OSS serves the request and allows the page."""
    REACHABLE = "reachable"
    """OSS serves the request and allows the page: what keeps the page from it is between the two."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result. `retryable`: the page should go on trying. `code`: OSS's, or one of this module's."""

    verdict: Verdict
    code: str
    title: Phrase
    detail: Phrase
    cure: Phrase
    retryable: bool
    link: str = ""
    request_id: str = ""


def refused(error: StorageError, address: str, origin: str) -> Diagnosis:
    """The diagnosis for an error of the backend's attempt. `address` is the storage's origin, `origin` the page's."""
    if isinstance(error, CredentialsUnavailable):
        cure = Phrase("Run manage.py doctor: it tells why the server has no credentials.")
        known = from_storage(error)
        return Diagnosis(Verdict.UNREACHABLE, known.code, known.title, known.detail, cure, retryable=True)
    if not isinstance(error, OssError):
        return _unreachable(error, address)
    if error.code in NO_CORS:
        return not_allowed(origin, error.request_id)
    row = error_codes.find(error.code, error.ec)
    if row and row.cure == NEW_URL:
        return _not_valid_now(error)
    detail = REFUSED[row.fault] if row else Phrase("OSS answered: {message}", message=error.message)
    return Diagnosis(
        Verdict.REFUSED,
        error.code,
        Phrase("OSS refuses the uploads of this page"),
        detail,
        advice(error),
        retryable=error.retryable,
        link=error.link,
        request_id=error.request_id,
    )


def _not_valid_now(error: OssError) -> Diagnosis:
    """The backend has just signed this request, and the next one is signed with the time that OSS tells."""
    return Diagnosis(
        Verdict.REFUSED,
        error.code,
        Phrase("The clocks of this site and of OSS differ"),
        Phrase("OSS takes the requests of this page for too old or too new. Uploaded parts are kept."),
        Phrase("Correct the server's clock."),
        retryable=True,
        link=error.link,
        request_id=error.request_id,
    )


def _unreachable(error: StorageError, address: str) -> Diagnosis:
    detail = Phrase("The server does not reach OSS at {address}. Uploaded parts are kept.", address=address)
    if isinstance(error, NotOss):
        detail = Phrase(
            "Something other than OSS answers the server at {address}. Uploaded parts are kept.", address=address
        )
    cure = Phrase("Check OSS_ENDPOINT, and the network: DNS, proxy, firewall, certificate.")
    return Diagnosis(
        Verdict.UNREACHABLE,
        "storage_unreachable",
        Phrase("OSS cannot be reached"),
        detail,
        cure.renamed(error.setting_names),
        retryable=True,
    )


def unknown(address: str) -> Diagnosis:
    """The diagnosis when the backend reaches OSS by the address of its own only, where OSS allows the page."""
    return Diagnosis(
        Verdict.UNKNOWN,
        "storage_unknown",
        Phrase("This browser gets no answer of OSS that it may read"),
        Phrase(
            "OSS may refuse requests at {address}, or something on the way may block them. The server does not reach "
            "that address. At its own one, OSS answers it and allows this page.",
            address=address,
        ),
        Phrase("Run manage.py doctor on a machine that reaches {address}: it tells what OSS answers.", address=address),
        retryable=True,
    )


def not_allowed(origin: str, request_id: str = "") -> Diagnosis:
    """The diagnosis for a page that the bucket's CORS rules do not allow."""
    row = error_codes.find("AccessForbidden")
    return Diagnosis(
        Verdict.CORS,
        "cors_not_allowed",
        Phrase("This page is not allowed to upload to OSS"),
        Phrase("The bucket's CORS rules do not allow this page ({origin}).", origin=origin),
        Phrase("Allow the page with: manage.py configure_bucket --origin {origin}", origin=origin),
        retryable=False,
        link=row.link if row else "",
        request_id=request_id,
    )


def reachable(address: str) -> Diagnosis:
    """The diagnosis when OSS serves the backend, and allows the page."""
    return Diagnosis(
        Verdict.REACHABLE,
        "storage_blocked",
        Phrase("This browser does not reach OSS"),
        Phrase(
            "OSS answers the server at {address}, and allows this page. "
            "A firewall, a proxy, a VPN or an extension of the browser may block the connection.",
            address=address,
        ),
        Phrase("Let the network of the users reach {address}.", address=address),
        retryable=True,
    )
