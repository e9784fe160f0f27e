"""manage.py sweep_uploads: arguments and printing only; `uploads.services.sweep` does the work."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import timedelta
from itertools import chain
from typing import Any

from django.core.management.base import CommandError

from uploads import services
from uploads.domain.errors import UploadError
from uploads.management.output import OperatorCommand

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A text such as 7d, 12h or 30m as a timedelta. Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if found is None:
        raise ArgumentTypeError("expected a duration such as 7d, 12h or 30m")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Command(OperatorCommand):
    help = (
        "Completes uploads whose object is at OSS although nobody reported it, aborts stale uploads, and repeats "
        "requests that OSS did not receive. Safe to run often, and several at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=duration, metavar="7d", help="also abort uploads without any activity for this long"
        )
        parser.add_argument(
            "--orphans",
            action="store_true",
            help="also abort multipart uploads at OSS that have no row in the database and got no part for 24 hours",
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be done without doing it")

    def handle(self, *, older_than: timedelta | None, orphans: bool, dry_run: bool, verbosity: int, **_: Any) -> None:
        done = services.sweep(older_than=older_than, dry_run=dry_run)
        if orphans:
            done = chain(done, services.sweep_orphans(dry_run=dry_run))
        counts: Counter[str] = Counter()
        try:
            for swept in done:
                counts[swept.what] += 1
                if verbosity > 1 or swept.what in ("failed", "ended", "skipped", "refused") or dry_run:
                    self.stdout.write(f"{swept.what}: {swept.key}{f' ({swept.detail})' if swept.detail else ''}")
        except UploadError as error:
            raise CommandError(f"{error.advice} {error.oss or ''}".strip()) from error
        if verbosity > 0 or dry_run:
            summary = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
            self.stdout.write(summary or "Nothing to do.")
