"""python -m tests.mutation: changes the code in small ways, and fails if the tests notice too few of the changes.

mutmut makes the changes and runs the tests that reach them; `[tool.mutmut]` in pyproject.toml says where. A run that
was interrupted continues where it was.
"""

import json
import subprocess
import sys
from pathlib import Path

GOAL = 0.9
"""Share of the changes that tests notice, of those that they reach or should reach."""
STATISTICS = Path("mutants", "mutmut-cicd-stats.json")


def main() -> int:
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run"], check=True)
    subprocess.run([*mutmut, "export-cicd-stats"], check=True)
    counts = json.loads(STATISTICS.read_text())
    noticed = counts["killed"] + counts["timeout"] + counts["segfault"]
    missed = counts["survived"] + counts["no_tests"] + counts["suspicious"]
    if not noticed:
        print("No change was tried.")
        return 1
    score = noticed / (noticed + missed)
    subprocess.run([*mutmut, "results"], check=True)
    print(f"{noticed} of {noticed + missed} changes are noticed: {score:.1%}; the goal is {GOAL:.0%}.")
    return 0 if score >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
