"""manage.py localoss: arguments only; `uploads.localoss` does the work."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from uploads.localoss import arguments


class Command(BaseCommand):
    help = "Serve a local OSS and STS for development and tests."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        arguments.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        arguments.run(options)
