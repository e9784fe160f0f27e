"""manage.py reconcile_uploads: arguments and printing only; `uploads.services.restored` does the work."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from uploads import services
from uploads.management.output import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Brings the uploads in line with what OSS has, after the database was restored from a backup. Deletes only "
        "objects with other bytes than their uploads. Safe to repeat; the exit code is 1 while OSS does not answer "
        "for an upload."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--register", action="store_true", help="give a row to each object without one whose key names its user"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be done without doing it")

    def handle(self, *, register: bool, dry_run: bool, verbosity: int, **_: Any) -> None:
        counts: Counter[str] = Counter()
        for done in services.reconcile(register=register, dry_run=dry_run):
            counts[done.what] += 1
            if verbosity > 0 or done.what in ("failed", "refused"):
                self.stdout.write(f"{done.what}: {done.key}{f' ({done.detail})' if done.detail else ''}")
        if verbosity > 0 or dry_run:
            summary = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
            self.stdout.write(summary or "Nothing to do.")
        if counts["failed"]:
            raise CommandError(f"{counts['failed']} could not be compared with OSS. Repeat this command.")
