"""The software bill of materials of each package, as CycloneDX: what somebody gets who installs it.

Manuals: https://cyclonedx-bom-tool.readthedocs.io/ and https://docs.npmjs.com/cli/v11/commands/npm-sbom
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.release.building import commit_time
from tests.release.commands import ROOT, Failed, run
from tests.release.version import version

VERSION = "1.5"
"""Of CycloneDX; the newest that npm writes."""


def python_bill(tools: Path, python: Path, clone: Path, to: Path) -> int:
    """Write the bill of the environment of `python`; return the number of its components. Raises Failed."""
    options = ["--output-reproducible", "--of", "JSON", "--sv", VERSION, "--pyproject", clone / "pyproject.toml"]
    text = run([tools / "bin" / "python", "-m", "cyclonedx_py", "environment", *options, python], clone)
    return _write(json.loads(text), clone, to, "django")


def npm_bill(clone: Path, to: Path) -> int:
    """Write the bill of the npm package; return the number of its components. Raises Failed."""
    command = ["npm", "sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--omit", "peer", "--omit", "optional"]
    return _write(json.loads(run(command, clone / "frontend")), clone, to, "hash-wasm")


def _write(bill: dict[str, Any], clone: Path, to: Path, expected: str) -> int:
    """With the time of the commit, and without the random number, so that it is the same each time."""
    bill.pop("serialNumber", None)
    # npm names the directory, and a wheel that was installed from a file has the path of that file.
    bill["metadata"]["component"] |= {"name": "oss-uploads", "version": version()}
    for component in bill["components"]:
        references = component.get("externalReferences", [])
        component["externalReferences"] = [each for each in references if not each["url"].startswith("file:")]
    time = datetime.fromtimestamp(int(commit_time(clone)), UTC)
    bill["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    if expected not in {component["name"].lower() for component in bill["components"]}:
        raise Failed(f"{to.name} does not name {expected}.")
    text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
    if str(ROOT) in text:
        raise Failed(f"{to.name} tells of the machine that it was made on.")
    to.write_text(text)
    return len(bill["components"])
