"""OSS signature version 1 (HMAC-SHA1), header and query form: the string to sign and its signature.

Older clients still send it, and ali-oss does unless told otherwise. Our own backend signs with version 4 only.
Manual: "Include signatures in the Authorization header (V1)" and "Add signatures to a URL (V1)".

Rule: pure functions, one for each step of the manual. `tests/vectors/v1_signatures.json` holds the signatures of three
SDKs (oss2, alibabacloud-oss-v2, ali-oss).
"""

import base64
import hmac
from collections.abc import Mapping

from uploads.oss.signing import Query

SUBRESOURCES = frozenset(
    """
    acl uploads uploadId partNumber security-token callback callback-var append position delete cors lifecycle
    location logging website referer tagging objectMeta symlink restore versions versioning versionId policy
    encryption stat bucketInfo resourceGroup sequential continuation-token
    response-content-type response-content-language
    response-expires response-cache-control response-content-disposition response-content-encoding
    """.split()
)
"""The query parameters that are signed. Every parameter whose name starts with `x-oss-` is signed too."""


def canonicalized_headers(headers: Mapping[str, str]) -> str:
    """The `x-oss-…` headers, sorted by name, each as "name:value\\n"."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    return "".join(f"{name}:{given[name]}\n" for name in sorted(given) if name.startswith("x-oss-"))


def canonicalized_resource(bucket: str, key: str, query: Query) -> str:
    """`/bucket/key`, not percent-encoded, followed by the signed query parameters."""
    path = f"/{bucket}/{key}" if bucket else "/"
    signed = sorted(pair for pair in query if pair[0] in SUBRESOURCES or pair[0].startswith("x-oss-"))
    return path + ("?" + "&".join(f"{name}={value}" if value else name for name, value in signed) if signed else "")


def string_to_sign(method: str, date: str, headers: Mapping[str, str], resource: str) -> str:
    """The lines that are signed.

    `date` is the value of x-oss-date or Date in the header form, and of `Expires` in the query form.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    lines = [method, given.get("content-md5", ""), given.get("content-type", ""), date]
    return "\n".join([*lines, canonicalized_headers(headers) + resource])


def signature(access_key_secret: str, text: str) -> str:
    """Base64 HMAC-SHA1 of a string to sign or, for PostObject, of the base64 policy."""
    return base64.b64encode(hmac.digest(access_key_secret.encode(), text.encode(), "sha1")).decode()
