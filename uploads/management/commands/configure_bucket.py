"""manage.py configure_bucket: arguments and printing only; `uploads.bucket` does it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from uploads.bucket import apply_cors, plan_cors
from uploads.conf import settings
from uploads.connection import oss_client
from uploads.errors import from_storage
from uploads.oss.errors import StorageError


class Command(BaseCommand):
    help = "Sets the bucket's CORS rules so that pages can upload; merges with rules of others; safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", action="append", default=[], metavar="URL", help="scheme://host[:port]")
        parser.add_argument("--dry-run", action="store_true", help="show the difference, change nothing")

    def handle(self, *, origin: list[str], dry_run: bool, **_: Any) -> None:
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin: set UPLOADS_ORIGINS, or give --origin https://app.example.com.")
        client, bucket = oss_client(), settings.bucket
        try:
            change = plan_cors(client, bucket, origins)
            if not change.diff:
                self.stdout.write(f"{bucket}: CORS is as it should be for {', '.join(origins)}.")
                return
            self.stdout.write(change.diff)
            if dry_run:
                self.stdout.write(f"{bucket}: nothing changed (dry run).")
                return
            apply_cors(client, bucket, change)
        except StorageError as error:
            raise CommandError(f"{bucket}: {from_storage(error).detail} ({error})") from error
        except (ValueError, RuntimeError) as error:
            raise CommandError(f"{bucket}: {error}") from error
        self.stdout.write(self.style.SUCCESS(f"{bucket}: CORS set for {', '.join(origins)}."))
