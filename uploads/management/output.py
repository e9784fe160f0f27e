"""What the commands for operators have in common: they print for people, as Django's own commands do.

The command's own output says what matters. Log lines do not come between: the standalone site's log handler asks
`command_verbosity`. A project's own log handlers get every record, as always.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

from django.core.management.base import BaseCommand

_verbosity: ContextVar[int | None] = ContextVar("uploads_command_verbosity", default=None)


def command_verbosity() -> int | None:
    """The `--verbosity` of the command that runs in this thread; None if none does."""
    return _verbosity.get()


class OperatorCommand(BaseCommand):
    """Has no colors if NO_COLOR is set (https://no-color.org), and logs warnings with `--verbosity 2` only."""

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        no_color: bool = False,
        force_color: bool = False,
    ) -> None:
        is_unwanted = bool(os.environ.get("NO_COLOR")) and not force_color
        super().__init__(stdout, stderr, no_color=no_color or is_unwanted, force_color=force_color)

    def execute(self, *args: Any, **options: Any) -> str | None:
        token = _verbosity.set(options["verbosity"])
        try:
            with _last_resort(logging.WARNING if options["verbosity"] > 1 else logging.ERROR):
                return super().execute(*args, **options)
        finally:
            _verbosity.reset(token)


@contextmanager
def _last_resort(level: int) -> Iterator[None]:
    """Inside it, Python prints records that no handler is set up for from this level on; otherwise from WARNING on."""
    handler = logging.lastResort
    if handler is None:
        yield
        return
    before = handler.level
    handler.setLevel(level)
    try:
        yield
    finally:
        handler.setLevel(before)
