"""manage.py erase_user: arguments and printing only; `uploads.services.erasure` does the work."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from uploads import services

LINES = (
    ("uploads", "uploads, with their parts"),
    ("emptied", "uploads that other tables protect, kept without owner, names and object"),
    ("history", "events in the history of these uploads"),
    ("actor", "events of other uploads that named the user"),
    ("log_entries", "entries of the admin's log that named files, directories of the user, or searches of exports"),
    ("objects", "objects at OSS"),
    ("watched", "keys at OSS that are looked at again when URLs and credentials for them have expired"),
    ("orphans", "multipart uploads in the user's directories at OSS that belong to no upload"),
    ("credentials", "prefixes for which the user held temporary credentials"),
    ("companion", "set of Companion URLs, revoked"),
)


class Command(BaseCommand):
    help = (
        "Erases what this app holds of a user, for a data-protection request: uploads and their objects at OSS, "
        "history, names and credentials. The account stays. Safe to repeat; the exit code is 1 while OSS has objects."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="the name that the user logs in with")
        parser.add_argument("--id", help="the id of the account instead; also of one that was deleted")
        parser.add_argument("--dry-run", action="store_true", help="show what would be erased without doing it")

    def handle(self, *, user: str | None, id: str | None, dry_run: bool, **_: Any) -> None:
        owner_id = self._find(user, id)
        erased = services.erase_user(owner_id, dry_run=dry_run)
        self.stdout.write("Would be erased:" if dry_run else "Erased:")
        for field, words in LINES:
            self.stdout.write(f"  {getattr(erased, field)} {words}")
        for label, number in sorted(erased.cascade.items()):
            self.stdout.write(f"  {number} rows of {label}, deleted with the uploads that they refer to")
        self.stdout.write("  0 quota records: quotas are counted from the uploads")
        self.stdout.write(f"Not erased: log files, whose lines have the id {owner_id} of the user; the account itself.")
        if erased.unknown_objects:
            self.stdout.write(
                f"Not erased: {erased.unknown_objects} objects in the user's directories that belong to no upload. "
                "The list of orphans in the admin has them."
            )
        if erased.unremoved:
            raise CommandError(
                f"{erased.unremoved} objects may still be at OSS. The sweep tries again; repeat this command to see."
            )

    def _find(self, user: str | None, identifier: str | None) -> Any:
        model = get_user_model()
        if (user is None) == (identifier is None):
            raise CommandError("Name the user, or give --id.")
        if identifier is not None:
            try:
                return model._meta.pk.to_python(identifier)
            except ValidationError as error:
                raise CommandError(f"{identifier!r} is not the id of an account.") from error
        try:
            return model._default_manager.get(**{model.USERNAME_FIELD: user}).pk
        except model.DoesNotExist:
            raise CommandError(f"There is no user {user!r}. If the account was deleted, give --id.") from None
