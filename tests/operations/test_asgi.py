"""The site under ASGI (uvicorn): slow answers of OSS hold up neither each other nor other requests.

Nothing is timed. OSS keeps its answers back for longer than the test takes, so what is answered does not wait for OSS.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.stack import TIMEOUT, AsgiSite, Stack, wait_until

SLOW_CALLS, LIMIT = 50, 5
DELAY_SECONDS = 25
HEALTH_REQUESTS = 20
FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000}


@contextmanager
def slow_requests(stack: Stack, count: int) -> Iterator[list[int]]:
    """Begin `count` uploads at once, each of which waits for OSS. The list gets the status of each answer."""
    stack.faults({"operation": "InitiateMultipartUpload", "delay": DELAY_SECONDS})
    answered: list[int] = []

    def begin() -> None:
        try:
            with stack.api() as api:
                answered.append(api.post("uploads/", json=FILE).status_code)
        except httpx.TransportError:  # The test ends before OSS answers.
            pass

    threads = [threading.Thread(target=begin) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stack.site.kill()
        for thread in threads:
            thread.join()


def waiting_at_oss(stack: Stack) -> int:
    rules = httpx.get(f"{stack.oss_server.url}/-/faults", timeout=TIMEOUT).json()["rules"]
    return int(rules[0]["applied"])


def test_slow_calls_to_oss_hold_up_nothing_and_what_runs_at_once_is_limited(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Stack(site=AsgiSite, oss_arguments=["--allow-faults"], log=log) as stack:
        with stack.api() as api:
            assert api.post("uploads/", json=FILE).status_code == 201
        assert httpx.get(f"{stack.site.url}/static/admin/css/base.css", timeout=TIMEOUT).status_code == 200
        with slow_requests(stack, SLOW_CALLS) as answered:
            wait_until(lambda: waiting_at_oss(stack) == SLOW_CALLS, "all of them to be at OSS")
            for _ in range(HEALTH_REQUESTS):
                ready = httpx.get(f"{stack.site.url}/healthz", timeout=TIMEOUT)
                assert (ready.status_code, ready.json()["ready"]) == (200, True)
            assert answered == []
        stack.site.environment["ASGI_CONCURRENCY"] = str(LIMIT)
        stack.site.start()
        with slow_requests(stack, 4 * LIMIT) as answered:
            wait_until(lambda: waiting_at_oss(stack) == LIMIT, "as many as may run at once to be at OSS")
            for _ in range(HEALTH_REQUESTS):
                assert httpx.get(f"{stack.site.url}/healthz/live", timeout=TIMEOUT).status_code == 200
            assert (waiting_at_oss(stack), answered) == (LIMIT, [])
    assert "Warning" not in log.read_text()
