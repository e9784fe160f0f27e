"""Other programs: run one, and say all that it said when it fails."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SECONDS = 1200


class Failed(Exception):
    """A step of the release failed. The text is for the terminal."""


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> str:
    """What the command writes to stdout, run in `folder` with these variables too. Raises Failed."""
    environment = {**os.environ, **variables}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if ended.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}")
    return ended.stdout
