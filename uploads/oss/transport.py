"""Requests to OSS and STS over HTTP: time limits, repetition, and the mapping of errors.

Rule: no other module of `uploads.oss` opens a socket. Each request has a time limit. A request that is safe to repeat
is repeated; any other raises Unreachable when its response is lost, so that the caller asks OSS what happened.
"""

import copy
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Self, TypeVar

import httpx

from uploads.oss.clock import ServerClock, time_in
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Malformed, NotOss, OssError, Unreachable, from_answer, naming
from uploads.oss.providers import CredentialsProvider, FixedCredentials
from uploads.oss.repetition import at_right_time, may_repeat, not_done_yet, repeated, with_valid_credentials
from uploads.oss.signing import Credentials, OssRequest, SigningContext, authorization, canonical_query

TIMEOUT = httpx.Timeout(30, connect=5, pool=10)
"""Seconds: between two bytes, for the connection, and for a free connection of the pool."""

COMPLETE_TIMEOUT = httpx.Timeout(25, connect=5, pool=10)
"""Seconds for CompleteMultipartUpload. OSS needs time to merge thousands of parts; the limit is below that of web
servers, so that the client is told to come back."""

QUICK_TIMEOUT = httpx.Timeout(1)
"""Seconds, each: for the connection, a free connection of the pool, and between two bytes."""

PHASES = 4
"""Of one request, each with a limit of its own: a free connection of the pool, TCP, TLS, and the response."""

COPY_TIMEOUT = httpx.Timeout(60, connect=5, pool=10)
"""Seconds for CopyObject and UploadPartCopy: OSS answers when it has copied."""

SYNCHRONIZE_TIMEOUT = httpx.Timeout(3)
"""Seconds for asking the time, for which a user's request waits."""

BROWSER_TIMEOUT = httpx.Timeout(5, connect=3)
"""Seconds for a request as a page sends it, for whose result a user waits."""

SUCCESS = (HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION, HTTPStatus.NO_CONTENT, HTTPStatus.PARTIAL_CONTENT)
"""203 is the response to an upload whose callback failed; the object is stored all the same."""

Response = httpx.Response
HttpClient = httpx.Client
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was sent: its operation, the HTTP status or OSS's error code, and how long it took."""

    operation: str
    code: str
    seconds: float
    request_id: str = ""


Observer = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it is sent: signed, with its whole URL."""

    operation: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    timeout: httpx.Timeout = field(default_factory=lambda: TIMEOUT)
    resource: str = ""
    """The bucket or object as policies name it, for errors."""


def exchange(http: httpx.Client, request: HttpRequest, peer: str = "OSS", clock: ServerClock | None = None) -> Response:
    """The response, whatever its status. Raises Unreachable without one; `peer` is the name in the message.

    `clock` learns the time from the response.
    """
    # Header values are UTF-8 in OSS's protocol; httpx would refuse text that is not ASCII.
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    sent = clock.local() if clock else None
    # Whole, so that the client merges nothing into it: it would also send cookies that a proxy has set.
    whole = httpx.Request(
        request.method,
        _with_dot_segments(request.url),
        headers=[*http.headers.raw, *headers],
        content=request.content,
        extensions={"timeout": request.timeout.as_dict()},
    )
    try:
        response = http.send(whole)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Unreachable(f"{peer} could not be reached.", sent=False, operation=request.operation) from error
    except httpx.TransportError as error:
        raise Unreachable(f"{peer} did not answer.", sent=True, operation=request.operation) from error
    if clock and sent and (told := _server_time(response, peer)):
        clock.learn(told, sent, clock.local())
    return response


def _with_dot_segments(url: str) -> str:
    """The URL with `.` and `..` in its path encoded, where they are whole segments: httpx would drop these, and send
    another path than the one that was signed. OSS decodes a path before it compares the signature."""
    path, mark, query = url.partition("?")
    return _DOT_SEGMENT.sub(lambda found: found[0].replace(".", "%2E"), path) + mark + query


_DOT_SEGMENT = re.compile(r"(?<=/)\.{1,2}(?=/|\Z)")


def is_from_oss(response: Response) -> bool:
    """Whether OSS has given the answer: each of its answers has a request id, and those of others have none.

    Manual, "Common response headers": https://help.aliyun.com/en/oss/developer-reference/common-http-headers
    """
    return "x-oss-request-id" in response.headers


def _server_time(response: Response, peer: str) -> datetime | None:
    """The time that the answer tells; None for the answer of a proxy, which lacks OSS's request id."""
    headers = response.headers
    if peer != "OSS":
        return time_in(headers)
    if not is_from_oss(response):
        return None
    if response.status_code != HTTPStatus.FORBIDDEN:
        return time_in(headers)
    error = from_answer(response.status_code, headers, response.content)
    return time_in(headers, error.fields.get("ServerTime", ""))


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
        http: httpx.Client | None = None,
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
        timeout: httpx.Timeout = TIMEOUT,
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
            return self._answered(operation, request, content, httpx.Timeout(left / PHASES))

        def attempt() -> Response:
            return self._answered(operation, request, content, timeout)

        return repeated(lambda: at_right_time(attempt, self.clock), may_repeat if safe else not_done_yet)

    def call_once(self, operation: str, request: OssRequest) -> Response:
        """As `call`, but not repeated, and within QUICK_TIMEOUT: for somebody who would rather not wait."""
        return self._answered(operation, request, b"", QUICK_TIMEOUT)

    def _answered(self, operation: str, request: OssRequest, content: bytes, timeout: httpx.Timeout) -> Response:
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
        told = _server_time(exchange(self._http, request, clock=self.clock), "OSS")
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


def new_http_client() -> httpx.Client:
    """A client that follows no redirects: a signature is valid for one address."""
    # OSS may compress what it sends to clients that accept it, and then names neither size nor encoding of the object.
    headers = {"Accept-Encoding": "identity"}
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, headers=headers, verify=_tls())


@cache
def _tls() -> ssl.SSLContext:
    """The settings of TLS of this process. To read the certificates takes 70 ms of CPU time."""
    return httpx.create_ssl_context()


def fetch(url: str, limit: int, seconds: float) -> bytes:
    """The content of a small file. The caller has checked the URL; redirects are not followed.

    Raises Malformed for more than `limit` bytes or a status other than 200, and Unreachable without a response.
    `seconds` is the time limit between two bytes.
    """
    try:
        with httpx.stream("GET", url, timeout=seconds, follow_redirects=False, verify=_tls()) as response:
            if response.status_code != HTTPStatus.OK:
                raise Malformed(f"The URL answered {response.status_code}.", operation="fetch")
            received = b""
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > limit:
                    raise Malformed(f"The file has more than {limit} bytes.", operation="fetch")
    except httpx.HTTPError as error:
        raise Unreachable("The URL did not answer.", sent=True, operation="fetch") from error
    return received
