"""manage.py doctor: arguments and printing only; `uploads.operations.doctor` runs the checks."""

import json
import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from uploads.management.output import OperatorCommand
from uploads.operations.doctor import Finding, examine


class Command(OperatorCommand):
    help = (
        "Checks the live configuration and prints one line for each check: ok, warn or FAIL. "
        "Suggests a fix for each problem. With -v 0 prints no ok lines. The exit code is 1 after a FAIL."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON list of {level, name, text, cure}")

    def handle(self, *, json: bool, verbosity: int, **_: Any) -> None:
        findings = []
        with exit_on_sigterm():
            for finding in examine():
                findings.append(finding)
                if not json and (verbosity > 0 or finding.level != "ok"):
                    self.stdout.write(self._line(finding))
        if json:
            self.stdout.write(_as_json(findings))
        if any(finding.level == "FAIL" for finding in findings):
            sys.exit(1)

    def _line(self, finding: Finding) -> str:
        style = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "FAIL": self.style.ERROR}[finding.level]
        line = f"{style(f'{finding.level:<4}')}  {finding.name}: {finding.text}"
        return f"{line}\n      -> {finding.cure}" if finding.cure else line


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Inside it, SIGTERM raises SystemExit, so that what the doctor has made at OSS is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_json(findings: list[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
