"""The client of OSS with all its operations, and AssumeRole at STS.

Rule: `uploads.oss.transport` sends every request.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from uploads.oss import sts
from uploads.oss.bucket_calls import BucketCalls
from uploads.oss.errors import from_sts
from uploads.oss.multipart_calls import MultipartCalls
from uploads.oss.object_calls import ObjectCalls
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, TemporaryCredentials
from uploads.oss.transport import HttpRequest, exchange, may_repeat, new_http_client, repeated, utcnow


class OssClient(MultipartCalls, ObjectCalls, BucketCalls):
    """All operations of one endpoint, region and key pair; safe to share between threads."""


def assume_role(
    endpoint: str, credentials: Credentials, request: AssumeRole, *, now: Callable[[], datetime] = utcnow
) -> TemporaryCredentials:
    """AssumeRole at STS, whose origin is `endpoint`. Returns the temporary credentials.

    Raises Unreachable, Malformed, or an OssError with STS's error code. A lost response makes it ask again, which does
    no harm. Manual, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
    """
    host = endpoint.partition("://")[2]

    def attempt() -> TemporaryCredentials:
        query, headers = sts.sign_assume_role(credentials, request, host, now(), secrets.token_hex(16))
        with new_http_client() as http:
            response = exchange(http, HttpRequest("AssumeRole", "POST", f"{endpoint}/?{query}", headers), "STS")
        if response.status_code != HTTPStatus.OK:
            raise from_sts(response.status_code, response.content)
        return sts.parse_assume_role(response.content)

    return repeated(attempt, may_repeat, seconds=30)
