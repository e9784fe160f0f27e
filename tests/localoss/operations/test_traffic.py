"""x-oss-traffic-limit: the rate of uploads and downloads."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.localoss.support import Wire, refused
from uploads.localoss.operations.traffic import paced
from uploads.oss.limits import MIN_TRAFFIC_LIMIT

NAME = "x-oss-traffic-limit"
RATE = MIN_TRAFFIC_LIMIT // 8


class Clock:
    """Time that passes only in `sleep`."""

    now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_chunks_are_handed_on_at_their_time() -> None:
    clock = Clock()
    arrived = [(len(chunk), clock.now) for chunk in paced([b"x" * 50] * 4, 100, clock.read, clock.sleep)]
    assert arrived == [(50, 0.5), (50, 1.0), (50, 1.5), (50, 2.0)]


def test_a_slow_sender_is_not_slowed_further() -> None:
    clock = Clock()

    def late() -> Iterator[bytes]:
        for _ in range(3):
            clock.now += 10
            yield b"x" * 50

    assert [clock.now for _ in paced(late(), 100, clock.read, clock.sleep)] == [10, 20, 30]


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def test_uploads_and_downloads_take_the_time_they_must(wire: Wire) -> None:
    content = b"x" * (RATE // 2)
    assert seconds(lambda: wire.put("a", content, {NAME: str(MIN_TRAFFIC_LIMIT)})) >= 0.5
    upload = wire.initiate("b")
    target = wire.presigned("PUT", "b", [("partNumber", "1"), ("uploadId", upload), (NAME, str(MIN_TRAFFIC_LIMIT))])
    assert seconds(lambda: wire.target("PUT", target, {}, content)) >= 0.5
    assert seconds(lambda: wire.call("GET", "a", [(NAME, str(MIN_TRAFFIC_LIMIT))])) >= 0.5


@pytest.mark.parametrize("value", ["1", "819199", "838860801", "fast", "-819200", "9" * 30])
def test_limits_have_limits(wire: Wire, value: str) -> None:
    document = refused(wire.call("PUT", "a", headers={NAME: value}, content=b"x"), 400, "InvalidArgument")
    assert document.findtext("ArgumentName") == NAME
