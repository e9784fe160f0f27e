"""manage.py demo: arguments and printing only; `uploads.site.demo` does it."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from uploads.site import demo


class Command(BaseCommand):
    help = "The whole of it on this machine: a local OSS server, the site, two accounts. Ctrl-C ends it."
    requires_system_checks: list[str] = []  # None: the demo brings its own settings.

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            settings = demo.DemoSettings.from_environment(os.environ)
            if not demo.is_prepared(os.environ):
                # The settings were read before this line: read them again, as the demo wants them.
                os.execve(sys.executable, [sys.executable, *sys.argv], demo.environment(settings, os.environ))
            demo.run(settings, self.stdout.write)
        except demo.DemoError as error:
            raise CommandError(str(error)) from error
