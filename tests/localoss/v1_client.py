"""A client that signs with OSS signature version 1, as older SDKs do. The product itself signs with version 4."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from uploads.localoss.signing_v1 import canonicalized_resource, signature, string_to_sign
from uploads.oss.signing import Credentials, Query, percent_encode


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
