"""Reads the vendors' test vectors in `tests/vectors/`. No Django here, so that the pure tests start without it."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:
    """The content of `tests/vectors/<name>.json`."""
    return json.loads((VECTORS / f"{name}.json").read_text())
