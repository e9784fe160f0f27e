"""The log of the standalone site, on stderr."""

import logging
from typing import TextIO

from uploads.management.output import command_verbosity

COMMAND_LEVELS = (logging.ERROR, logging.ERROR, logging.WARNING, logging.DEBUG)
"""By `--verbosity`: the lowest level that is shown while a command prints for people."""
RETRIES = "stamina"
"""It warns of each retry. The call that failed has a line of its own."""

_plain = logging.Formatter("%(levelname)s: %(message)s")


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes what the site logs. While a command prints for people: plain lines, and only those that it should show."""

    def emit(self, record: logging.LogRecord) -> None:
        verbosity = command_verbosity()
        if verbosity is None or _level(record) >= COMMAND_LEVELS[verbosity]:
            super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record) if command_verbosity() is None else _plain.format(record)


def _level(record: logging.LogRecord) -> int:
    return logging.INFO if record.name == RETRIES else record.levelno
