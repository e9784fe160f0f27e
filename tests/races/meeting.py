"""Two racers in threads of their own, each with its own database connection, held at a statement until both are there.

A racer is only held outside of a transaction: there it holds no lock for which the other could wait.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from django.db import connection

TABLE = '"uploads_upload"'
LIMIT_SECONDS = 120.0
"""A limit for what never ends, far above the time that anything takes."""
Racer = Callable[[], Any]


class Meeting:
    """One round. `points`: for each racer the number of the statement about uploads after which it waits.

    A racer that ends earlier does not hold up the others.
    """

    def __init__(self, points: Sequence[int]) -> None:
        self._points = list(points)
        self._statements = [0] * len(points)
        self._waiting: set[int] = set()
        self._changed = threading.Condition()
        self._read: dict[int, float] = {}
        self._ended: dict[int, float] = {}

    @property
    def overlapped(self) -> bool:
        """Whether each racer had read or written uploads before any other had ended."""
        return len(self._read) == len(self._points) and max(self._read.values()) < min(self._ended.values())

    @property
    def met(self) -> bool:
        """Whether all racers were held at their points at the same time."""
        return len(self._waiting) == len(self._points)

    def run(self, index: int, racer: Racer) -> Any:
        """The result of a racer, or its exception."""

        def passed(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            result = execute(sql, params, many, context)
            if TABLE in sql:
                self._passed(index, wait=not context["connection"].in_atomic_block)
            return result

        try:
            with connection.execute_wrapper(passed):
                return racer()
        except Exception as error:
            return error
        finally:
            with self._changed:
                self._ended[index] = time.perf_counter()
                self._changed.notify_all()

    def _passed(self, index: int, *, wait: bool) -> None:
        self._read.setdefault(index, time.perf_counter())
        self._statements[index] += 1
        if not wait or index in self._waiting or self._statements[index] < self._points[index]:
            return
        with self._changed:
            self._waiting.add(index)
            self._changed.notify_all()
            if not self._changed.wait_for(self._complete, LIMIT_SECONDS):
                raise TimeoutError(f"The other racer neither came nor ended in {LIMIT_SECONDS} s.")

    def _complete(self) -> bool:
        return len(self._waiting | self._ended.keys()) == len(self._points)


class Racers:
    """Threads that are used again and again, so that each keeps its database connection."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._together([lambda: connection.close()] * self._count)  # Of the thread, not of this one.
        self._pool.shutdown()

    def race(self, racers: Sequence[Racer], meeting: Meeting) -> list[Any]:
        """Release all together. Returns what each returned or raised, in order."""
        return self._together([lambda i=i, each=each: meeting.run(i, each) for i, each in enumerate(racers)])

    def _together(self, calls: Sequence[Racer]) -> list[Any]:
        gate = threading.Barrier(self._count, timeout=LIMIT_SECONDS)

        def released(call: Racer) -> Any:
            gate.wait()
            return call()

        return list(self._pool.map(released, calls))
