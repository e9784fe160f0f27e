"""manage.py deliver_webhooks: arguments and printing only; `uploads.services.webhooks` does the work."""

import logging
import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from threading import Event
from typing import Any

from django.db import DatabaseError, close_old_connections

from uploads.management.output import OperatorCommand
from uploads.services.webhooks import WebhookSender

log = logging.getLogger("uploads")


def seconds(text: str) -> float:
    """A number of seconds from 0.1 to 3600. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0.1 <= number <= 3600:
        raise ArgumentTypeError("expected a number of seconds from 0.1 to 3600")
    return number


class Command(OperatorCommand):
    help = (
        "Delivers the webhooks that are due, once, or with --loop until SIGTERM or Ctrl-C. Several may run at once. "
        "The sweep delivers too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="do not end; deliver what becomes due")
        parser.add_argument(
            "--interval", type=seconds, default=2.0, metavar="2", help="with --loop: seconds between two looks (2)"
        )

    def handle(self, *, loop: bool, interval: float, verbosity: int, **_: Any) -> None:
        sender = WebhookSender()
        if not loop:
            self._deliver(sender, verbosity)
            return
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        while not ended.is_set():
            close_old_connections()
            try:
                self._deliver(sender, verbosity, ended)
            except DatabaseError as error:
                log.error("webhooks wait for the database: %s", error)
            ended.wait(interval)

    def _deliver(self, sender: WebhookSender, verbosity: int, ended: Event | None = None) -> None:
        counts: Counter[str] = Counter()
        for delivered in sender.send_due(ended.is_set if ended else lambda: False):
            counts[delivered.what] += 1
            if verbosity > 1 or delivered.what != "delivered":
                detail = f" ({delivered.detail})" if delivered.detail else ""
                self.stdout.write(f"{delivered.what}: {delivered.endpoint}{detail}")
        summary = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        if verbosity > 0 and (summary or ended is None):
            self.stdout.write(summary or "Nothing to do.")
        self.stdout.flush()  # A service's output is a pipe.
