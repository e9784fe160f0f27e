"""manage.py configure_bucket: arguments and printing only; `uploads.operations.bucket` does the work."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain.errors import from_storage
from uploads.operations.bucket import Change, NotAvailable, changes
from uploads.oss.errors import StorageError
from uploads.oss.lifecycle import Contradiction


class Command(BaseCommand):
    help = (
        "Sets the CORS rules, lifecycle rules and overwrite protection that uploads need, on every bucket that a "
        "destination names. Keeps the rules of others. Safe to repeat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--origin", action="append", default=[], metavar="URL", help="allow this origin too: scheme://host[:port]"
        )
        parser.add_argument("--dry-run", action="store_true", help="show the difference without changing anything")

    def handle(self, *, origin: list[str], dry_run: bool, **_: Any) -> None:
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin is set. Set UPLOADS_ORIGINS, or pass --origin https://app.example.com.")
        for bucket, destinations in settings.buckets.items():
            try:
                for change in changes(oss_client(), bucket, destinations, origins):
                    self._configure(bucket, change, dry_run=dry_run)
            except NotAvailable as error:
                note = f"{bucket}: overwrite protection is not available: {error}. Each signature forbids overwriting."
                self.stdout.write(self.style.WARNING(note))
            except StorageError as error:
                raise CommandError(f"{bucket}: {from_storage(error).detail} ({error})") from error
            except (ValueError, RuntimeError, Contradiction) as error:
                raise CommandError(f"{bucket}: {error}") from error

    def _configure(self, bucket: str, change: Change, *, dry_run: bool) -> None:
        if not change.diff:
            self.stdout.write(f"{bucket}: unchanged: {change.summary}")
            return
        self.stdout.write(change.diff)
        if dry_run:
            self.stdout.write(f"{bucket}: not changed (dry run): {change.summary}")
            return
        change.apply()
        self.stdout.write(self.style.SUCCESS(f"{bucket}: changed: {change.summary}"))
