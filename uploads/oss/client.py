"""The client of OSS with all its operations, and AssumeRole at STS.

Rule: `uploads.oss.transport` sends every request.
"""

import secrets
from http import HTTPStatus

from uploads.oss import sts
from uploads.oss.browser_calls import BrowserCalls
from uploads.oss.bucket_calls import BucketCalls
from uploads.oss.clock import ServerClock
from uploads.oss.errors import from_sts
from uploads.oss.multipart_calls import MultipartCalls
from uploads.oss.object_calls import ObjectCalls
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, TemporaryCredentials
from uploads.oss.transport import HttpRequest, at_right_time, exchange, may_repeat, new_http_client, repeated


class OssClient(MultipartCalls, ObjectCalls, BucketCalls, BrowserCalls):
    """All operations of one endpoint, region and key pair; safe to share between threads."""


def assume_role(
    endpoint: str, credentials: Credentials, request: AssumeRole, *, clock: ServerClock | None = None
) -> TemporaryCredentials:
    """AssumeRole at STS, whose origin is `endpoint`. Returns the temporary credentials.

    Raises Unreachable, Malformed, or an OssError with STS's error code. A lost response makes it ask again, which does
    no harm. `clock` learns the time from the response, and the request is signed with it.

    Manual, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
    """
    host, clock = endpoint.partition("://")[2], clock or ServerClock()

    def attempt() -> TemporaryCredentials:
        query, headers = sts.sign_assume_role(credentials, request, host, clock.now(), secrets.token_hex(16))
        with new_http_client() as http:
            response = exchange(http, HttpRequest("AssumeRole", "POST", f"{endpoint}/?{query}", headers), "STS", clock)
        if response.status_code != HTTPStatus.OK:
            raise from_sts(response.status_code, response.content)
        return sts.parse_assume_role(response.content)

    return repeated(lambda: at_right_time(attempt, clock), may_repeat, seconds=30)
