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
    accessPoint accessPointPolicy acl action append asyncFetch bucketArchiveDirectRead bucketInfo callback
    callback-var cleanRestoredObject cloudboxes cname comp continuation-token cors dataPipeline delete encryption
    endTime group httpsConfig img inventory inventoryId legalHold lifecycle link live location logging
    metadataConfiguration metadataInventoryTable metadataJournalTable metaQuery objectInfo objectMeta objectWorm
    overwriteConfig partNumber policy policyStatus position publicAccessBlock qos qosInfo qosRequester quota
    redundancyTransition referer regionList replication replicationLocation replicationProgress requesterQosInfo
    requestPayment resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo response-cache-control
    response-content-disposition response-content-encoding response-content-language response-content-type
    response-expires responseHeader restore retention rtc seal security-token sequential startTime stat status style
    styleName symlink tagging transferAcceleration udf udfApplication udfApplicationLog udfId udfImage udfImageDesc
    udfName uploadId uploads userDefinedLogFieldsConfig versionId versioning versions vod website withHashContext worm
    wormExtend wormId
    """.split()
)
"""The query parameters that are signed. Every parameter whose name starts with `x-oss-` is signed too.

They are those of three SDKs together: oss2 2.19.1 (`oss2/auth.py`, `_subresource_key_set`), the Go SDK 3.0.2
(`oss/conn.go`, `signKeyList`) and alibabacloud-oss-v2 1.4.1 (`signer/v1.py`, and "sub-resource" of its operations). The
manual's list is shorter.
"""


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
