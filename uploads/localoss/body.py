"""The bytes that a request brings.

Rule: never more than one chunk of them in memory, unless the operation reads XML, and then bounded.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from uploads.localoss.errors import Refusal

CHUNK = 1024 * 1024
DRAIN_BYTES = 1024 * 1024 * 1024
DRAIN_SECONDS = 20.0
"""An unread body is read away before an early refusal: otherwise the connection is reset under the client, which
then sees a network failure instead of our 403. Beyond these bounds it is closed."""


class Stream(Protocol):
    """What WSGI calls wsgi.input."""

    def read(self, size: int, /) -> bytes: ...


class Body:
    """`length` None: chunked, or nothing at all."""

    def __init__(self, stream: Stream, headers: Mapping[str, str]) -> None:
        length = headers.get("content-length", "")
        self.length = int(length) if length.isdigit() else None
        self.chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self.content_md5 = headers.get("content-md5")
        self._stream = stream
        self._broken = False
        self._left = self.length

    def require_length(self, limit: int) -> None:
        """An upload must say how long it is, or come in chunks; and not be too long."""
        if self.length is None and not self.chunked:
            raise Refusal("MissingContentLength")
        if self.length is not None and self.length > limit:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(limit), "ProposedSize": str(self.length)})

    def chunks(self, limit: int, size: int = CHUNK) -> Iterator[bytes]:
        """The bytes, in pieces of `size` at most; IncompleteBody if there are fewer than announced."""
        received = 0
        while chunk := self._read(size):
            received += len(chunk)
            if received > limit:
                raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(limit)})
            yield chunk
        if self._left:
            self._broken = True
            raise Refusal("IncompleteBody")

    def whole(self, limit: int, code: str = "MalformedXML") -> bytes:
        """All of a small body, its Content-MD5 checked."""
        if self.length is not None and self.length > limit:
            raise Refusal(code)
        received = bytearray()
        for chunk in self.chunks(limit):
            received += chunk
        self.check_md5(hashlib.md5(received, usedforsecurity=False).digest())
        return bytes(received)

    def check_md5(self, digest: bytes) -> None:
        """Against Content-MD5, if one was sent."""
        if self.content_md5 is None:
            return
        try:
            wanted = base64.b64decode(self.content_md5, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal("InvalidDigest", {"Content-MD5": self.content_md5}) from error
        if not hmac.compare_digest(wanted, digest):
            raise Refusal("InvalidDigest", {"Content-MD5": self.content_md5})

    @property
    def expected(self) -> bool:
        """Whether there is one at all."""
        return self.chunked or bool(self.length)

    def through(self, wrap: Callable[[Stream], Stream]) -> None:
        """Read it through something else from here on."""
        self._stream = wrap(self._stream)

    def drain(self) -> None:
        """Read away what nobody wanted, within bounds."""
        deadline, left = time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
        if self._broken or (self._left is not None and self._left > DRAIN_BYTES):
            return
        try:
            while left > 0 and time.monotonic() < deadline and (chunk := self._read()):
                left -= len(chunk)
        except Refusal:
            self._broken = True

    def _read(self, size: int = CHUNK) -> bytes:
        if self._broken or self._left == 0 or (self._left is None and not self.chunked):
            return b""
        try:
            chunk = self._stream.read(size if self._left is None else min(size, self._left))
        except (TimeoutError, BlockingIOError) as error:
            self._broken = True
            raise Refusal("RequestTimeout") from error
        except OSError as error:
            self._broken = True
            raise Refusal("IncompleteBody") from error
        if self._left is not None:
            self._left -= len(chunk)
        return chunk
