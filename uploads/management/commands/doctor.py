"""manage.py doctor: arguments and printing only; `uploads.operations.doctor` looks."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from uploads.operations.doctor import Finding, examine


class Command(BaseCommand):
    help = "Looks at the live set-up, one line a finding: ok, warn or FAIL with the cure. Exit code 1 on a FAIL."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="a list of {level, name, text, cure}")

    def handle(self, *, json: bool, **_: Any) -> None:
        found = []
        for finding in examine():
            found.append(finding)
            if not json:
                self.stdout.write(self._line(finding))
        if json:
            self.stdout.write(_as_json(found))
        if any(finding.level == "FAIL" for finding in found):
            sys.exit(1)

    def _line(self, finding: Finding) -> str:
        paint = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "FAIL": self.style.ERROR}[finding.level]
        line = f"{paint(f'{finding.level:<4}')}  {finding.name}: {finding.text}"
        return f"{line}\n      -> {finding.cure}" if finding.cure else line


def _as_json(found: list[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False)
