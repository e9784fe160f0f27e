"""HTTP to OSS, STS and their keys: one request and its response, with a time limit.

Rule: no other module of `uploads.oss` opens a socket. Nothing is signed or repeated here (`uploads.oss.transport`).
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http import HTTPStatus

import httpx

from uploads.oss.clock import ServerClock, time_in
from uploads.oss.errors import Malformed, Unreachable, from_answer

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
Timeout = httpx.Timeout


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
    if clock and sent and (told := server_time(response, peer)):
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


def server_time(response: Response, peer: str) -> datetime | None:
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
