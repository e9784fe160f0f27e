"""Verification of OSS signature version 4, in a header or in a URL (OSS manual: "Include signatures in the
Authorization header (V4)", "Add signatures to URLs (V4)").

Rule: pure. The clock and the keys are arguments. The steps of the signature are those of `uploads.oss.signing`; this
module parses the signature that was sent and compares.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.request import Request
from uploads.oss import signing
from uploads.oss.limits import MAX_CLOCK_SKEW_SECONDS, MAX_PRESIGN_SECONDS

SKEW = timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """A signature as it was sent. `date` is the text that is signed. `additional` are the signed headers beyond those
    that are always signed. `expires` is in seconds; None in the header form.
    """

    key_id: str
    scope: signing.Scope
    date: str
    time: datetime
    additional: tuple[str, ...]
    signature: str
    token: str | None
    expires: int | None = None


def is_header_form(request: Request) -> bool:
    """Whether the Authorization header holds a V4 signature."""
    return request.headers.get("authorization", "").startswith(signing.ALGORITHM)


def is_query_form(request: Request) -> bool:
    """Whether the URL holds a V4 signature."""
    return "x-oss-signature-version" in request.parameters or "x-oss-signature" in request.parameters


def verify(request: Request, config: Config, keys: KeyRing, now: datetime) -> AccessKey:
    """The key that signed the request. Refusal, checked in the order: syntax, key, token, time, signature."""
    in_header = is_header_form(request)
    claim = read_header(request, config) if in_header else read_query(request, config)
    key = keys.find(claim.key_id, claim.token, now)
    check_time(claim, now)
    canonical = canonical_request(request, claim)
    text = signing.string_to_sign(canonical, claim.date, claim.scope)
    expected = signing.signature(signing.signing_key(key.secret, claim.scope), text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        fields = {
            "OSSAccessKeyId": claim.key_id,
            "SignatureProvided": claim.signature,
            "StringToSign": text,
            "StringToSignBytes": text.encode().hex(" ").upper(),
            "CanonicalRequest": canonical,
        }
        raise Refusal("SignatureDoesNotMatch", fields, ec="0002-00000201" if in_header else "0002-00000040")
    return key


def canonical_request(request: Request, claim: SignatureClaim) -> str:
    """The canonical request, built from the request that arrived."""
    for name in claim.additional:
        if name not in request.headers:
            raise invalid_argument("x-oss-additional-headers", name, f"The additional header {name} is not sent.")
    headers, additional = signing.canonical_headers(request.headers, claim.additional)
    query = signing.canonical_query((name, value) for name, value in request.query if name != "x-oss-signature")
    uri = signing.canonical_uri(request.bucket, request.key)
    payload = request.headers.get("x-oss-content-sha256", signing.UNSIGNED_PAYLOAD)
    return signing.canonical_request(request.method, uri, query, headers, additional, payload)


def read_header(request: Request, config: Config) -> SignatureClaim:
    """The signature of an Authorization header `OSS4-HMAC-SHA256 Credential=…,AdditionalHeaders=…,Signature=…`.

    The fields may be in any order, with or without spaces. Refusal if the header is malformed.
    """
    value = request.headers["authorization"]
    pieces = (piece.strip().partition("=") for piece in value.removeprefix(signing.ALGORITHM).split(","))
    fields = {name: text for name, _, text in pieces if name}
    if "Credential" not in fields or not fields.get("Signature"):
        raise invalid_argument("Authorization", _shape(value), "Authorization header is invalid.", "0002-00000210")
    if fields.get("AdditionalHeaders") == "":
        raise invalid_argument("AdditionalHeaders", "", "Additional headers must not be empty.", "0002-00000209")
    if request.headers.get("x-oss-content-sha256") != signing.UNSIGNED_PAYLOAD:
        sent = request.headers.get("x-oss-content-sha256", "")
        raise invalid_argument(
            "x-oss-content-sha256", sent, "x-oss-content-sha256 must be UNSIGNED-PAYLOAD.", "0002-00000214"
        )
    date, time = _header_time(request)
    key_id, scope = _credential(fields["Credential"], "Authorization", "0002-00000213")
    if scope.region != config.region:
        message = "Invalid signing region in Authorization header."
        raise invalid_argument("Authorization", scope.region, message, "0002-00000226")
    _check_scope(scope, signing.timestamp(time), config, "Authorization", "0002-00000213")
    token = request.headers.get("x-oss-security-token")
    additional = _names(fields.get("AdditionalHeaders", ""))
    return SignatureClaim(key_id, scope, date, time, additional, fields["Signature"], token)


def read_query(request: Request, config: Config) -> SignatureClaim:
    """The signature of a presigned URL's `x-oss-…` parameters. Refusal if they are malformed."""
    given = request.parameters
    if given.get("x-oss-signature-version") != signing.ALGORITHM:
        version = given.get("x-oss-signature-version", "")
        raise invalid_argument("x-oss-signature-version", version, "The signature version is invalid.")
    if not given.get("x-oss-signature"):
        raise invalid_argument("x-oss-signature", "", "x-oss-signature is missing.", "0002-00000219")
    key_id, scope, time = read_scope(given, config)
    token = given.get("x-oss-security-token")
    refuse_token_in_header(request, token)
    expires, additional = _expires(given), _names(given.get("x-oss-additional-headers", ""))
    date = given["x-oss-date"]
    return SignatureClaim(key_id, scope, date, time, additional, given["x-oss-signature"], token, expires)


def read_scope(given: Mapping[str, str], config: Config) -> tuple[str, signing.Scope, datetime]:
    """Key id, scope and date of a presigned URL or a form. Refusal if they are malformed or of another region."""
    key_id, scope = _credential(given.get("x-oss-credential", ""), "x-oss-credential", "0002-00000220")
    if scope.region != config.region:
        message = "The signing region in credential is invalid."
        raise invalid_argument("x-oss-credential", scope.region, message, "0002-00000226")
    date = given.get("x-oss-date", "")
    time = _parse(date, "0002-00000222")
    _check_scope(scope, date, config, "x-oss-credential", "0002-00000223")
    return key_id, scope, time


def refuse_token_in_header(request: Request, token: str | None) -> None:
    """Refusal if the security token of a presigned URL is in a header. `token` is the one in the URL."""
    if "x-oss-security-token" in request.headers:
        where = "not in a header too" if token else "provided by query string parameter"
        ec = "" if token else "0002-00000005"
        raise invalid_argument("x-oss-security-token", "", f"Security-token must be {where}.", ec)


def check_time(claim: SignatureClaim, now: datetime) -> None:
    """Refusal unless a header's time is within 15 minutes of `now`, or `now` is within a URL's time.

    A URL is valid from 15 minutes before its date until it expires.
    """
    server = {"ServerTime": now.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    if claim.expires is None:
        if abs(now - claim.time) > SKEW:
            sent = {"RequestTime": claim.time.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
            raise Refusal("RequestTimeTooSkewed", {"MaxAllowedSkewMilliseconds": "900000", **sent, **server})
        return
    if claim.time - now > SKEW:
        raise Refusal("AccessDenied", server, message="Request is not valid yet.", ec="0002-00000235")
    life = timedelta(seconds=claim.expires)
    if now - claim.time > life:
        end = claim.time + life
        fields = {"Expires": end.strftime("%Y-%m-%dT%H:%M:%S.000Z"), **server}
        raise Refusal("AccessDenied", fields, message="Request has expired.", ec="0002-00000069")


def _expires(given: dict[str, str]) -> int:
    text = given.get("x-oss-expires", "")
    if not text:
        raise invalid_argument("x-oss-expires", "", "x-oss-expires is missing.", "0002-00000216")
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MAX_PRESIGN_SECONDS):
        message = f"x-oss-expires must be an integer between 1 and {MAX_PRESIGN_SECONDS}."
        raise invalid_argument("x-oss-expires", text, message, "0002-00000232")
    return int(text)


def _credential(text: str, where: str, ec: str) -> tuple[str, signing.Scope]:
    key_id, *rest = text.rsplit("/", 4)
    if not key_id or len(rest) != 4 or rest[3] != signing.TERMINATOR:
        raise invalid_argument(where, text, "The credential is malformed.", ec)
    return key_id, signing.Scope(rest[0], rest[1], rest[2])


def _check_scope(scope: signing.Scope, date: str, config: Config, where: str, ec: str) -> None:
    if scope.product != config.product:
        raise invalid_argument(where, scope.product, "The product in credential is invalid.", ec)
    if scope.date != date[:8]:
        raise invalid_argument(where, scope.date, "The date in credential differs from x-oss-date.", ec)


def _header_time(request: Request) -> tuple[str, datetime]:
    """The date as it is signed, and its time. Without x-oss-date it is the text of the Date header as it stands, which
    the Go SDK V1 signs (`oss/auth.go`, `getSignedStrV4`)."""
    if text := request.headers.get("x-oss-date"):
        return text, _parse(text, "0002-00000211")
    text = request.headers.get("date", "").strip()
    try:
        time = parsedate_to_datetime(text)
        return text, time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        message = "OSS authentication requires a valid Date."
        raise Refusal("AccessDenied", message=message, ec="0002-00000211") from error


def _parse(text: str, ec: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise invalid_argument("x-oss-date", text, "x-oss-date must be a time such as 20260115T083000Z.", ec) from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip().lower() for name in text.split(";") if name.strip()}))


def _shape(value: str) -> str:
    """An Authorization header without its signature, for an error message."""
    return value.partition("Signature=")[0]
