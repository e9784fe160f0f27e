"""A request as operations see it.

Rule: made from the raw target (RAW_URI) and the headers. WSGI's PATH_INFO is decoded, so keys with %2F or %3F are lost
in it. Values are decoded once, as UTF-8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus

from uploads.localoss.addressing import Address, address
from uploads.localoss.body import Body
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal, invalid_argument

MAX_KEY_BYTES = 1023
MAX_FIELD_BYTES = 16 * 1024
"""Bytes of the request line, and of each header field. A key of 1,023 bytes in percent-encoding, an STS token, callback
and callback-var together need more than 8 KiB. OSS's own limit is unknown."""


@dataclass(slots=True)
class Request:
    """A request. `target` is the raw request target, `headers` have lower-case names, `query` holds decoded pairs in
    their order, `id` is the request id of the response, `client` the sender's IP address.
    """

    method: str
    host: str
    target: str
    address: Address
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: Body
    id: str
    scheme: str = "http"
    client: str = ""
    parameters: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = dict(self.query)

    @property
    def bucket(self) -> str:
        """The bucket's name; empty if the request is for the service."""
        return self.address.bucket

    @property
    def key(self) -> str:
        """The object's key. Refusal (InvalidObjectName) if it is not UTF-8."""
        try:
            return self.address.key.decode()
        except UnicodeDecodeError as error:
            raise Refusal("InvalidObjectName") from error

    @property
    def printable_key(self) -> str:
        """The object's key with U+FFFD for bytes that are not UTF-8."""
        return self.address.key.decode(errors="replace")

    def checked_key(self) -> str:
        """The object's key. Refusal (InvalidObjectName) unless it has 1 to 1,023 bytes of UTF-8 and does not start with
        a slash or a backslash (OSS manual: "Object naming conventions").
        """
        key = self.key
        if not 1 <= len(self.address.key) <= MAX_KEY_BYTES or key.startswith(("/", "\\")):
            raise Refusal("InvalidObjectName", {"ObjectName": key})
        return key

    def check_size(self) -> None:
        """Refusal (InvalidRequest) if the request line or a header field has more than MAX_FIELD_BYTES."""
        line = len(self.method) + len(self.target) + len("  HTTP/1.1")
        fields = (len(name) + len(value.encode()) + len(": ") for name, value in self.headers.items())
        if max(line, *fields) > MAX_FIELD_BYTES:
            raise Refusal("InvalidRequest", message=f"Request line and headers have at most {MAX_FIELD_BYTES} bytes.")

    def location(self, key: str) -> str:
        """The URL of an object of this bucket, in the addressing style of this request."""
        base = f"{self.scheme}://{self.host}"
        return f"{base}/{self.bucket}/{quote(key)}" if self.address.in_path else f"{base}/{quote(key)}"

    def number(self, name: str, default: int, low: int, high: int, message: str = "") -> int:
        """An integer parameter of the query; `default` if it is absent or empty. Refusal (InvalidArgument) if it is not
        between `low` and `high`."""
        text = self.parameters.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
            raise invalid_argument(
                name, text, message or f"Argument {name} must be an integer between {low} and {high}."
            )
        return int(text)

    def wants_url_encoding(self) -> bool:
        """Whether keys in the response are to be URL-encoded. Refusal (InvalidArgument) for an encoding-type other than
        "url" (OSS manual: "ListObjectsV2")."""
        value = self.parameters.get("encoding-type", "")
        if value not in ("", "url"):
            raise invalid_argument("encoding-type", value, "Invalid Encoding Method specified in Request.")
        return value == "url"


def from_environ(environ: Mapping[str, Any], config: Config, request_id: str) -> Request:
    """The request of a WSGI environment that has RAW_URI, as gunicorn's has."""
    headers = _headers(environ)
    target = str(environ.get("RAW_URI") or "/")
    if "://" in target.partition("?")[0] and not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    host = headers.get("host", "")
    return Request(
        method=str(environ["REQUEST_METHOD"]),
        host=host,
        target=target,
        address=address(host, path, config),
        query=parse_query(query),
        headers=headers,
        body=Body(environ["wsgi.input"], headers),
        id=request_id,
        scheme=str(environ.get("wsgi.url_scheme", "http")),
        client=str(environ.get("REMOTE_ADDR", "")),
    )


def parse_query(text: str) -> list[tuple[str, str]]:
    """Decoded pairs. `name` and `name=` mean the same: requests, ali-oss and Go send `=`."""
    pairs = (piece.partition("=") for piece in text.split("&") if piece)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers[name[5:].replace("_", "-").lower()] = _text(value)
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            headers[name.replace("_", "-").lower()] = _text(value)
    return headers


def _text(value: str) -> str:
    """A header value. WSGI decodes it as Latin-1; OSS's clients send UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value
