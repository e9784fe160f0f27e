"""manage.py ram_policy: arguments and printing only; `uploads.operations.ram` makes the policies."""

import json
import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from uploads.conf import settings
from uploads.management.output import OperatorCommand
from uploads.operations.ram import Policies, policies
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
        role_arn = settings.place(bucket).role
        made = policies(identity, bucket=bucket, setup=not without_setup)
        self._warn(made, role_arn)
        if document is None:
            role, seconds = role_arn.rpartition("/")[2], _session_seconds()
            self.stdout.write(FORMATS[format](made, Names(identity, role, seconds)))
        elif document in made.as_dict():
            self.stdout.write(json.dumps(made.as_dict()[document], indent=2, ensure_ascii=False))
        else:
            raise CommandError("No role is needed: no destination issues temporary credentials, or no role is set.")

    def _warn(self, made: Policies, role_arn: str) -> None:
        if any(each.credentials for each in settings.destinations.values()) and not role_arn:
            note = "A destination issues temporary credentials. Set OSS_STS_ROLE_ARN to get the policies of its role."
            self.stderr.write(self.style.WARNING(note))
        for name, policy in made.as_dict().items():
            if len(json.dumps(policy, separators=(",", ":"))) > MAX_POLICY_CHARACTERS:
                note = f"The policy {name!r} has more than the {MAX_POLICY_CHARACTERS} characters that RAM takes."
                self.stderr.write(self.style.WARNING(note))


def _session_seconds() -> int:
    """The longest session that a destination asks for. RAM takes no maximum below an hour."""
    asked = [each.credentials_expires for each in settings.destinations.values() if each.credentials]
    return max([DEFAULT_DURATION_SECONDS, *asked])
