"""An inspector for staged destinations: lets ClamAV scan each file.

    "inspector": "uploads.clamav.inspect"

`CLAMD_ADDRESS` says where clamd listens. The file is streamed through this process to clamd by the INSTREAM command and
is not stored here. clamd refuses files above its StreamMaxLength, and passes files above its MaxFileSize and
MaxScanSize unless AlertExceedsMax is on. So raise these limits to the destination's `max_size`.

Manual: https://docs.clamav.net/manual/Usage/Scanning.html#clamd
"""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from uploads.conf import settings
from uploads.domain.errors import Rejected
from uploads.domain.phrase import Phrase

CHUNK_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 120.0
"""For connecting, for each chunk, and for the verdict."""
MAX_ANSWER_BYTES = 4096
TOO_LARGE = "INSTREAM size limit exceeded. ERROR"


class ScannerFailed(Exception):
    """clamd gave no verdict. The message is clamd's."""


def inspect(upload: Any, open_file: Callable[[], BinaryIO]) -> None:
    """Raises Rejected for a file in which ClamAV finds something, or which clamd refuses as too large.

    Raises ScannerFailed, or OSError if clamd cannot be reached; the upload then waits.
    """
    with open_file() as file:
        answer = scan(settings.clamd_address, file)
    if answer.endswith(" FOUND"):
        found = answer.removeprefix("stream: ").removesuffix(" FOUND")
        raise Rejected(Phrase("The virus scanner found {found}.", found=found))
    if answer == TOO_LARGE:
        raise Rejected(Phrase("The file is too large for the virus scanner."))
    if answer != "stream: OK":
        raise ScannerFailed(answer)


def scan(address: str, file: BinaryIO) -> str:
    """clamd's answer, such as `stream: OK` or `stream: Eicar-Test-Signature FOUND`. Raises OSError."""
    with _connect(address) as connection:
        # clamd closes the connection when it has seen enough; its answer says why.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"zINSTREAM\0")
            while chunk := file.read(CHUNK_BYTES):
                connection.sendall(struct.pack("!I", len(chunk)) + chunk)
            connection.sendall(struct.pack("!I", 0))
        answer = b""
        with suppress(ConnectionResetError):
            while len(answer) < MAX_ANSWER_BYTES and (received := connection.recv(MAX_ANSWER_BYTES)):
                answer += received
    return answer.rstrip(b"\0\n").decode(errors="replace")


def _connect(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
