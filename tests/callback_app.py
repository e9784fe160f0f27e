"""An application that OSS calls back: a real server on a real socket that does what a test says.

Rule: it keeps exactly what arrived; how it answers is a list of bytes, sent as they are.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Call:
    """`headers`: names in lower case, in their order."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int = 200, body: bytes = b'{"ok":true}', headers: str = "") -> Behaviour:
    """A whole answer with its length."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def raw(sent: bytes) -> Behaviour:
    return lambda connection: connection.sendall(sent)


def silence(connection: socket.socket) -> None:
    """Says nothing until the caller gives up."""
    connection.recv(1)


def dripping(connection: socket.socket) -> None:
    """A byte every now and then, for ever: no pause is long, the whole is."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    waiting = threading.Event()
    while not waiting.wait(0.05):
        connection.sendall(b" ")


@dataclass
class CallbackApp:
    """`with CallbackApp() as app:`; `app.url`, `app.calls`."""

    behaviour: Behaviour = field(default_factory=answer)
    calls: list[Call] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/oss/call back?tenant=7&a=%2F".replace(" ", "%20")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            with connection:
                try:
                    self._one(connection)
                except OSError:
                    continue

    def _one(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                return
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        self.calls.append(Call(method, target, headers, body))
        self.behaviour(connection)
