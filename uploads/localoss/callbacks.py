"""Upload callbacks: OSS POSTs to the application, and its answer becomes the answer to the uploader (OSS manual:
"Callback").

Rule: the object is stored before the call and stays even if the call fails. Only this machine is called unless
`--allow-callbacks-anywhere` is given, because whoever uploads chooses the URL.
"""

import base64
import hashlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit
from xml.etree.ElementTree import ParseError

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from uploads.localoss import answers, callback_requests
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.keyfile import load_or_create
from uploads.localoss.request import Request
from uploads.oss import callback, markup
from uploads.oss.callback import CallbackParameters, CallbackRefused

PUBLIC_KEY_PATH = "callback_pub_key.pem"
KEY_BITS = 2048
"""OSS's own key has 512 bits, which is too weak to generate today."""

_BOTH = "Either the callback query string parameter or the x-oss-callback header should be specified, not both."
_NOT_CONNECTED = "Error status : -1. OSS can not connect to your callbackUrl, please check it."
_FAR_END = "Error status : 502."
_NOT_JSON = "Response body is not valid json format."


class CallbackFailed(Exception):
    """Why the call of one URL failed, as the message of OSS's error."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is reported. `values` are the system variables that `callbackBody` may name, such as "object" or "size".
    `requester` is an account id."""

    bucket: str
    requester: str
    request_id: str
    values: Mapping[str, str]


def requested(request: Request) -> CallbackParameters | None:
    """The callback of a request, from its headers or its URL; None without one. Call it before anything is stored.

    Refusal (InvalidArgument) if the parameters are malformed or given in both places.
    """
    in_header, in_query = request.headers.get("x-oss-callback"), request.parameters.get("callback")
    if in_header is not None and in_query is not None:
        raise _refusal(CallbackRefused("callback", _BOTH), in_query)
    asked = in_query if in_header is None else in_header
    if asked is None:
        return None
    names = ("callback-var", request.parameters) if in_header is None else ("x-oss-callback-var", request.headers)
    return parse(asked, names[1].get(names[0], ""))


def parse(asked: str, variables: str) -> CallbackParameters:
    """The callback of the two base64 values. Refusal (InvalidArgument) if one is malformed."""
    try:
        return callback.parse(asked, variables, any_names=True)
    except CallbackRefused as error:
        raise _refusal(error, variables if error.argument == "callback-var" else asked) from error


def _refusal(error: CallbackRefused, value: str) -> Refusal:
    fields = {"ArgumentName": error.argument, "ArgumentValue": value}
    return Refusal("InvalidArgument", fields, message=error.message, ec=error.ec)


@dataclass
class CallbackClient:
    """Calls applications. `address` is this server's URL, under which the public key is served. `anywhere` allows calls
    to other machines. `seconds` is the limit of one call.
    """

    root: Path
    address: str
    anywhere: bool = False
    seconds: float = callback_requests.LIMIT_SECONDS
    _making: threading.Lock = field(default_factory=threading.Lock)

    def relay(self, parameters: CallbackParameters, event: Event, answer: Answer, host: str) -> Answer:
        """The response to the uploader: the answer of the first URL that can be used, or 203 CallbackFailed.

        `answer` is the response without a callback; its headers are kept. `host` is the request's Host header.
        """
        kept = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
        failure = CallbackFailed(_NOT_CONNECTED)
        for url in parameters.urls:
            try:
                content_type, body = self._call(url, parameters, event)
            except CallbackFailed as error:
                failure = error
            else:
                return Answer(200, {**kept, "Content-Type": content_type}, body)
        failed = answers.error(Refusal("CallbackFailed", message=str(failure)), event.request_id, host, "POST")
        return Answer(failed.status, {**kept, **failed.headers}, failed.body)

    def _call(self, url: str, parameters: CallbackParameters, event: Event) -> tuple[str, bytes]:
        """Content type and body of one URL's answer. CallbackFailed if OSS would not relay it."""
        parts = urlsplit(url)
        body = callback_requests.render(parameters, event.values)
        headers = self._headers(parts, parameters, event, body)
        call = _Call(parts, self._ip(parts), self.seconds, parameters.sni)
        return _checked(*call.post(_target(parts), headers, body))

    def _headers(self, parts: SplitResult, parameters: CallbackParameters, event: Event, body: bytes) -> dict[str, str]:
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        return {
            "Host": parameters.host or parts.netloc,
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Content-Type": parameters.body_type,
            "Content-MD5": base64.b64encode(digest).decode(),
            "Date": format_datetime(datetime.now(UTC), usegmt=True),
            "Authorization": callback_requests.sign(self._key, _target(parts), body),
            "User-Agent": "aliyun-oss-callback",
            "x-oss-bucket": event.bucket,
            "x-oss-pub-key-url": base64.b64encode(f"{self.address}/-/{PUBLIC_KEY_PATH}".encode()).decode(),
            "x-oss-request-id": event.request_id,
            "x-oss-requester": event.requester,
            "x-oss-signature-version": "1.0",
            "x-oss-tag": "CALLBACK",
        }

    def _ip(self, parts: SplitResult) -> str:
        """The IP address to connect to. Looked up once, so that the checked address is the one called."""
        try:
            found = socket.getaddrinfo(parts.hostname, None, socket.AF_INET, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise CallbackFailed(_NOT_CONNECTED) from error
        ips = [str(entry[4][0]) for entry in found]
        allowed = [ip for ip in ips if self.anywhere or ipaddress.ip_address(ip).is_loopback]
        if not allowed:
            message = "The local OSS calls only this machine, unless it is started with --allow-callbacks-anywhere."
            raise CallbackFailed(message)
        return allowed[0]

    @property
    def public_key(self) -> bytes:
        """The public key in PEM, with which an application verifies a call."""
        public = self._key.public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        with self._making:
            return self._loaded

    @cached_property
    def _loaded(self) -> rsa.RSAPrivateKey:
        """The private key. It is made when it is first needed, because that takes a while."""
        key = serialization.load_pem_private_key(load_or_create(self.root / "callback.key", _new_key), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("callback.key is not an RSA key")
        return key


def _new_key() -> bytes:
    key = rsa.generate_private_key(65537, KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class _Call:
    """One POST request, which ends within `seconds` whatever the receiver does. Redirects are not followed."""

    def __init__(self, parts: SplitResult, ip: str, seconds: float, sni: bool) -> None:
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._ip, self._port = ip, parts.port or (443 if self._secure else 80)
        self._seconds, self._sni = seconds, sni
        self._late = threading.Event()

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """The response and its body. CallbackFailed if none arrives in time."""
        try:
            plain = socket.create_connection((self._ip, self._port), timeout=self._seconds)
        except TimeoutError as error:
            raise self._timeout() from error
        except OSError as error:
            raise CallbackFailed(_NOT_CONNECTED) from error
        # A socket's timeout starts again with each byte; the timer limits the whole call.
        alarm = threading.Timer(self._seconds, self._end)
        self._socket = plain
        alarm.start()
        try:
            return self._exchange(target, headers, body)
        except (OSError, http.client.HTTPException) as error:
            if self._late.is_set() or isinstance(error, TimeoutError):
                raise self._timeout() from error
            raise CallbackFailed(_FAR_END) from error
        finally:
            alarm.cancel()
            self._socket.close()

    def _exchange(self, target: str, headers: Mapping[str, str], body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        if self._secure:
            self._handshake()
        connection = http.client.HTTPConnection(self._host)
        connection.sock = self._socket
        connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        with connection.getresponse() as answer:
            received = answer.read(callback_requests.MAX_ANSWER_BYTES + 1)
            if answer.length and len(received) <= callback_requests.MAX_ANSWER_BYTES:
                raise http.client.IncompleteRead(received, answer.length)
            return answer, received

    def _handshake(self) -> None:
        """Start TLS. The certificate is not verified: development machines have self-signed ones."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        name = self._host if self._sni else None
        secured = context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()

    def _end(self) -> None:
        self._late.set()
        with suppress(OSError):  # The connection may be closed already.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _timeout(self) -> CallbackFailed:
        took = f"{self._seconds * 1000:.0f}ms"
        where = f"{self._ip}:{self._port}"
        return CallbackFailed(
            f"Error status : -1 {where} reply timeout, cost:{took}, timeout:{took} (err -4, errno115)"
        )


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _checked(answer: http.client.HTTPResponse, body: bytes) -> tuple[str, bytes]:
    """Content type and body, if OSS would relay them. CallbackFailed otherwise (OSS manual: "Callback")."""
    if answer.status != http.client.OK:
        raise CallbackFailed(f"Error status : {answer.status}.")
    if answer.getheader("Content-Length") is None:
        raise CallbackFailed("Response has no Content-Length.")
    if len(body) > callback_requests.MAX_ANSWER_BYTES:
        raise CallbackFailed("Response body is too large.")
    try:
        if (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower() == "application/xml":
            markup.parse(body)
            return "application/xml", body
        json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError, ParseError) as error:
        raise CallbackFailed(_NOT_JSON) from error
    return "application/json", body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
