"""manage.py configure_bucket: arguments and printing only; `uploads.operations.bucket` does it."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from uploads.conf import Destination, settings
from uploads.connection import oss_client
from uploads.domain.errors import from_storage
from uploads.operations.bucket import apply_cors, apply_lifecycle, plan_cors, plan_lifecycle, stale_uploads
from uploads.oss.errors import StorageError
from uploads.oss.lifecycle import Contradiction


class Command(BaseCommand):
    help = "Sets a bucket's CORS and lifecycle rules for uploads; merges with rules of others; safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", action="append", default=[], metavar="URL", help="scheme://host[:port]")
        parser.add_argument("--dry-run", action="store_true", help="show the difference, change nothing")

    def handle(self, *, origin: list[str], dry_run: bool, **_: Any) -> None:
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin: set UPLOADS_ORIGINS, or give --origin https://app.example.com.")
        for bucket, places in self._buckets().items():
            try:
                self._configure(bucket, places, origins, dry_run=dry_run)
            except StorageError as error:
                raise CommandError(f"{bucket}: {from_storage(error).detail} ({error})") from error
            except (ValueError, RuntimeError, Contradiction) as error:
                raise CommandError(f"{bucket}: {error}") from error

    @staticmethod
    def _buckets() -> dict[str, list[Destination]]:
        """Every bucket that a destination names."""
        buckets: dict[str, list[Destination]] = {}
        for place in settings.destinations.values():
            buckets.setdefault(settings.bucket_of(place), []).append(place)
        return buckets

    def _configure(self, bucket: str, places: list[Destination], origins: list[str], *, dry_run: bool) -> None:
        client = oss_client()
        cors = plan_cors(client, bucket, origins)
        self._do(bucket, f"CORS for {', '.join(origins)}", cors.diff, lambda: apply_cors(client, bucket, cors), dry_run)
        aborts = stale_uploads(places)
        rules = plan_lifecycle(client, bucket, aborts)
        what = ", ".join(f"{prefix or 'everything'} {days} days" for prefix, days in aborts.items())
        self._do(
            bucket,
            f"stale uploads given up: {what}",
            rules.diff,
            lambda: apply_lifecycle(client, bucket, rules),
            dry_run,
        )

    def _do(self, bucket: str, what: str, diff: str, apply: Callable[[], None], dry_run: bool) -> None:
        if not diff:
            self.stdout.write(f"{bucket}: as it should be: {what}.")
            return
        self.stdout.write(diff)
        if dry_run:
            self.stdout.write(f"{bucket}: nothing changed (dry run).")
            return
        apply()
        self.stdout.write(self.style.SUCCESS(f"{bucket}: set: {what}."))
