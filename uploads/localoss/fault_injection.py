"""Fault injection: the effects of `faults.Rule` on a request, its body and its response.

Rule: faults are applied around an operation, never inside it. Operations know nothing of them.
"""

import errno
import re
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

from uploads.localoss.answers import Answer
from uploads.localoss.body import Chunk, Stream
from uploads.localoss.errors import ERRORS, Refusal
from uploads.localoss.faults import Effects, Error
from uploads.localoss.operations import traffic
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload

CORS = "Access-Control-"
EXPOSED = "Access-Control-Expose-Headers"


class ResetRequested(BaseException):
    """The connection is to be reset. Not an Exception, so that nothing on the way turns it into InternalError."""


def apply_before(effects: Effects, request: Request, store: Store) -> None:
    """Apply the effects that come before the operation, or on the bytes that it reads.

    Refusal for an injected error, ResetRequested for a reset.
    """
    if effects.delay:
        time.sleep(effects.delay)
    if effects.reset == "before":
        raise ResetRequested
    if effects.slow:
        request.body.wrap(lambda stream: _SlowStream(stream, effects.slow or 1))
    if effects.flip_byte:
        is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
        request.body.wrap(lambda stream: _CorruptedStream(stream, is_form=is_form))
    if effects.survive_abort and (upload := _upload_of(request, store)) is not None:
        request.body.wrap(lambda stream: _SurvivingStream(stream, request.body.length or 0, store, upload))
    if effects.reset == "middle" and request.body.expected:
        half = (request.body.length or 0) // 2
        request.body.wrap(lambda stream: _ResettingStream(stream, half))
    if effects.error:
        raise _refusal_of(effects.error)


def apply_after(effects: Effects, request: Request, answer: Answer) -> Answer:
    """The response after the effects that follow the operation. ResetRequested if the response is to be lost."""
    if effects.lose_answer:
        raise ResetRequested
    if effects.error:
        answer.headers.update(effects.error.headers)
    if effects.hide_cors:
        answer.headers = {name: value for name, value in answer.headers.items() if not name.startswith(CORS)}
    resets = effects.reset == "middle" and not request.body.expected
    if not (resets or effects.slow):
        return answer
    if isinstance(answer.body, bytes):
        answer.headers["Content-Length"] = str(len(answer.body))
    size = int(answer.headers.get("Content-Length", 0))
    pieces = iter([answer.body]) if isinstance(answer.body, bytes) else iter(answer.body)
    chunks = traffic.limited(pieces, effects.slow)
    answer.body = _ReplacedBody(answer.body, _reset_after(chunks, size // 2) if resets else chunks)
    return answer


def cors_headers(effects: Effects, headers: dict[str, str]) -> dict[str, str]:
    """CORS headers; none with `hide_cors`; with `hide_etag`, without ETag among the exposed headers."""
    if effects.hide_cors:
        return {}
    if not effects.hide_etag or EXPOSED not in headers:
        return headers
    names = [name for name in headers[EXPOSED].split(", ") if name.lower() not in ("etag", "*")]
    return {**headers, EXPOSED: ", ".join(names)}


def reset_connection(environ: dict[str, Any]) -> OSError:
    """Make the next close of the request's socket send RST. Returns the exception to raise, on which the server closes
    the connection without a response.
    """
    connection = environ.get("localoss.socket")
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return OSError(errno.ECONNRESET, "reset by fault injection")


def _refusal_of(error: Error) -> Refusal:
    """The injected error: with OSS's message and EC for a code of ERRORS, with those of the rule for any other."""
    if error.code in ERRORS:
        return Refusal(error.code, message=error.message or None, status=error.status)
    refusal = Refusal("InternalError", message=error.message or error.code, status=error.status)
    refusal.code = error.code
    return refusal


def _reset_after(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) >= size:
            yield chunk[:size]
            raise ResetRequested
        size -= len(chunk)
        yield chunk
    raise ResetRequested


class _ReplacedBody:
    """A response body in place of another one, which is closed with it."""

    def __init__(self, body: object, chunks: Iterator[bytes]) -> None:
        self._close = getattr(body, "close", None)
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if self._close:
            self._close()


class _SlowStream:
    """A request body at `rate` bytes per second."""

    def __init__(self, stream: Stream, rate: int) -> None:
        self._stream, self._rate = stream, rate

    def read(self, size: int) -> Chunk:
        chunk = self._stream.read(min(size, max(1, self._rate // 10)))
        time.sleep(len(chunk) / self._rate)
        return chunk


class _ResettingStream:
    """A request body that resets the connection after `left` bytes."""

    def __init__(self, stream: Stream, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int) -> Chunk:
        if self._left <= 0:
            raise ResetRequested
        chunk = self._stream.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk


def _upload_of(request: Request, store: Store) -> Upload | None:
    return store.uploads.get(request.bucket, request.checked_key(), request.parameters.get("uploadId", ""))


class _SurvivingStream:
    """A part whose upload is created again at its end, if it was aborted meanwhile. OSS manual:
    "AbortMultipartUpload", parts that are still being uploaded are not deleted.
    """

    def __init__(self, stream: Stream, length: int, store: Store, upload: Upload) -> None:
        self._stream, self._left, self._store, self._upload = stream, length, store, upload

    def read(self, size: int) -> Chunk:
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        upload, uploads = self._upload, self._store.uploads
        if self._left <= 0 and uploads.get(upload.bucket, upload.key, upload.id) is None:
            uploads.create(upload)
        return chunk


FORM_FILE = re.compile(rb'; name="file".*?\r\n\r\n', re.DOTALL)
"""What a form has before its file."""
ANYTHING = re.compile(b"")


class _CorruptedStream:
    """A request body that has one bit inverted: in its first byte, or in the first byte of a form's file."""

    def __init__(self, stream: Stream, *, is_form: bool) -> None:
        self._stream, self._done = stream, False
        self._before = FORM_FILE if is_form else ANYTHING
        self._seen = b""

    def read(self, size: int) -> Chunk:
        chunk = bytes(self._stream.read(size))
        if self._done or not chunk:
            return chunk
        earlier = len(self._seen)
        self._seen += chunk
        found = self._before.search(self._seen)
        if found is None or found.end() == len(self._seen):
            return chunk
        self._done, self._seen = True, b""
        at = found.end() - earlier
        return chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :]
