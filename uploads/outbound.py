"""HTTP requests to hosts that are not OSS: the issuer of tokens, and the receivers of webhooks.

Rule: a name is resolved once, every address that it has is checked, and the connection goes to an address that was
checked. So nobody who controls a name can make this server reach into its own network. Redirects are not followed, the
proxies of the environment are not used, and a request as a whole has a time limit.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore
import httpx

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Its last 32 bits are an IPv4 address: RFC 6052."""
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""The only IPv6 addresses that are assigned to hosts of the Internet.

Others may lead into a network: `::a.b.c.d`, fec0::/10, and 64:ff9b:1::/48, whose translators are local. See
https://www.iana.org/assignments/ipv6-address-space.
"""
NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""Special networks that Python takes for public ones, or did in the versions that the app supports."""


class NotReached(Exception):
    """There is no answer. The text is one sentence, and says why."""


class NotTrusted(NotReached):
    """The host has no certificate for its name that an authority has signed."""


class PrivateAddress(NotReached):
    """The host is, or may be, in a private network, and the request is for public ones only."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request. `seconds` limits it as a whole, from the connection to the last byte of the answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    seconds: float = 10
    max_bytes: int = 64 * 1024
    """Of the body of the answer; more is not read."""
    allow_private: bool = False
    """Whether addresses of private networks and of this machine may be reached."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool
    """Whether `body` is all of it."""

    def date(self) -> datetime | None:
        """The time on the host's clock, to the second; None if it does not tell, or tells nonsense."""
        try:
            made = parsedate_to_datetime(self.headers.get("date", ""))
            age = timedelta(seconds=int(self.headers.get("age", "0")))  # A cache has kept it for so long.
        except (TypeError, ValueError, OverflowError):
            return None
        return (made if made.tzinfo else made.replace(tzinfo=UTC)) + age


def send(request: Outgoing) -> Answer:
    """The answer, whatever its status. Raises NotReached, and PrivateAddress before anything is sent."""
    deadline = time.monotonic() + request.seconds
    backend = _CheckedBackend(deadline, request.allow_private)
    phases = dict.fromkeys(("connect", "read", "write", "pool"), request.seconds)
    headers = {"Accept-Encoding": "identity", **request.headers}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream(
                request.method,
                request.url,
                headers=list(headers.items()),
                content=request.content or None,
                extensions={"timeout": phases},
            ) as response,
        ):
            body, is_complete = _body(response, request.max_bytes)
            names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, names, body, is_complete)
    except httpcore.TimeoutException as error:
        raise NotReached(f"There was no answer within {request.seconds:g} seconds.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        is_untrusted = any(isinstance(each, ssl.SSLCertVerificationError) for each in error.args)
        kind = NotTrusted if is_untrusted else NotReached
        raise kind(f"The connection failed: {error or type(error).__name__}.") from error


def _body(response: httpcore.Response, limit: int) -> tuple[bytes, bool]:
    received = b""
    for chunk in response.iter_stream():
        received += chunk
        if len(received) > limit:
            return received[:limit], False
    return received, True


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates of all authorities takes 70 ms of CPU time."""
    return httpx.create_ssl_context(trust_env=False)


def is_public(address: str) -> bool:
    """Whether an IP address can be reached from everywhere: not private, shared, local or reserved, nor multicast.

    An IPv6 address that routers translate to an IPv4 address is as public as that one.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if parsed in NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if parsed not in GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in NOT_PUBLIC)


def checked_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of a host. Raises PrivateAddress if one of them is not public, and NotReached if it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReached(f"The host {host} has no address.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise PrivateAddress(f"The host {host} has an address that is not public.")
    return list(dict.fromkeys(addresses))


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only. TLS is still verified against the name."""

    def __init__(self, deadline: float, allow_private: bool) -> None:
        self._deadline, self._allow_private = deadline, allow_private
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in checked_addresses(host, port, allow_private=self._allow_private):
            try:
                left = _left(self._deadline)
                opened = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return _LimitedStream(opened, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("no address")


class _LimitedStream(httpcore.NetworkStream):
    """A stream of which no operation lasts beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _LimitedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises httpcore.ReadTimeout after it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
