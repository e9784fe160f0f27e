"""python -m tests.model.check_breaks: breaks the services in a copy, and says after how many runs the model notices.

`MODEL_EXAMPLES` (1,000) is the most runs for each break. `ONLY` names the breaks whose names contain it. The exit code
is 1 if a break was not found. `make chaos` runs this.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.model.breaks import BREAKS, Break
from tests.stack import ROOT

COPIED = ("uploads", "tests", "pyproject.toml", "manage.py")
TEST = ("-m", "pytest", "-q", "-s", "-p", "no:playwright", "-p", "no:logging", "tests/model/test_backend.py")


def runs_until_found(broken: Break, directory: Path) -> tuple[int, str]:
    """The number of runs, and what was wrong; empty if nothing was."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, directory / name)
    file = directory / "uploads" / broken.file
    file.write_text(file.read_text().replace(broken.before, broken.after))
    environment = {"MODEL_EXAMPLES": "1000", **os.environ, "MODEL_SHRINK": "0"}
    done = subprocess.run(
        [sys.executable, *TEST], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    runs = re.search(r"^MODEL (\d+) runs$", done.stdout, re.MULTILINE)
    if runs is None:
        raise RuntimeError(done.stdout + done.stderr)
    problem = re.findall(r"^E +(.+)$", done.stdout, re.MULTILINE)
    return int(runs[1]), (problem or ["it failed"])[-1] if done.returncode else ""


def main() -> int:
    missed = 0
    for broken in BREAKS:
        if os.environ.get("ONLY", "") not in broken.name:
            continue
        with tempfile.TemporaryDirectory(prefix="uploads-broken-") as name:
            runs, problem = runs_until_found(broken, Path(name))
        missed += not problem
        print(f"{runs if problem else '-':>6}  {broken.name}: {problem or f'not found in {runs} runs'}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
