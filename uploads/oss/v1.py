"""OSS signature version 1 (HMAC-SHA1): what older clients, and ali-oss unless told otherwise, still send.

Rule: pure, one function a step of the manual; the time comes in. OSS itself takes it from old accounts and buckets
alone, so our own backend signs with version 4. Proven by `tests/vectors/v1_signatures.json`.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from uploads.oss.signing import Credentials, Query, percent_encode

SUBRESOURCES = frozenset(
    """
    acl uploads uploadId partNumber security-token callback callback-var append position delete cors lifecycle
    location logging website referer tagging objectMeta symlink restore versions versioning versionId policy
    encryption stat bucketInfo resourceGroup sequential continuation-token
    response-content-type response-content-language
    response-expires response-cache-control response-content-disposition response-content-encoding
    """.split()
)
"""The parameters that are signed; besides them all whose name starts with `x-oss-`."""


def canonicalized_headers(headers: Mapping[str, str]) -> str:
    """The `x-oss-…` headers, sorted, as "name:value\\n" each."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    return "".join(f"{name}:{given[name]}\n" for name in sorted(given) if name.startswith("x-oss-"))


def canonicalized_resource(bucket: str, key: str, query: Query) -> str:
    """`/bucket/key`, not encoded, and the signed parameters behind it."""
    path = f"/{bucket}/{key}" if bucket else "/"
    signed = sorted(pair for pair in query if pair[0] in SUBRESOURCES or pair[0].startswith("x-oss-"))
    return path + ("?" + "&".join(f"{name}={value}" if value else name for name, value in signed) if signed else "")


def string_to_sign(method: str, date: str, headers: Mapping[str, str], resource: str) -> str:
    """`date`: of x-oss-date or Date in the header form, the URL's `Expires` in the query form."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    lines = [method, given.get("content-md5", ""), given.get("content-type", ""), date]
    return "\n".join([*lines, canonicalized_headers(headers) + resource])


def signature(access_key_secret: str, text: str) -> str:
    """Base64 HMAC-SHA1 of a string to sign (or, for PostObject, of the base64 policy)."""
    return base64.b64encode(hmac.digest(access_key_secret.encode(), text.encode(), "sha1")).decode()


def authorization(
    credentials: Credentials,
    now: datetime,
    method: str,
    bucket: str,
    key: str,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers to send: those given, Date (unless x-oss-date is given), the token and Authorization."""
    sent = dict(headers or {})
    if credentials.security_token:
        sent["x-oss-security-token"] = credentials.security_token
    date = {name.lower(): value for name, value in sent.items()}.get("x-oss-date")
    if date is None:
        date = sent["Date"] = format_datetime(now, usegmt=True)
    text = string_to_sign(method, date, sent, canonicalized_resource(bucket, key, query))
    mark = signature(credentials.access_key_secret, text)
    return {**sent, "Authorization": f"OSS {credentials.access_key_id}:{mark}"}


def presign(
    credentials: Credentials,
    expires: int,
    method: str,
    url: str,
    bucket: str,
    key: str,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
) -> str:
    """A URL good until `expires`, in seconds since 1970, for `method` and exactly `headers`."""
    pairs = list(query)
    if credentials.security_token:
        pairs.append(("security-token", credentials.security_token))
    text = string_to_sign(method, str(expires), headers or {}, canonicalized_resource(bucket, key, pairs))
    pairs += [
        ("OSSAccessKeyId", credentials.access_key_id),
        ("Expires", str(expires)),
        ("Signature", signature(credentials.access_key_secret, text)),
    ]
    encoded = (f"{percent_encode(n)}={percent_encode(v)}" if v else percent_encode(n) for n, v in pairs)
    return f"{url}?{'&'.join(encoded)}"
