"""Requests as a page of one origin sends them: with preflights, and with the response headers that the page may read.

Fetch standard, "CORS protocol": https://fetch.spec.whatwg.org/#http-cors-protocol

Rule: for checks only. What a browser would not do is an error here, with the reason that browsers do not tell.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from uploads.oss.clock import ServerClock
from uploads.oss.errors import NotOss, StorageError, Unreachable, from_answer
from uploads.oss.http import SUCCESS, HttpClient, HttpRequest, Response, exchange, is_from_oss, new_http_client

SAFE_METHODS = ("GET", "HEAD", "POST")
SAFE_REQUEST_HEADERS = {"accept", "accept-language", "content-language", "range"}
"""Names that need no preflight. A Content-Type needs none for forms."""
SAFE_RESPONSE_HEADERS = {
    "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
}  # fmt: skip
FORM = "multipart/form-data"


class CorsRefused(StorageError):
    """A browser would not let the page send this request, or read the response."""


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A successful response. `headers` are those that the page may read, by lower-case name."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Page:
    """A page of `origin`; "" for one that is not subject to CORS. `clock` learns OSS's time from the responses."""

    def __init__(self, origin: str, clock: ServerClock | None = None, *, http: HttpClient | None = None) -> None:
        self.origin = origin
        self._clock = clock
        self._http = http or new_http_client()
        self._allowed: set[tuple[str, str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def probe(self, url: str) -> None:
        """An unsigned GET, whatever its status. Raises Unreachable, and NotOss for a response that is not OSS's."""
        response = self._exchange("Probe", "GET", url, {})
        if not is_from_oss(response):
            raise NotOss(response.status_code, "Probe")

    def exposed_headers(self, url: str) -> set[str]:
        """The headers of a response that the page may read, in lower case. Raises Unreachable, and CorsRefused if the
        page may not send a PUT."""
        self._preflight("Preflight", "PUT", url, {"Content-MD5": ""})
        response = self._exchange("Preflight", "GET", url, {})
        listed = response.headers.get("Access-Control-Expose-Headers", "")
        return {name.strip().lower() for name in listed.split(",")}

    def send(
        self, operation: str, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> PageResponse:
        """The response to a signed request. Raises Unreachable, NotOss, CorsRefused, or an OssError."""
        sent = dict(headers or {})
        self._preflight(operation, method, url, sent)
        response = self._exchange(operation, method, url, sent, content)
        if not is_from_oss(response):
            raise NotOss(response.status_code, operation)
        if response.status_code not in SUCCESS and response.status_code != HTTPStatus.CREATED:
            raise from_answer(response.status_code, response.headers, response.content, operation)
        self._check_origin(operation, method, response)
        return PageResponse(response.status_code, self._readable(response), response.content)

    def send_form(self, url: str, fields: Mapping[str, str], content: bytes) -> PageResponse:
        """The response to PostObject, with the file as the last field. A form needs no preflight."""
        boundary = secrets.token_hex(16)
        lines = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="doctor"\r\n\r\n'
        body = f"{lines}{file}".encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.send("PostObject", "POST", url, {"Content-Type": f"{FORM}; boundary={boundary}"}, body)

    def _preflight(self, operation: str, method: str, url: str, headers: Mapping[str, str]) -> None:
        named = sorted(name.lower() for name in headers if not _is_safe(name.lower(), headers[name]))
        base = url.partition("?")[0]
        asked = (method, base, ",".join(named))
        if not self.origin or (method in SAFE_METHODS and not named) or asked in self._allowed:
            return
        request = {"Access-Control-Request-Method": method}
        if named:
            request["Access-Control-Request-Headers"] = ",".join(named)
        response = self._exchange(operation, "OPTIONS", url, request)
        if response.status_code != HTTPStatus.OK:
            text = f"OSS refuses the preflight of {method} from {self.origin}."
            raise CorsRefused(text, code="AccessForbidden", operation=operation)
        self._check_origin(operation, method, response)
        self._allowed.add(asked)

    def _check_origin(self, operation: str, method: str, response: Response) -> None:
        allowed = response.headers.get("Access-Control-Allow-Origin", "")
        if self.origin and allowed not in ("*", self.origin):
            raise CorsRefused(f"The response to {method} does not allow {self.origin} to read it.", operation=operation)

    def _readable(self, response: Response) -> dict[str, str]:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if not self.origin:
            return headers
        listed = headers.get("access-control-expose-headers", "")
        exposed = SAFE_RESPONSE_HEADERS | {name.strip().lower() for name in listed.split(",")}
        return {name: value for name, value in headers.items() if name in exposed}

    def _exchange(
        self, operation: str, method: str, url: str, headers: Mapping[str, str], content: bytes = b""
    ) -> Response:
        origin = {"Origin": self.origin} if self.origin else {}
        request = HttpRequest(operation, method, url, {**headers, **origin}, content)
        try:
            return exchange(self._http, request, clock=self._clock)
        except Unreachable as error:
            reason = str(error.__cause__ or "").strip()
            address = "/".join(url.split("/", 3)[:3])
            raise Unreachable(
                f"{address} cannot be reached{f': {reason}' if reason else ''}.", sent=error.sent, operation=operation
            ) from error


def _is_safe(name: str, value: str) -> bool:
    return name in SAFE_REQUEST_HEADERS or (name == "content-type" and value.startswith(FORM))
