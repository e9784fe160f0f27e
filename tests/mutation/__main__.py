"""python -m tests.mutation [python|typescript]: changes the code in small ways, and fails if tests notice too few.

It fails, too, for a change that no test notices and that no list in `survivors` gives a reason for.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.mutation import python, typescript
from tests.mutation.changes import Change, report

LISTS = Path(__file__).parent / "survivors"


def of_python() -> Iterator[Change]:
    for suite in (python.PURE, python.SERVICES):
        yield from python.changes(suite)


LANGUAGES: dict[str, Callable[[], Iterable[Change]]] = {"python": of_python, "typescript": typescript.changes}


def main(names: list[str]) -> int:
    chosen = names or list(LANGUAGES)
    if unknown := set(chosen) - set(LANGUAGES):
        sys.exit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(LANGUAGES)}.")
    changes = [change for name in chosen for change in LANGUAGES[name]()]
    return 0 if report(changes, [LISTS / f"{name}.txt" for name in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
