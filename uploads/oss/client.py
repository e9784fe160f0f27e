"""The client of OSS with all its operations, and AssumeRole at STS.

Rule: `uploads.oss.http` sends every request.
"""

import secrets
from http import HTTPStatus

from uploads.oss import sts
from uploads.oss.browser_calls import BrowserCalls
from uploads.oss.bucket_calls import BucketCalls
from uploads.oss.clock import ServerClock
from uploads.oss.errors import from_sts
from uploads.oss.http import HttpRequest, exchange, new_http_client
from uploads.oss.multipart_calls import MultipartCalls
from uploads.oss.object_calls import ObjectCalls
from uploads.oss.providers import CredentialsProvider, FixedCredentials
from uploads.oss.repetition import at_right_time, may_repeat, repeated, with_valid_credentials
from uploads.oss.signing import Credentials, SigningContext
from uploads.oss.sts import AssumeRole, TemporaryCredentials


class OssClient(MultipartCalls, ObjectCalls, BucketCalls, BrowserCalls):
    """All operations of one endpoint, region and key pair; safe to share between threads."""


def assume_role(
    endpoint: str,
    credentials: Credentials | CredentialsProvider,
    request: AssumeRole,
    *,
    clock: ServerClock | None = None,
) -> TemporaryCredentials:
    """AssumeRole at STS, whose origin is `endpoint`. Returns the temporary credentials.

    Raises Unreachable, Malformed, or an OssError with STS's error code. A lost response makes it ask again, which does
    no harm; so does Throttling, after growing pauses. `clock` learns the time from the response, and the request is
    signed with it.

    Manual, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
    """
    host, clock = endpoint.partition("://")[2], clock or ServerClock()
    provider = FixedCredentials(credentials) if isinstance(credentials, Credentials) else credentials

    def context() -> SigningContext:
        now = clock.now()
        return SigningContext(provider.credentials(now), "", now, "sts")

    def attempt(signing: SigningContext) -> TemporaryCredentials:
        nonce = secrets.token_hex(16)
        query, headers = sts.sign_assume_role(signing.credentials, request, host, signing.now, nonce)
        with new_http_client() as http:
            response = exchange(http, HttpRequest("AssumeRole", "POST", f"{endpoint}/?{query}", headers), "STS", clock)
        if response.status_code != HTTPStatus.OK:
            raise from_sts(response.status_code, response.content)
        return sts.parse_assume_role(response.content)

    def valid() -> TemporaryCredentials:
        return with_valid_credentials(attempt, provider, context)

    return repeated(lambda: at_right_time(valid, clock), may_repeat, seconds=30)
