"""Service calls that run one step at a time, so that a test decides what happens between any two steps.

A step ends before each request to OSS, before each transaction of the database and before each statement outside of
one. So a call can be crashed at every point at which a process that is killed leaves a trace.

Rule: the services are not changed for this, and are not told. All calls share one thread and one connection to the
database: a call is never suspended inside a transaction, so none sees another's.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.transaction import Atomic
from greenlet import getcurrent, greenlet

from uploads.oss.http import Response
from uploads.oss.signing import OssRequest
from uploads.oss.transport import Transport


class Crash(BaseException):
    """The process of this call was killed. Not an Exception, so that no service handles it."""


class Task:
    """A call under way. `step` runs it up to its next step, which `next_step` names; `crash` kills it there.

    `ended`; then `result`, or `error` with the exception that was raised.
    """

    def __init__(self, name: str, work: Callable[[], Any]) -> None:
        self.name, self._call = name, work
        self._greenlet = greenlet(self._work)
        _tasks[self._greenlet] = self
        self.next_step, self.steps = "start", 0
        self.result: Any = None
        self.error: Exception | None = None
        self.ended = self.crashed = False

    def _work(self) -> None:
        try:
            self.result = self._call()
        except Exception as error:
            self.error = error
        except Crash:
            self.crashed = True
        self.ended = True

    def step(self) -> None:
        self.steps += 1
        self._greenlet.switch()

    def run(self) -> None:
        """Run it to its end."""
        while not self.ended:
            self.step()

    def run_to(self, step: str) -> None:
        """Run it until its next step has this in its name, or to its end."""
        while not self.ended:
            self.step()
            if step in self.next_step:
                return

    def crash(self) -> None:
        """Kill it where it is. Nothing that it would do on the way out reaches OSS or the database."""
        self.crashed = True
        if self.next_step == "start":
            self.ended = True
        elif not self.ended:
            self._greenlet.switch()
            assert self.ended, f"{self.name} went on after it was killed"

    def pause(self, step: str) -> None:
        """Called by the task itself, before each step."""
        if not self.crashed:
            self.next_step = step
            self._greenlet.parent.switch()
        if self.crashed:
            raise Crash


_tasks: WeakKeyDictionary[greenlet, Task] = WeakKeyDictionary()


def _before(step: str) -> None:
    task = _tasks.get(getcurrent())
    if task is not None:
        task.pause(step)


@contextmanager
def stepwise() -> Iterator[None]:
    """Within it, tasks stop before each of their steps. Whatever is not a task runs as always."""
    call, call_once, enter = Transport.call, Transport.call_once, Atomic.__enter__

    def call_later(transport: Transport, operation: str, *arguments: Any, **options: Any) -> Response:
        _before(f"oss {operation}")
        return call(transport, operation, *arguments, **options)

    def call_once_later(transport: Transport, operation: str, request: OssRequest) -> Response:
        _before(f"oss {operation}")
        return call_once(transport, operation, request)

    def enter_later(atomic: Atomic) -> None:
        if not connection.in_atomic_block:
            _before(f"transaction {sys._getframe(1).f_code.co_name}")
        enter(atomic)

    def execute_later(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block:
            _before(f"database {sql[:2000]}")
        return execute(sql, parameters, many, context)

    with ExitStack() as stack:
        stack.enter_context(patch.object(Transport, "call", call_later))
        stack.enter_context(patch.object(Transport, "call_once", call_once_later))
        stack.enter_context(patch.object(Atomic, "__enter__", enter_later))
        stack.enter_context(connection.execute_wrapper(execute_later))
        yield
