"""manage.py cloud_resources: arguments and printing only; `uploads.operations.cloud` does the work."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from uploads.conf import settings
from uploads.management.commands.ram_policy import IDENTITY
from uploads.management.output import OperatorCommand
from uploads.operations import cloud, ram
from uploads.operations.ram_formats import Names
from uploads.oss.sts import DEFAULT_DURATION_SECONDS


class Command(OperatorCommand):
    help = (
        "Prints what a bucket of the settings needs at Alibaba Cloud: its CORS, lifecycle and overwrite rules, its "
        "domains, and the RAM policies; as variables for the Terraform module in deploy/terraform, or as a template of "
        "ROS. Creates nothing, and asks OSS nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=cloud.FORMATS, default="terraform", help="(default %(default)s)")
        parser.add_argument(
            "--identity",
            default="user/oss-uploads",
            metavar="user/NAME",
            help="whose key the site has, user/NAME or role/NAME (default %(default)s)",
        )
        parser.add_argument("--bucket", default="", metavar="NAME", help="a name in BUCKETS (default: OSS_BUCKET)")
        parser.add_argument("--origin", action="append", default=[], metavar="URL", help="allow this origin too")

    def handle(self, *, format: str, identity: str, bucket: str, origin: list[str], **_: Any) -> None:
        if not IDENTITY.fullmatch(identity):
            raise CommandError("--identity must be user/NAME or role/NAME.")
        if bucket and bucket not in settings.named_buckets:
            raise CommandError("--bucket must be a name in BUCKETS.")
        origins = [each.rstrip("/") for each in [*settings.origins, *origin]]
        if not origins:
            raise CommandError("No origin is set. Set UPLOADS_ORIGINS, or pass --origin https://app.example.com.")
        place = settings.place(bucket)
        # Places that are one bucket have one configuration.
        places = [each for each in map(settings.place, [bucket, *settings.buckets]) if each.at_oss == place.at_oss]
        # RAM takes no maximum below an hour.
        seconds = max([DEFAULT_DURATION_SECONDS, *(each.credentials_expires for each in ram.issuing(bucket))])
        names = Names(identity, place.role.rpartition("/")[2], seconds, bucket)
        # The key of the default place has one policy for all buckets that it reaches.
        shares_key = bool(bucket) and place.credentials == settings.place().credentials
        made = None if shares_key else ram.policies(identity, bucket=bucket)
        try:
            found = cloud.needs(list(dict.fromkeys(places)), settings.destinations_in(place), origins, names, made)
        except ValueError as error:
            raise CommandError(f"{place}: {error}") from error
        self.stdout.write(cloud.FORMATS[format](found))
