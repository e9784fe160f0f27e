"""gunicorn's worker, and what it reads from a connection: requests and their bodies.

Where OSS, or the standard, asks for something else than gunicorn does, a method is overridden here:

- The application refuses a request line or a header that is too long (`Request.check_size`), because it knows the CORS
  headers of the answer.
- A request that cannot be read is answered with OSS's error document, and with CORS headers as far as bucket and origin
  can be told.
- `100 Continue` is sent when the body is first read, so that a refused request is answered before its body is sent
  (RFC 9110, section 10.1.1).
- With Transfer-Encoding and Content-Length, the body is read as chunked, and the connection is closed after the answer
  (RFC 9112, section 6.1).

Rule: nothing but `server.py` and this module knows gunicorn.
"""

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gunicorn.http import parser, wsgi  # type: ignore[import-untyped]
from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders, ParseException  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.workers import gthread  # type: ignore[import-untyped]

from uploads.localoss.answers import wsgi_value
from uploads.localoss.body import CHUNK, Chunk
from uploads.localoss.errors import Refusal, invalid_argument

IDLE_SECONDS = 0.5
"""Seconds that a new connection without a request holds a thread, before it waits without one. Browsers open several
connections ahead of need."""
NEXT_SECONDS = 0.02
"""Seconds that a connection holds its thread after a response. Most clients send their next request by then, and the
way back to the poller and into a thread again has four changes of threads."""
IN_A_ROW = 16
"""Requests of one connection after which it waits its turn, where there are more busy connections than threads."""
MAX_HEAD_BYTES = 128 * 1024
"""Bytes of a request's line and headers that are read at all."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEADER = re.compile(rb"(?im)^(host|origin):[ \t]*([\x20-\x7e]*?)[ \t]*\r?$")
_buffers = threading.local()


def install() -> None:
    """Make gunicorn use these classes. It has no settings for them."""
    wsgi.SERVER = "AliyunOSS"
    wsgi.Response = Response
    parser.RequestParser.mesg_class = ReadRequest
    gthread.DEFAULT_WORKER_DATA_TIMEOUT = IDLE_SECONDS


class Unreadable(ParseException):  # type: ignore[misc]
    """The head of a request can be read, but is not valid. `refusal` is the error to answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Sized:
    """A body of known length, received into one buffer for each thread. A chunk is valid until the next read."""

    def __init__(self, unreader: Any, length: int) -> None:
        self._unreader, self._left = unreader, length
        self._held: bytes | None = None

    def read(self, size: int, /) -> Chunk:
        """At most `size` bytes; nothing at the end of the body or of the connection."""
        size = min(size, self._left)
        if size <= 0:
            return b""
        if self._held is None:
            self._held = self._unreader.take_buffered()
        chunk: Chunk
        if self._held:
            chunk, self._held = self._held[:size], self._held[size:]
            if len(chunk) == self._left:
                self._unreader.unread(self._held)
        else:
            view = _buffer()[:size]
            # Fewer, full chunks cost less than the pieces in which a body arrives.
            chunk = view[: self._unreader.sock.recv_into(view, 0, socket.MSG_WAITALL)]
        self._left -= len(chunk)
        return chunk


class Chunked:
    """A chunked body, as gunicorn's parser yields it. gunicorn's own `read` copies each piece several times."""

    def __init__(self, reader: Any) -> None:
        self._pieces: Iterator[bytes] = reader.parser
        self._held = memoryview(b"")

    def read(self, size: int, /) -> Chunk:
        """At most `size` bytes; nothing at the end of the body."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)
        chunk, self._held = self._held[:size], self._held[size:]
        return chunk


def _buffer() -> memoryview:
    """This thread's buffer of CHUNK bytes."""
    view: memoryview | None = getattr(_buffers, "view", None)
    if view is None:
        view = _buffers.view = memoryview(bytearray(CHUNK))
    return view


class RequestBody:
    """The body of a request, as the application and gunicorn read it. `failed` tells gunicorn not to read a further
    request from the connection. `continue_due` is true until a client that waits for `100 Continue` is sent it.
    """

    def __init__(self, request: Any, reader: Any) -> None:
        self._reader = reader
        self._socket: socket.socket = request.unreader.sock
        self.continue_due = request.waits_for_continue
        self.failed = False

    def read(self, size: int, /) -> Chunk:
        """At most `size` bytes. OSError if the connection fails, or a chunk is malformed."""
        if self.continue_due:
            self.continue_due = False
            self._socket.sendall(_CONTINUE)
        try:
            chunk: Chunk = self._reader.read(size)
        except ParseException as error:
            self.failed = True
            raise OSError("malformed chunk") from error
        except OSError:
            self.failed = True
            raise
        return chunk


class ReadRequest(Request):  # type: ignore[misc]
    """gunicorn's request. `head` holds the bytes that were read of it, for the answer to one that is malformed."""

    headers: list[tuple[str, str]]
    body: Any
    _expected_100_continue: bool

    def __init__(self, *arguments: Any) -> None:
        self.head = bytearray()
        self.waits_for_continue = False
        try:
            super().__init__(*arguments)
        except ParseException as error:
            error.head = bytes(self.head)
            raise

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        """Read more of the head. LimitRequestHeaders beyond MAX_HEAD_BYTES."""
        before = len(buf)
        super().read_into(unreader, buf, stop)
        self.head += buf[before:]
        if len(self.head) > MAX_HEAD_BYTES:
            raise LimitRequestHeaders("request head")

    def set_body_reader(self) -> None:
        """Choose how the body is read. Called after the headers are parsed."""
        # gunicorn would send `100 Continue` before the application runs.
        self.waits_for_continue, self._expected_100_continue = self._expected_100_continue, False
        self._check_once()
        sent = self.headers
        if {"TRANSFER-ENCODING", "CONTENT-LENGTH"} <= {name for name, _ in sent}:
            self.headers = [pair for pair in sent if pair[0] != "CONTENT-LENGTH"]
            self.force_close()
        super().set_body_reader()
        self.headers = sent
        reader = self.body.reader
        chunked = isinstance(reader, ChunkedReader)
        self.body = RequestBody(self, Chunked(reader) if chunked else Sized(self.unreader, reader.length))

    def _check_once(self) -> None:
        """Unreadable without the Host header, with two of them, or with two Authorization headers.

        RFC 9112, section 3.2, asks for 400 for the first two. OSS's codes are unknown.
        """
        names = [name for name, _ in self.headers]
        if names.count("HOST") != 1 and self.version >= (1, 1):
            raise Unreadable(Refusal("InvalidRequest", message="A request must have exactly one Host header."))
        if names.count("AUTHORIZATION") > 1:
            message = "A request must not have more than one Authorization header."
            raise Unreadable(invalid_argument("Authorization", "", message, "0002-00000210"))


class Response(wsgi.Response):  # type: ignore[misc]
    """gunicorn's response. A Date header of the application replaces gunicorn's, because a fault may shift the clock;
    `Connection: close` closes the connection."""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        self.date = next((value for name, value in headers if name == "Date"), "")
        if ("Connection", "close") in headers:
            self.force_close()
        super().process_headers(headers)

    def default_headers(self) -> list[str]:
        lines: list[str] = super().default_headers()
        return [f"Date: {self.date}\r\n" if self.date and line.startswith("Date:") else line for line in lines]


class Worker(gthread.ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads. It answers a malformed request with an OSS error, and does not log its text."""

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow it at once. What is returned tells gunicorn what becomes of the
        connection."""
        for _ in range(IN_A_ROW):
            result = super().handle(conn)
            if result is not True or not self.alive or not _arrives(conn.sock, NEXT_SECONDS):
                break
        return result

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        refusal = getattr(exc, "refusal", None) or Refusal("InvalidRequest", message="The request cannot be read.")
        head = getattr(exc, "head", b"") or bytes(getattr(req, "head", b""))
        answer = self.app.application.unreadable(environ_of(head), refusal)
        body = answer.body if isinstance(answer.body, bytes) else b""
        lines = {**answer.headers, "Server": wsgi.SERVER, "Connection": "close", "Content-Length": str(len(body))}
        text = "".join(f"{name}: {wsgi_value(value)}\r\n" for name, value in lines.items())
        with suppress(OSError):
            client.sendall(f"HTTP/1.1 {answer.status_line}\r\n{text}\r\n".encode("latin-1") + body)


def _arrives(connection: socket.socket, seconds: float) -> bool:
    """Whether bytes or the end of the connection arrive within so many seconds."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def environ_of(head: bytes) -> dict[str, Any]:
    """What can be told of a request that cannot be read: its method, its target, Host and Origin."""
    line, _, rest = head.partition(b"\r\n")
    method, _, target = line.partition(b" ")
    target = target.partition(b" ")[0]
    environ = {
        "REQUEST_METHOD": method.decode("latin-1") if method.isalpha() else "GET",
        "RAW_URI": target.decode("ascii") if target.isascii() and target.startswith(b"/") else "/",
        "wsgi.input": None,
    }
    for name, value in _HEADER.findall(rest.partition(b"\r\n\r\n")[0]):
        environ.setdefault(f"HTTP_{name.decode().upper()}", value.decode())
    return environ
