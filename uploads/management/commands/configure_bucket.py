"""manage.py configure_bucket: arguments and printing only; `uploads.operations.bucket` does the work."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.domain.errors import advice
from uploads.domain.places import Place
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
        parser.add_argument(
            "--drop",
            action="append",
            default=[],
            metavar="PREFIX",
            help="end the rules of OSS Uploads for this prefix, as far as the settings do not need them",
        )
        parser.add_argument("--dry-run", action="store_true", help="show the difference without changing anything")

    def handle(self, *, origin: list[str], drop: list[str], dry_run: bool, verbosity: int, **_: Any) -> None:
        self.is_silent = verbosity == 0 and not dry_run
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin is set. Set UPLOADS_ORIGINS, or pass --origin https://app.example.com.")
        done: dict[Place, list[Change]] = {}
        for place in map(settings.place, settings.buckets):
            done[place] = list(self._configure_place(place, origins, drop, dry_run=dry_run))
        made = [change for some in done.values() for change in some]
        if any(change.kept for change in made):
            self._say("What is kept is of other projects or of former settings. --drop PREFIX ends what nobody needs.")
        for prefix in sorted(set(drop).difference(*(change.dropped for change in made))):
            note = f"--drop {prefix}: no rule of OSS Uploads is for this prefix."
            self.stdout.write(self.style.WARNING(note))
        conflicts = [f"{place}, {text}" for place, some in done.items() for change in some for text in change.conflicts]
        if conflicts:
            raise CommandError("\n".join(dict.fromkeys(conflicts)))

    def _configure_place(self, place: Place, origins: list[str], drop: list[str], *, dry_run: bool) -> Iterator[Change]:
        """With the rules of all places that are the same bucket: none of them ends those of another."""
        destinations = settings.destinations_in(place)
        try:
            for change in changes(oss_client(place), place.bucket, destinations, origins, drop):
                self._configure(str(place), change, dry_run=dry_run)
                yield change
        except NotAvailable as error:
            note = f"{place}: overwrite protection is not available: {error}. Each signature forbids overwriting."
            self.stdout.write(self.style.WARNING(note))
        except StorageError as error:
            raise CommandError(f"{place}: {advice(error)} ({error})") from error
        except (ValueError, RuntimeError, Contradiction) as error:
            raise CommandError(f"{place}: {error}") from error

    def _configure(self, bucket: str, change: Change, *, dry_run: bool) -> None:
        for text in change.kept:
            self._say(f"{bucket}: kept: {text}")
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
