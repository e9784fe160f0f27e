"""Verification of OSS signature version 1, in a header or in a URL (OSS manual: "Include signatures in the
Authorization header (V1)", "Add signatures to URLs (V1)").

Rule: pure; the clock and the keys come in. The steps are in `uploads.localoss.signing_v1`.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from uploads.localoss import signing_v1
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.request import Request
from uploads.localoss.v4 import SKEW, refuse_token_in_header

QUERY = ("OSSAccessKeyId", "Expires", "Signature")


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """A signature as it was sent. `date` is the signed text; `time` its time: of sending, or a URL's expiry."""

    key_id: str
    signature: str
    date: str
    time: datetime
    token: str | None
    in_query: bool


def is_header_form(request: Request) -> bool:
    """Whether the Authorization header holds a V1 signature."""
    return request.headers.get("authorization", "").startswith("OSS ")


def is_query_form(request: Request) -> bool:
    """Whether the URL holds a V1 signature."""
    return "OSSAccessKeyId" in request.parameters or "Signature" in request.parameters


def verify(request: Request, keys: KeyRing, now: datetime) -> AccessKey:
    """The key that signed the request. Refusal, checked in the order: syntax, key, token, time, signature."""
    claim = read_header(request) if is_header_form(request) else read_query(request)
    key = keys.find(claim.key_id, claim.token, now)
    check_time(claim, now)
    query = [(name, value) for name, value in request.query if name not in QUERY]
    resource = signing_v1.canonicalized_resource(request.bucket, request.key, query)
    text = signing_v1.string_to_sign(request.method, claim.date, request.headers, resource)
    expected = signing_v1.signature(key.secret, text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        fields = {
            "OSSAccessKeyId": claim.key_id,
            "SignatureProvided": claim.signature,
            "StringToSign": text,
            "StringToSignBytes": text.encode().hex(" ").upper(),
        }
        raise Refusal("SignatureDoesNotMatch", fields, ec="0002-00000040")
    return key


def read_header(request: Request) -> SignatureClaim:
    """The signature of an Authorization header `OSS id:signature`. Refusal if it is malformed."""
    key_id, colon, signature = request.headers["authorization"].removeprefix("OSS ").strip().partition(":")
    if not (key_id and colon and signature):
        raise invalid_argument("Authorization", "", "Authorization header is invalid.", "0002-00000210")
    date = request.headers.get("x-oss-date") or request.headers.get("date", "")
    try:
        time = parsedate_to_datetime(date)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refusal("AccessDenied", message="OSS authentication requires a valid Date.") from error
    # alibabacloud-oss-v2 sends its token under the name that the URL form has.
    token = request.headers.get("x-oss-security-token") or request.headers.get("security-token")
    return SignatureClaim(key_id, signature, date, time, token, in_query=False)


def read_query(request: Request) -> SignatureClaim:
    """The signature of the parameters `OSSAccessKeyId`, `Expires`, `Signature`, and `security-token` with temporary
    credentials. Refusal if they are malformed."""
    given = request.parameters
    if not all(given.get(name) for name in QUERY):
        message = "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters."
        raise Refusal("AccessDenied", message=message)
    expires = given["Expires"]
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 11):
        raise Refusal("AccessDenied", message="Invalid date (should be seconds since epoch).")
    time = datetime.fromtimestamp(int(expires), UTC)
    token = given.get("security-token")
    refuse_token_in_header(request, token)
    return SignatureClaim(given["OSSAccessKeyId"], given["Signature"], expires, time, token, in_query=True)


def check_time(claim: SignatureClaim, now: datetime) -> None:
    """Refusal unless a header's date is within 15 minutes of `now`, or a URL is not expired."""
    server = {"ServerTime": now.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    stated = claim.time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if claim.in_query:
        if now > claim.time:
            fields = {"Expires": stated, **server}
            raise Refusal("AccessDenied", fields, message="Request has expired.", ec="0002-00000069")
    elif abs(now - claim.time) > SKEW:
        fields = {"MaxAllowedSkewMilliseconds": "900000", "RequestTime": stated, **server}
        raise Refusal("RequestTimeTooSkewed", fields)
