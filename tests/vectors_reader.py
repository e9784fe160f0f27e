"""Reads the vendors' test vectors in `tests/vectors/`. No Django here, so that the pure tests start without it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:
    """The content of `tests/vectors/<name>.json`."""
    return json.loads((VECTORS / f"{name}.json").read_text())


def for_each(cases: list[dict[str, Any]]) -> Callable[[Callable[[dict[str, Any]], None]], Callable[[], None]]:
    """One test for all `cases`: a failure names its case. pytest's own parameters cost more than signing does."""

    def decorator(check: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        def test() -> None:
            assert cases
            for case in cases:
                try:
                    check(case)
                except Exception as error:
                    error.add_note(f"vector: {case['id']}")
                    raise

        return test

    return decorator
