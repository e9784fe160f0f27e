"""Faults carried out on a request, its body and its answer.

Rule: a fault is put around the honest server, never inside it: the work itself does not know.
"""

import errno
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

from uploads.localoss.answers import Answer
from uploads.localoss.body import Stream
from uploads.localoss.errors import Refusal
from uploads.localoss.faults import Effects, Error
from uploads.localoss.operations import traffic
from uploads.localoss.request import Request

EXPOSED = "Access-Control-Expose-Headers"


class Cut(BaseException):
    """The connection is to be reset. Not an Exception: nothing in between may take it for a fault of ours."""


def before(effects: Effects, request: Request) -> None:
    """What happens ahead of the work, and to the bytes that arrive during it."""
    if effects.delay:
        time.sleep(effects.delay)
    if effects.reset == "before":
        raise Cut
    if effects.slow:
        request.body.through(lambda stream: _Slow(stream, effects.slow or 1))
    if effects.flip_byte:
        request.body.through(_Flipped)
    if effects.reset == "middle" and request.body.expected:
        half = (request.body.length or 0) // 2
        request.body.through(lambda stream: _Broken(stream, half))
    if effects.error:
        raise _refusal(effects.error)


def after(effects: Effects, request: Request, answer: Answer) -> Answer:
    """What happens to the answer of work that was done."""
    if effects.lose_answer:
        raise Cut
    if effects.error:
        answer.headers.update(effects.error.headers)
    cut = effects.reset == "middle" and not request.body.expected
    if not (cut or effects.slow):
        return answer
    if isinstance(answer.body, bytes):
        answer.headers["Content-Length"] = str(len(answer.body))
    size = int(answer.headers.get("Content-Length", 0))
    pieces = iter([answer.body]) if isinstance(answer.body, bytes) else iter(answer.body)
    chunks = traffic.at_pace(pieces, effects.slow)
    answer.body = _Sent(answer.body, _first(chunks, size // 2) if cut else chunks)
    return answer


def hidden(effects: Effects, headers: dict[str, str]) -> dict[str, str]:
    """CORS headers, without ETag among those exposed if it is to be hidden."""
    if not effects.hide_etag or EXPOSED not in headers:
        return headers
    names = [name for name in headers[EXPOSED].split(", ") if name.lower() not in ("etag", "*")]
    return {**headers, EXPOSED: ", ".join(names)}


def reset(environ: dict[str, Any]) -> OSError:
    """Make the close that follows a reset; what to raise so that gunicorn closes and says nothing."""
    connection = environ.get("localoss.socket")
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return OSError(errno.ECONNRESET, "reset on demand")


def _refusal(error: Error) -> Refusal:
    """In the words of the rule, which may be codes that this server itself never says."""
    refusal = Refusal("InternalError", message=error.message or error.code, status=error.status)
    refusal.code = error.code
    return refusal


def _first(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) >= size:
            yield chunk[:size]
            raise Cut
        size -= len(chunk)
        yield chunk
    raise Cut


class _Sent:
    """An answer's body that lets go of what the honest one holds."""

    def __init__(self, body: object, chunks: Iterator[bytes]) -> None:
        self._close = getattr(body, "close", None)
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if self._close:
            self._close()


class _Slow:
    def __init__(self, stream: Stream, rate: int) -> None:
        self._stream, self._rate = stream, rate

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(min(size, max(1, self._rate // 10)))
        time.sleep(len(chunk) / self._rate)
        return chunk


class _Broken:
    def __init__(self, stream: Stream, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int) -> bytes:
        if self._left <= 0:
            raise Cut
        chunk = self._stream.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk


class _Flipped:
    """The first byte arrives as another."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._done = stream, False

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        if self._done or not chunk:
            return chunk
        self._done = True
        return bytes([chunk[0] ^ 1]) + chunk[1:]
