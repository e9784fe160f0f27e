"""The version: `uploads/__init__.py` has it, hatchling reads it there, and the npm package gets it from there.

python -m tests.release.version 0.2.0 sets it everywhere; `make version VERSION=0.2.0` calls that.
"""

import json
import re
import sys
from pathlib import Path

from tests.release.commands import ROOT

SOURCE = ROOT / "uploads" / "__init__.py"
MANIFESTS = (ROOT / "frontend" / "package.json", ROOT / "frontend" / "package-lock.json")
FORM = re.compile(r"(\d+\.\d+\.\d+)(?:(a|b|rc)(\d+))?")
STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}
LINE = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


def version() -> str:
    """The version of this checkout, as Python writes it: 0.2.0 or 0.2.0rc1."""
    match = LINE.search(SOURCE.read_text())
    assert match
    return match[1]


def npm_version(version: str) -> str:
    """As npm writes it: 0.2.0 or 0.2.0-rc.1. Raises ValueError for a version of another form."""
    match = FORM.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is not a version such as 0.2.0 or 0.2.0rc1")
    return match[1] + (f"-{STAGES[match[2]]}.{match[3]}" if match[2] else "")


def set_version(new: str, source: Path = SOURCE, manifests: tuple[Path, ...] = MANIFESTS) -> None:
    """Write the version into all three files. Raises ValueError."""
    for_npm = npm_version(new)
    source.write_text(LINE.sub(f'__version__ = "{new}"', source.read_text()))
    for path in manifests:
        manifest = json.loads(path.read_text())
        for place in (manifest, manifest.get("packages", {}).get("")):
            if place:
                place["version"] = for_npm
        path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        set_version(sys.argv[1])
    except (IndexError, ValueError) as error:
        sys.exit(f"make version VERSION=…: {error}")
