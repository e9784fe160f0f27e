"""manage.py configure_bucket: arguments and printing only; `uploads.operations.bucket` does the work."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain.errors import advice
from uploads.management.output import OperatorCommand
from uploads.operations.bucket import Change, NotAvailable, changes
from uploads.oss.errors import StorageError
from uploads.oss.lifecycle import Contradiction


class Command(OperatorCommand):
    help = (
        "Sets the CORS rules, lifecycle rules and overwrite protection that uploads need, on every bucket that a "
        "destination names. Keeps the rules of others. Safe to repeat."
    )

    is_silent = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--origin", action="append", default=[], metavar="URL", help="allow this origin too: scheme://host[:port]"
        )
        parser.add_argument("--dry-run", action="store_true", help="show the difference without changing anything")

    def handle(self, *, origin: list[str], dry_run: bool, verbosity: int, **_: Any) -> None:
        self.is_silent = verbosity == 0 and not dry_run
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin is set. Set UPLOADS_ORIGINS, or pass --origin https://app.example.com.")
        conflicts: list[str] = []
        for name, destinations in settings.buckets.items():
            place = settings.place(name)
            bucket = str(place)
            try:
                for change in changes(oss_client(place), place.bucket, destinations, origins):
                    self._configure(bucket, change, dry_run=dry_run)
                    conflicts += [f"{bucket}, {text}" for text in change.conflicts]
            except NotAvailable as error:
                note = f"{bucket}: overwrite protection is not available: {error}. Each signature forbids overwriting."
                self.stdout.write(self.style.WARNING(note))
            except StorageError as error:
                raise CommandError(f"{bucket}: {advice(error)} ({error})") from error
            except (ValueError, RuntimeError, Contradiction) as error:
                raise CommandError(f"{bucket}: {error}") from error
        if conflicts:
            raise CommandError("\n".join(conflicts))

    def _configure(self, bucket: str, change: Change, *, dry_run: bool) -> None:
        if not change.diff:
            self._say(f"{bucket}: unchanged: {change.summary}")
            return
        self._say(change.diff)
        if dry_run:
            self._say(f"{bucket}: not changed (dry run): {change.summary}")
            return
        change.apply()
        self._say(self.style.SUCCESS(f"{bucket}: changed: {change.summary}"))

    def _say(self, text: str) -> None:
        if not self.is_silent:
            self.stdout.write(text)
