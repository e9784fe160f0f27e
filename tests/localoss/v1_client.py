"""A client that signs with OSS signature version 1, as older SDKs do. The product itself signs with version 4."""

from datetime import datetime
from email.utils import format_datetime

from uploads.localoss.signing_v1 import canonicalized_resource, signature, string_to_sign
from uploads.oss.signing import Credentials, OssRequest, percent_encode


def authorization(credentials: Credentials, request: OssRequest, now: datetime) -> dict[str, str]:
    """The headers to send: those of the request, Date (unless x-oss-date is given), the token and Authorization."""
    sent = dict(request.headers)
    if credentials.security_token:
        sent["x-oss-security-token"] = credentials.security_token
    date = {name.lower(): value for name, value in sent.items()}.get("x-oss-date")
    if date is None:
        date = sent["Date"] = format_datetime(now, usegmt=True)
    resource = canonicalized_resource(request.bucket, request.key, request.query)
    signed = signature(credentials.access_key_secret, string_to_sign(request.method, date, sent, resource))
    return {**sent, "Authorization": f"OSS {credentials.access_key_id}:{signed}"}


def presign(credentials: Credentials, request: OssRequest, url: str, expires: int) -> str:
    """A presigned URL that expires at `expires`, in seconds since 1970."""
    pairs = list(request.query)
    if credentials.security_token:
        pairs.append(("security-token", credentials.security_token))
    resource = canonicalized_resource(request.bucket, request.key, pairs)
    text = string_to_sign(request.method, str(expires), request.headers, resource)
    pairs += [
        ("OSSAccessKeyId", credentials.access_key_id),
        ("Expires", str(expires)),
        ("Signature", signature(credentials.access_key_secret, text)),
    ]
    encoded = (
        f"{percent_encode(name)}={percent_encode(value)}" if value else percent_encode(name) for name, value in pairs
    )
    return f"{url}?{'&'.join(encoded)}"
