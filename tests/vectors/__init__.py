"""The vendors' published test data, one file each, read by the Python tests and by the front end's."""

import json
from pathlib import Path
from typing import Any


def vectors(name: str) -> Any:
    """The content of one file."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())
