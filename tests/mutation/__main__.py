"""python -m tests.mutation [hand|python|typescript]: changes the code in small ways, and fails if tests notice too few.

It fails, too, for a change that no test notices and that no list in `survivors` gives a reason for.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.mutation import by_hand, python, typescript
from tests.mutation.changes import Change, report

LISTS = Path(__file__).parent / "survivors"


def of_python() -> Iterator[Change]:
    for suite in (python.PURE, python.SERVICES):
        yield from python.changes(suite)


KINDS: dict[str, Callable[[], Iterable[Change]]] = {
    "hand": by_hand.changes,
    "python": of_python,
    "typescript": typescript.changes,
}


def main(names: list[str]) -> int:
    chosen = names or list(KINDS)
    if unknown := set(chosen) - set(KINDS):
        sys.exit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(KINDS)}.")
    changes = [change for name in chosen for change in KINDS[name]()]
    lists = [path for name in chosen if (path := LISTS / f"{name}.txt").exists()]
    return 0 if report(changes, lists) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
