"""Names of this machine that its resolver may not know."""

import socket
from typing import Any

import pytest


def resolve_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6761, and every browser: what ends in .localhost is this machine. Not every resolver knows."""
    ask = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return ask("127.0.0.1" if name and name.endswith(".localhost") else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
