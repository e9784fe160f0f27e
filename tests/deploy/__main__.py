"""python -m tests.deploy: lints everything in `deploy/` with its own tools, in the directory that the first argument
names, where `make deploy-check` has installed them. Then each break of `tests/deploy/breaks.py` must be found.

The exit code is 1 if something is wrong, or a break is not found. `ONLY` names the checks and the breaks whose names
contain it.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.deploy.breaks import BREAKS, Break
from tests.deploy.linters import checks
from tests.stack import ROOT


def is_clean(tools: Path, only: str) -> bool:
    wrong = 0
    for name, check in checks(tools, ROOT).items():
        if only in name:
            problem = check()
            wrong += bool(problem)
            print(f"FAILED: {name}\n{problem}" if problem else f"ok: {name}", flush=True)
    return not wrong


def found(broken: Break, tools: Path) -> str:
    """What its check says of a copy with the break; "" if it notices nothing."""
    with tempfile.TemporaryDirectory(prefix="uploads-broken-") as name:
        root = Path(name)
        shutil.copytree(ROOT / "deploy", root / "deploy")
        shutil.copytree(ROOT / "tests" / "deploy", root / "tests" / "deploy")
        file = root / "deploy" / broken.file
        text = file.read_text()
        assert text.count(broken.before) >= 1, f"{broken.file} has no {broken.before!r}"
        file.write_text(text.replace(broken.before, broken.after, 1))
        return checks(tools, root)[broken.found_by]()


def breaks_are_found(tools: Path, only: str) -> bool:
    missed = 0
    for broken in BREAKS:
        if only in broken.name:
            problem = found(broken, tools)
            missed += not problem
            verdict = f"found by {broken.found_by}" if problem else f"NOT FOUND by {broken.found_by}"
            print(f"{verdict}: {broken.name}", flush=True)
            if problem and only:
                print(problem)
    return not missed


def main(tools: Path) -> int:
    only = os.environ.get("ONLY", "")
    good = [is_clean(tools, only), breaks_are_found(tools, only)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
