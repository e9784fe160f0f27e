"""manage.py demo: arguments and printing only; `uploads.site.demo` does the work."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from uploads.site import demo
from uploads.site.children import ChildError


class Command(BaseCommand):
    help = "Runs a local OSS server and the site on this machine, with the accounts demo and admin. Ctrl-C stops both."
    requires_system_checks: list[str] = []  # The demo sets its own settings.

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            settings = demo.DemoSettings.from_environment(os.environ)
            if not demo.is_prepared(os.environ):
                # Django has read its settings by now. A new process reads those of the demo.
                command = [sys.executable, *demo.restart_command(sys.orig_argv)]
                os.execve(sys.executable, command, demo.environment(settings, os.environ))
            demo.run(settings, self._print)
        except ChildError as error:
            raise CommandError(str(error)) from error

    def _print(self, text: str) -> None:
        """At once, also into a pipe or a file: the demo then runs until it is stopped."""
        self.stdout.write(text)
        self.stdout.flush()
