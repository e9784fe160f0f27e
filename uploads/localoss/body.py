"""Request bodies.

Rule: no more than one chunk is in memory, except for XML and forms, whose size is limited.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from uploads.localoss.errors import Refusal

Chunk: TypeAlias = bytes | memoryview
"""Some bytes of a body, valid until the next ones are read."""

CHUNK = 256 * 1024
"""Bytes that are received at once. They stay in the processor's cache until they are hashed and written."""
DRAIN_BYTES = 1024 * 1024 * 1024
DRAIN_SECONDS = 20.0
"""The rest of the body is read after an early response. Otherwise the kernel resets the connection, and the client sees
a network failure instead of the response. Beyond these limits the connection is closed.
"""


class Stream(Protocol):
    """A body to read from: WSGI's wsgi.input, or a wrapper around it."""

    def read(self, size: int, /) -> Chunk: ...


class Body:
    """The body of a request. `length` is in bytes; it is None for a chunked or an absent body."""

    def __init__(self, stream: Stream, headers: Mapping[str, str]) -> None:
        length = headers.get("content-length", "")
        self.chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        # A chunked body may have any Content-Length (RFC 9112, section 6.3).
        self.length = int(length) if length.isdigit() and not self.chunked else None
        self.content_md5 = headers.get("content-md5")
        self._stream = self._source = stream
        self._broken = False
        self._left = self.length

    def require_length(self, limit: int) -> None:
        """Refusal (MissingContentLength or EntityTooLarge) unless the body is chunked or has at most `limit` bytes."""
        if self.length is None and not self.chunked:
            raise Refusal("MissingContentLength")
        if self.length is not None and self.length > limit:
            raise Refusal("EntityTooLarge", {"MaxSizeAllowed": str(limit), "ProposedSize": str(self.length)})

    def chunks(self, limit: int, size: int = CHUNK) -> Iterator[Chunk]:
        """The body in chunks of at most `size` bytes. Refusal: EntityTooLarge beyond `limit` bytes, IncompleteBody if
        fewer bytes arrive than announced, RequestTimeout if the client stops sending (OSS manual: "UploadPart",
        error codes).
        """
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
        """The whole of a small body, its Content-MD5 checked. Refusal with `code` beyond `limit` bytes."""
        if self.length is not None and self.length > limit:
            raise Refusal(code)
        received = bytearray()
        for chunk in self.chunks(limit):
            received += chunk
        self.check_md5(hashlib.md5(received, usedforsecurity=False).digest())
        return bytes(received)

    def check_md5(self, digest: bytes) -> None:
        """Refusal (InvalidDigest) if a Content-MD5 was sent and differs from `digest`. OSS has no BadDigest."""
        if self.content_md5 is None:
            return
        try:
            expected = base64.b64decode(self.content_md5, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal("InvalidDigest", {"Content-MD5": self.content_md5}) from error
        if not hmac.compare_digest(expected, digest):
            raise Refusal("InvalidDigest", {"Content-MD5": self.content_md5})

    @property
    def expected(self) -> bool:
        """Whether the request has a body."""
        return self.chunked or bool(self.length)

    def wrap(self, wrapper: Callable[[Stream], Stream]) -> None:
        """Read the rest of the body through a wrapper."""
        self._stream = wrapper(self._stream)

    @property
    def wrapped(self) -> bool:
        """Whether the body is read through a wrapper."""
        return self._stream is not self._source

    @property
    def unasked(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return bool(getattr(self._source, "continue_due", False))

    def drain(self, connection: Any = None) -> None:
        """Read and drop the rest of the body, within DRAIN_BYTES and DRAIN_SECONDS. `connection` is the socket that the
        body arrives on."""
        deadline, left = time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
        if self.unasked or self._broken or (self._left is not None and self._left > DRAIN_BYTES):
            return
        try:
            while left > 0 and (seconds := deadline - time.monotonic()) > 0:
                if connection is not None:
                    connection.settimeout(seconds)
                if not (chunk := self._read()):
                    break
                left -= len(chunk)
        except Refusal:
            self._broken = True

    def _read(self, size: int = CHUNK) -> Chunk:
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
