"""Slow and silent clients do not stop the site: started as the documentation says, directly and behind nginx."""

import os
import resource
import socket
import ssl
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests import http
from tests.http import TIMEOUT
from tests.nginx import nginx_is_installed, started_nginx
from tests.stack import Site, accepts, free_port, wait_until

IDLE, SLOW_HEADERS, SLOW_BODIES = 1000, 200, 200
FLOOD = 12
MEASUREMENTS, DEADLINE_SECONDS = 20, 60
HEADER = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = (
    b"POST /api/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
)
Connect = Callable[[], socket.socket]


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def started_site(directory: Path, config: str = "python:uploads.site.gunicorn", **variables: str) -> Iterator[Site]:
    """The standalone site alone, without an OSS."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SECURE_COOKIES": "false",
        "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
        "OSS_ENDPOINT": "http://127.0.0.1:1",
        "OSS_ADDRESSING": "path",
        "OSS_REGION": "cn-hangzhou",
        "OSS_BUCKET": "demo-bucket",
        "OSS_ACCESS_KEY_ID": "id",
        "OSS_ACCESS_KEY_SECRET": "secret",
        **variables,
    }
    site = Site(environment, free_port(), config=config)
    try:
        yield site.start()
    finally:
        site.kill()


def open_connections(connect: Connect, count: int, sent: bytes, held: ExitStack) -> list[socket.socket]:
    opened = []
    for _ in range(count):
        opened.append(held.enter_context(connect()))
        if sent:
            opened[-1].sendall(sent)
    return opened


@contextmanager
def trickling(connections: list[socket.socket]) -> Iterator[None]:
    """One more byte on each connection every second."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(1):
            for connection in connections:
                with suppress(OSError):  # The server may close it.
                    connection.sendall(b"x")

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()


def is_answered(connect: Connect) -> bool:
    """False where the request was closed: on a busy machine its own deadline of a second may pass."""
    try:
        seconds_to_answer(connect)
    except (AssertionError, ConnectionError):
        return False
    return True


def seconds_to_answer(connect: Connect) -> float:
    """Time from the connection to the answer to `/healthz/live`."""
    began = time.monotonic()
    with connect() as connection:
        connection.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b""
        while received := connection.recv(4096):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    return time.monotonic() - began


def assert_answers_within_a_second(plain: Connect, connect: Connect, name: str) -> None:
    """`plain` connects for those who send nothing, `connect` for those who speak (with TLS where there is TLS)."""
    with ExitStack() as held:
        idle = open_connections(plain, IDLE, b"", held)
        slow = open_connections(connect, SLOW_HEADERS, HEADER, held)
        slow += open_connections(connect, SLOW_BODIES, BODY, held)
        assert len(idle) + len(slow) == 1400
        taken: list[float] = []
        with trickling(slow):
            deadline = time.monotonic() + DEADLINE_SECONDS
            while len(taken) < MEASUREMENTS or (min(taken) > 1 and time.monotonic() < deadline):
                taken.append(seconds_to_answer(connect))
    print(f"{name}: fastest {min(taken):.3f} s, median {statistics.median(taken):.3f} s, slowest {max(taken):.3f} s")
    assert min(taken) < 1, taken


def plain_connection(port: int) -> Connect:
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=60)


def test_the_site_answers_under_slow_clients(tmp_path: Path) -> None:
    with started_site(tmp_path) as site:
        connect = plain_connection(site.port)
        assert_answers_within_a_second(connect, connect, "direct")


def test_the_site_behind_nginx_answers_under_slow_clients(tmp_path: Path) -> None:
    if not nginx_is_installed():
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    with started_site(tmp_path) as site, started_nginx(tmp_path, site.port) as port:
        trusted = ssl.create_default_context(cafile=tmp_path / "site.pem")
        plain = plain_connection(port)

        def connect() -> socket.socket:
            return trusted.wrap_socket(plain(), server_hostname="127.0.0.1")

        assert_answers_within_a_second(plain, connect, "behind nginx")


def test_a_request_has_a_deadline_and_new_connections_are_always_accepted(tmp_path: Path) -> None:
    config = tmp_path / "gunicorn.py"
    config.write_text(
        "from uploads.site import worker\nfrom uploads.site.gunicorn import *\n"
        "worker.REQUEST_SECONDS = worker.CLEANUP_SECONDS = 1\nworker_connections = 50\n"
    )
    with started_site(tmp_path, str(config)) as site, ExitStack() as held:
        connect = plain_connection(site.port)
        (slow,) = open_connections(connect, 1, HEADER, held)
        with trickling([slow]), suppress(ConnectionResetError):
            assert slow.recv(1) == b""  # Closed, though it sends all the time.
        open_connections(connect, 120, HEADER, held)
        wait_until(lambda: is_answered(connect), "an answer beside 120 slow requests", 60)


def test_a_flood_of_logins_leaves_the_rest_alone(tmp_path: Path) -> None:
    """From many addresses and for many accounts, so that no limit of these helps."""
    with started_site(tmp_path, DJANGO_PROXIES="1") as site:
        site.manage("migrate", "--verbosity", "0")
        ended, statuses = threading.Event(), Counter[int]()

        def flood(name: int) -> None:
            with http.Client() as client:
                while not ended.is_set():
                    number = f"{name}.{sum(statuses.values()) % 250}"
                    login = {"username": number, "password": "guess"}
                    headers = {"X-Forwarded-For": f"10.0.{number}", "X-Forwarded-Proto": "https"}
                    statuses[client.post(f"{site.url}/api/token/", json=login, headers=headers).status_code] += 1

        threads = [threading.Thread(target=flood, args=[name]) for name in range(FLOOD)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: statuses[400] and statuses[503], "passwords to be checked and refused")
            connect = plain_connection(site.port)
            taken: list[float] = []
            deadline = time.monotonic() + DEADLINE_SECONDS
            while len(taken) < 5 or (min(taken) > 1 and time.monotonic() < deadline):
                taken.append(seconds_to_answer(connect))
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    print(f"flood {dict(statuses)}: fastest {min(taken):.3f} s, median {statistics.median(taken):.3f} s")
    assert set(statuses) <= {400, 429, 503}
    assert min(taken) < 1, taken


def test_a_site_of_several_processes_does_not_start_with_a_cache_in_memory(tmp_path: Path) -> None:
    """The number may come from the environment, or from a file of settings that nobody but gunicorn reads."""
    (tmp_path / "gunicorn.py").write_text("from uploads.site.gunicorn import *\nworkers = 2\n")
    for config, variables in (
        (str(tmp_path / "gunicorn.py"), {}),
        ("python:uploads.site.gunicorn", {"WEB_CONCURRENCY": "2"}),
    ):
        with suppress(RuntimeError), started_site(tmp_path, config, CACHE_URL="locmem://", **variables) as site:
            assert site.process is not None
            assert site.process.wait(TIMEOUT) != 0


@pytest.mark.parametrize("before", [b"", b"GET /healthz/live HT"], ids=["nothing sent", "half a request"])
def test_a_connection_that_was_opened_is_answered_although_the_site_ends(tmp_path: Path, before: bytes) -> None:
    """A balancer opens a connection, and then sends its request: at a restart none of them may be lost."""
    request = b"GET /healthz/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    config = tmp_path / "gunicorn.py"
    config.write_text(
        "from uploads.site import worker\nfrom uploads.site.gunicorn import *\n"
        "worker.REQUEST_SECONDS = worker.FIRST_REQUEST_SECONDS = graceful_timeout = 600\n"
    )
    with (
        started_site(tmp_path, str(config)) as site,
        socket.create_connection(("127.0.0.1", site.port), TIMEOUT) as connection,
    ):
        connection.sendall(before)
        assert site.process is not None
        site.process.terminate()
        wait_until(lambda: not accepts(site.port), "the site to let go of its port")
        connection.sendall(request.removeprefix(before))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert site.process.wait(TIMEOUT) == 0
