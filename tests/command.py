"""Runs a command beside a server that this process has started."""

import os
import subprocess
from collections.abc import Mapping, Sequence


def run_with(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """The command's exit code. When this process is told to end, so is the command, and it may finish first."""
    with subprocess.Popen(command, env={**os.environ, **variables}) as process:
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
