"""The server as a process: start and end, slow and idle clients, malformed requests."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.localoss.support import LIMIT_SECONDS, SMALLEST, Wire, bytes_of, raw, refused
from tests.stack import ROOT
from uploads.localoss.testing import LocalServer
from uploads.oss.cors import CorsConfiguration, CorsRule, build_cors

THREADS = 64

SMALL_DISK = """
import resource
from uploads.localoss.arguments import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
main()
"""
IMPATIENT = """
import sys
from pathlib import Path
from uploads.localoss.config import Config
from uploads.localoss.server import serve
serve(Config(root=Path(sys.argv[sys.argv.index("--root") + 1]), port=0, io_timeout=0.2, exit_with_stdin=True))
"""


class Scripted(LocalServer):
    """The same server, begun by a script."""

    def __init__(self, root: Path, script: str) -> None:
        super().__init__(root)
        self.script = script

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.script, *super().command()[3:]]


@contextmanager
def command(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process of the user's own making; it has to be gone at the end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("how", [["manage.py", "localoss"], ["-m", "uploads.localoss"]], ids=["manage.py", "python -m"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_url_and_ends_on_a_signal(how: list[str], number: signal.Signals, tmp_path: Path) -> None:
    options = ["--port", "0", "--root", str(tmp_path), "--bucket", "one-bucket", "--bucket", "two-bucket"]
    with command([*how, *options]) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2])), timeout=LIMIT_SECONDS):
            # Ctrl-C goes to every process of the terminal.
            (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
            printed, complained = process.communicate(timeout=LIMIT_SECONDS)
        assert (process.returncode, printed, complained) == (0, "", "")


@pytest.mark.parametrize("how", [["manage.py", "localoss"], ["-m", "uploads.localoss"]], ids=["manage.py", "python -m"])
def test_taken_port_is_one_line(how: list[str], oss_server: LocalServer, tmp_path: Path) -> None:
    with command([*how, "--port", str(oss_server.port), "--root", str(tmp_path)]) as process:
        printed, complained = process.communicate(timeout=LIMIT_SECONDS)
    expected = f"localoss: cannot listen on 127.0.0.1:{oss_server.port}: Address already in use\n"
    assert (process.returncode, printed, complained) == (1, "", expected)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--bucket", "No"], "localoss: No: The specified bucket is not valid."),
        (["--root", "/dev/null/x"], "localoss: cannot use /dev/null/x: Not a directory"),
        (["--port", "70000"], "localoss: cannot listen on 127.0.0.1:70000: "),
        (["--host", "192.0.2.1"], "localoss: cannot listen on 192.0.2.1:0: "),
    ],
    ids=["bucket", "root", "port", "host"],
)
def test_failed_start_is_one_line(options: list[str], complaint: str, tmp_path: Path) -> None:
    with command(["-m", "uploads.localoss", "--port", "0", "--root", str(tmp_path), *options]) as process:
        printed, complained = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, printed) == (1, "")
    assert complained.startswith(complaint)
    assert complained.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the worker notices within a second")
def test_worker_does_not_outlive_its_parent(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        assert server.process
        parent = server.process.pid
        (worker,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_SECONDS) as connection:
            connection.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(65536).endswith(b"\r\n\r\n"), "it is the worker who holds the connection"
            os.kill(int(worker), signal.SIGSTOP)  # It cannot look for its parent itself.
            os.kill(parent, signal.SIGKILL)
            assert connection.recv(1) == b"", "the worker went, and its connections with it"


def test_client_may_wait_to_be_asked_for_its_body(wire: Wire) -> None:
    target = wire.presigned("PUT", "a")
    head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert wire.call("GET", "a").content == b"hello"


def test_idle_and_slow_connections_do_not_block_others(wire: Wire) -> None:
    upload = wire.initiate("a")
    target = wire.presigned("PUT", "a", [("partNumber", "1"), ("uploadId", upload)])
    head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n".encode()
    with ExitStack() as stack:
        for number in range(THREADS + THREADS // 2):
            connection = socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS)
            stack.enter_context(connection)
            if number >= THREADS:
                connection.sendall(head + b"x")
        # Several, since the server takes up new connections one by one. The idle ones are waited for for 60 seconds.
        assert max(wire.part("a", upload, 2, b"y").elapsed.total_seconds() for _ in range(50)) < LIMIT_SECONDS / 2


def test_client_that_stops_sending_gets_a_timeout(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server, Wire(server, server.bucket) as wire:  # One that is patient.
        rules = build_cors(CorsConfiguration((CorsRule(("https://a.example",), ("PUT",)),)))
        assert wire.call("PUT", "", [("cors", "")], content=rules).status_code == 200
    with Scripted(tmp_path, IMPATIENT) as server, Wire(server, server.bucket) as wire:
        target = wire.presigned("PUT", "a")
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\nOrigin: https://a.example\r\n\r\n"
        for sent in (b"", b"x"):
            answer = raw(server, head.encode() + sent)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"<Code>RequestTimeout</Code>" in answer
            assert b"\r\nAccess-Control-Allow-Origin: https://a.example\r\n" in answer
        assert raw(server, b"GET / HT") == b"", "who does not even ask gets no answer"
        refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


def test_full_disk_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    with Scripted(tmp_path, SMALL_DISK) as server, Wire(server, server.bucket) as wire:
        upload = wire.initiate("a")
        kept = wire.part("a", upload, 1, bytes_of(SMALLEST, 1))
        refused(wire.part("a", upload, 1, bytes(2 << 20)), 500, "InternalError")
        refused(wire.call("PUT", "b", content=bytes(2 << 20)), 500, "InternalError")
        listed = wire.call("GET", "a", [("uploadId", upload)])
        assert kept.headers["ETag"].strip('"') in listed.text
        assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1
        assert wire.put("b", b"x").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 20000 + b"\r\n\r\n",
        b"GET /" + b"k" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /a/b HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"PUT /a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["line", "version", "header", "long header", "long target", "length", "two lengths"],
)
def test_malformed_request_is_an_oss_error(wire: Wire, sent: bytes) -> None:
    answer = raw(wire.server, sent, end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>InvalidRequest</Code>" in answer
    assert b"x-oss-request-id: " in answer
    assert b"nonsense" not in answer


def test_broken_chunks_are_an_incomplete_body(wire: Wire) -> None:
    head = f"PUT {wire.presigned('PUT', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(wire.server, f"{head}5\r\nhello\r\nzz\r\n".encode(), end=True)
    assert b"<Code>IncompleteBody</Code>" in answer
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


def test_second_server_on_a_root_does_not_start(oss_server: LocalServer) -> None:
    command = [sys.executable, "-m", "uploads.localoss", "--root", str(oss_server.root), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"localoss: {oss_server.root} is in use by another local OSS server"
