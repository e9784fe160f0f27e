"""The site under ASGI (uvicorn): slow answers of OSS hold up neither each other nor other requests.

Nothing is timed: the storage of this test answers nothing at all, so what is answered does not wait for it.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import http
from tests.stack import AsgiSite, Stack, wait_until

SLOW_CALLS, LIMIT = 50, 5
HEALTH_REQUESTS = 20
FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000}


class SilentStorage(socketserver.ThreadingTCPServer):
    """Counts the requests that begin an upload, and leaves them without an answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = SLOW_CALLS

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.waiting = 0
        self.lock = threading.Lock()

    def __enter__(self) -> "SilentStorage":
        threading.Thread(target=self.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: SilentStorage

    def handle(self) -> None:
        if self.rfile.readline().startswith(b"HEAD"):  # A process asks for the time first.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self._count(1)
        try:
            while True:  # The site's time limit is between two bytes.
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                threading.Event().wait(1)
        except OSError:  # The site has ended.
            self._count(-1)

    def _count(self, by: int) -> None:
        with self.server.lock:
            self.server.waiting += by


@contextmanager
def begun_uploads(stack: Stack, count: int) -> Iterator[list[int]]:
    """Begin `count` uploads at once, each of which waits for OSS. The list gets the status of each answer."""
    answered: list[int] = []

    def begin() -> None:
        try:
            with stack.api() as api:
                answered.append(api.post("uploads/", json=FILE).status_code)
        except httpx.TransportError:  # The site ends before OSS answers.
            pass

    stack.api().close()  # Logs in.
    threads = [threading.Thread(target=begin) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stack.site.kill()
        for thread in threads:
            thread.join()


def test_slow_calls_to_oss_hold_up_nothing_and_what_runs_at_once_is_limited(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        SilentStorage() as oss,
        Stack(site=AsgiSite, cors=False, log=log, variables={"OSS_ENDPOINT": oss.url}) as stack,
    ):
        assert http.get(f"{stack.site.url}/static/admin/css/base.css").status_code == 200
        with begun_uploads(stack, SLOW_CALLS) as answered:
            wait_until(lambda: oss.waiting == SLOW_CALLS, "all of them to be at OSS")
            for _ in range(HEALTH_REQUESTS):
                ready = http.get(f"{stack.site.url}/healthz")
                assert (ready.status_code, ready.json()["ready"]) == (200, True)
            assert answered == []
        wait_until(lambda: oss.waiting == 0, "their connections to end")
        stack.site.environment["ASGI_CONCURRENCY"] = str(LIMIT)
        stack.site.start()
        with begun_uploads(stack, 4 * LIMIT) as answered:
            wait_until(lambda: oss.waiting == LIMIT, "as many as may run at once to be at OSS")
            for _ in range(HEALTH_REQUESTS):
                assert http.get(f"{stack.site.url}/healthz/live").status_code == 200
            assert (oss.waiting, answered) == (LIMIT, [])
    assert "Warning" not in log.read_text()
