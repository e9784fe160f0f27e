"""python -m tests.endurance [part…]: runs the parts, or these; prints their figures. Exit code 1 if anything is wrong.

ENDURANCE_REPORT names a file to which the figures are appended as Markdown.
"""

import importlib
import os
import sys
from pathlib import Path

from tests.watchdog import watched

PARTS = ("many_uploads", "sparse_file", "stale_uploads", "small_files")


def main() -> int:
    wanted = sys.argv[1:] or PARTS
    if unknown := set(wanted) - set(PARTS):
        print(f"No part {', '.join(unknown)}; there are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    passed = True
    for name in wanted:
        with watched():
            result = importlib.import_module(f"tests.endurance.{name}").run()
        text = result.markdown()
        print(text, flush=True)
        if report := os.environ.get("ENDURANCE_REPORT"):
            with Path(report).open("a") as file:
                file.write(text + "\n")
        passed &= not result.wrong
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
