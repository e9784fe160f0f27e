"""A benchmark in a child process with a PostgreSQL of its own."""

import json
import subprocess
import sys
from typing import Any


def run_module(name: str) -> dict[str, Any]:
    """Run the module by `tests.postgres`. Returns the figures that it prints as its last line, in JSON."""
    child = [sys.executable, "-m", "tests.postgres", sys.executable, "-W", "ignore", "-m", name]
    ended = subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures
