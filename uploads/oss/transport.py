"""Requests to OSS: signed, repeated where that is safe, with time limits and the mapping of errors.

Rule: `uploads.oss.http` sends them. A request that is safe to repeat is repeated; any other raises Unreachable when its
response is lost, so that the caller asks OSS what happened.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from uploads.oss.clock import ServerClock
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import NotOss, OssError, Unreachable, from_answer, naming
from uploads.oss.http import (
    PHASES,
    QUICK_TIMEOUT,
    SUCCESS,
    SYNCHRONIZE_TIMEOUT,
    TIMEOUT,
    HttpClient,
    HttpRequest,
    Response,
    Timeout,
    exchange,
    is_from_oss,
    new_http_client,
    server_time,
)
from uploads.oss.providers import CredentialsProvider, FixedCredentials
from uploads.oss.repetition import at_right_time, may_repeat, not_done_yet, repeated, with_valid_credentials
from uploads.oss.signing import Credentials, OssRequest, SigningContext, authorization, canonical_query


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was sent: its operation, the HTTP status or OSS's error code, and how long it took."""

    operation: str
    code: str
    seconds: float
    request_id: str = ""


Observer = Callable[[Call], None]


class Transport:
    """Signed requests to one endpoint, in one region, with the credentials of one provider.

    It is safe to share between threads.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        region: str,
        credentials: Credentials | CredentialsProvider,
        *,
        http: HttpClient | None = None,
        clock: ServerClock | None = None,
        observe: Observer | None = None,
    ) -> None:
        """`clock` learns OSS's time from each answer, and requests are signed with it. `observe` is called after each
        request that was sent, whatever its result."""
        self.endpoint = endpoint
        self.region = region
        self._provider = FixedCredentials(credentials) if isinstance(credentials, Credentials) else credentials
        self._http = http or new_http_client()
        self.clock = clock or ServerClock()
        self._observe = observe or (lambda call: None)
        self._deadline: float | None = None
        self.setting_names: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def until(self, deadline: float) -> Self:
        """A client with the same connections that sends each request once, and waits for OSS until `deadline` at most.

        `deadline` is a time of `time.monotonic()`. After it, requests raise Unreachable without being sent.
        """
        client = copy.copy(self)
        client._deadline = deadline
        return client

    def naming(self, names: Mapping[str, str]) -> Self:
        """A client with the same connections whose errors have these `setting_names`."""
        client = copy.copy(self)
        client.setting_names = names
        return client

    def context(self) -> SigningContext:
        """The signing context of this moment, in OSS's time."""
        now = self.clock.now()
        return SigningContext(self._provider.credentials(now), self.region, now)

    def call(
        self,
        operation: str,
        request: OssRequest,
        content: bytes = b"",
        *,
        timeout: Timeout = TIMEOUT,
        safe: bool = True,
    ) -> Response:
        """The successful response to a request, which is signed anew for each attempt.

        `operation` is OSS's name of it. `safe` says that the request may be done twice without harm.
        Raises Unreachable, NotOss for a response that is not OSS's, or an OssError for one that is an error.
        """
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise Unreachable("No time was left to ask OSS.", sent=False, operation=operation)
            return self._answered(operation, request, content, Timeout(left / PHASES))

        def attempt() -> Response:
            return self._answered(operation, request, content, timeout)

        return repeated(lambda: at_right_time(attempt, self.clock), may_repeat if safe else not_done_yet)

    def call_once(self, operation: str, request: OssRequest) -> Response:
        """As `call`, but not repeated, and within QUICK_TIMEOUT: for somebody who would rather not wait."""
        return self._answered(operation, request, b"", QUICK_TIMEOUT)

    def _answered(self, operation: str, request: OssRequest, content: bytes, timeout: Timeout) -> Response:
        url = self.endpoint.url_of(request.bucket, request.key)
        if request.query:
            url = f"{url}?{canonical_query(request.query)}"
        resource = resource_of(request)

        def attempt(context: SigningContext) -> Response:
            headers = authorization(context, request)
            return self._send(HttpRequest(operation, request.method, url, headers, content, timeout, resource))

        with naming(self.setting_names):
            return with_valid_credentials(attempt, self._provider, self.context)

    def synchronize(self) -> timedelta | None:
        """Learn OSS's time by one request without a signature, whatever its status. Raises Unreachable.

        Returns OSS's time minus this machine's as the answer tells it, however large; None if it does not tell it.
        """
        request = HttpRequest("Synchronize", "HEAD", f"{self.endpoint.url}/", {}, timeout=SYNCHRONIZE_TIMEOUT)
        sent = self.clock.local()
        told = server_time(exchange(self._http, request, clock=self.clock), "OSS")
        return None if told is None else told - sent

    def _send(self, request: HttpRequest) -> Response:
        started = time.monotonic()
        code, request_id = "Unreachable", ""
        try:
            response = self._exchange(request)
            code, request_id = str(response.status_code), response.headers.get("x-oss-request-id", "")
        except OssError as error:
            code, request_id = error.code, error.request_id
            raise
        except NotOss:
            code = "NotOss"
            raise
        finally:
            self._observe(Call(request.operation, code, time.monotonic() - started, request_id))
        return response

    def _exchange(self, request: HttpRequest) -> Response:
        response = exchange(self._http, request, clock=self.clock)
        if not is_from_oss(response):
            raise NotOss(response.status_code, request.operation)
        if response.status_code in SUCCESS:
            return response
        content = response.content
        raise from_answer(response.status_code, response.headers, content, request.operation, request.resource)


def resource_of(request: OssRequest) -> str:
    """The bucket or object of a request as policies name it."""
    return f"acs:oss:*:*:{request.bucket}/{request.key}" if request.key else f"acs:oss:*:*:{request.bucket}"
