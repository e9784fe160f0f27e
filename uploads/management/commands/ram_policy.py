"""manage.py ram_policy: arguments and printing only; `uploads.operations.ram` makes the policies."""

import json
import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from uploads.conf import settings
from uploads.domain.places import Place
from uploads.domain.setting_names import renamed
from uploads.management.output import OperatorCommand
from uploads.operations import ram
from uploads.operations.ram_formats import FORMATS, MAX_POLICY_CHARACTERS, Names
from uploads.oss.sts import DEFAULT_DURATION_SECONDS

IDENTITY = re.compile(r"(user|role)/[A-Za-z0-9.@_-]{1,64}")


class Command(OperatorCommand):
    help = (
        "Prints the least RAM policies for the settings: of the site's key, of the role for temporary credentials, and "
        "the trust policy of that role. Creates nothing, and asks OSS nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=FORMATS, default="json", help="(default %(default)s)")
        parser.add_argument(
            "--identity",
            default="user/oss-uploads",
            metavar="user/NAME",
            help="whose key the site has, user/NAME or role/NAME: the role trusts it (default %(default)s)",
        )
        parser.add_argument(
            "--bucket", default="", metavar="NAME", help="a name in BUCKETS: the policies of its key and its role"
        )
        parser.add_argument(
            "--document", choices=("site", "role", "trust"), help="print this policy alone, as JSON for RAM's console"
        )
        parser.add_argument(
            "--without-setup", action="store_true", help="leave out what only configure_bucket and doctor need"
        )

    def handle(
        self, *, format: str, identity: str, bucket: str, document: str | None, without_setup: bool, **_: Any
    ) -> None:
        if not IDENTITY.fullmatch(identity):
            raise CommandError("--identity must be user/NAME or role/NAME.")
        if bucket and bucket not in settings.named_buckets:
            raise CommandError("--bucket must be a name in BUCKETS.")
        place, issuing = settings.place(bucket), ram.issuing(bucket)
        made = ram.policies(identity, bucket=bucket, setup=not without_setup)
        self._warn(made, place if issuing and not place.role else None)
        if document is None:
            # RAM takes no maximum below an hour.
            seconds = max([DEFAULT_DURATION_SECONDS, *(each.credentials_expires for each in issuing)])
            names = Names(identity, place.role.rpartition("/")[2], seconds, bucket)
            self.stdout.write(FORMATS[format](made, names))
        elif document in made.as_dict():
            self.stdout.write(json.dumps(made.as_dict()[document], indent=2, ensure_ascii=False))
        else:
            raise CommandError("No role is needed: no destination issues temporary credentials, or no role is set.")

    def _warn(self, made: ram.Policies, without_role: Place | None) -> None:
        if without_role:
            note = "A destination issues temporary credentials. Set OSS_STS_ROLE_ARN to get the policies of its role."
            self.stderr.write(self.style.WARNING(renamed(note, without_role.setting_names)))
        for name, policy in made.as_dict().items():
            if len(json.dumps(policy, separators=(",", ":"))) > MAX_POLICY_CHARACTERS:
                note = f"The policy {name!r} has more than the {MAX_POLICY_CHARACTERS} characters that RAM takes."
                self.stderr.write(self.style.WARNING(note))
