"""Changes of the code that were tried, the list of those that no test notices, and what a run says of both."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GOAL = 0.9
"""The share of the changes of each area that tests notice."""
MAX_CHARACTERS = 160


@dataclass(frozen=True)
class Change:
    """Of `file`, whose path begins at the root of the repository, the text `before` became `after`."""

    area: str
    file: str
    before: str
    after: str
    is_noticed: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.before, self.after


def shortened(code: str) -> str:
    """The code in one line. Of much code, which is a whole block, the beginning and the end."""
    line = " ".join(code.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[:100]} … {line[-50:]}"


def listed(path: Path) -> Counter[tuple[str, str, str]]:
    """The changes in a list of survivors, with how many of each there are. Raises ValueError for one without a reason.

    A line that begins with `#` is the reason for all that follows, up to the next reason. A path names the file; below
    it `-` and `+` are before and after.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    reason = file = before = ""
    for line in path.read_text().splitlines():
        sign, text = line[:2].strip(), line[2:]
        if sign == "#":
            reason = text
        elif sign == "-":
            before = text
        elif sign == "+":
            if not (reason and file):
                raise ValueError(f"{path.name}: no reason or no file for: {line}")
            found[file, before, text] += 1
        elif line:
            file = line
    return found


def report(changes: Iterable[Change], lists: Iterable[Path]) -> bool:
    """Print the figures of each area, and where the lists are not right. Whether every area reaches the goal, and every
    survivor is listed."""
    tried = list(changes)
    known: Counter[tuple[str, str, str]] = sum((listed(path) for path in lists), Counter())
    survivors = Counter(change.key for change in tried if not change.is_noticed)
    unlisted, files = survivors - known, {change.file for change in tried}
    _show("No test notices, and no list has", unlisted)
    noticed = Counter({key: count for key, count in (known - survivors).items() if key[0] in files})
    _show("Listed, and noticed by a test, or not tried any more", noticed)
    reached = [_print_area(area, tried, known) for area in dict.fromkeys(change.area for change in tried)]
    return bool(reached) and all(reached) and not unlisted


def _show(title: str, keys: Counter[tuple[str, str, str]]) -> None:
    if keys:
        print(f"\n{title}:")
        print("\n".join(_entries(keys)))


def _entries(keys: Counter[tuple[str, str, str]]) -> Iterator[str]:
    """As they stand in a list."""
    shown = ""
    for file, before, after in sorted(keys.elements()):
        if file != shown:
            yield f"\n{file}"
            shown = file
        yield f"- {before}\n+ {after}"


def _print_area(area: str, tried: Iterable[Change], known: Counter[tuple[str, str, str]]) -> bool:
    changes = [change for change in tried if change.area == area]
    missed = Counter(change.key for change in changes if not change.is_noticed)
    noticed = len(changes) - missed.total()
    score = noticed / len(changes)
    print(f"{area:32} {noticed:5} noticed {missed.total():4} missed {(missed & known).total():4} listed {score:7.1%}")
    return score >= GOAL
