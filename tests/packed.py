"""The npm package as npm packs it, in a folder of a consumer who has nothing of this checkout but what he installed.

Rule: no registry is asked: the package is unpacked from its tarball, and what it depends on is what the front end has.
"""

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack import ROOT

FRONTEND = ROOT / "frontend"
MODULES = FRONTEND / "node_modules"
VITE = MODULES / "vite" / "bin" / "vite.js"


@dataclass(frozen=True)
class Packed:
    tarball: Path
    report: dict[str, Any]
    """What npm says of it."""

    @property
    def files(self) -> set[str]:
        return {file["path"] for file in self.report["files"]}

    def install(self, folder: Path, *also: str) -> None:
        """With its dependencies, and with `also` of what the front end has; `*` for all of that."""
        modules = folder / "node_modules"
        modules.mkdir(parents=True)
        with tarfile.open(self.tarball) as tar:
            tar.extractall(modules, filter="data")
        (modules / "package").rename(modules / "oss-uploads")
        wanted = {*json.loads((modules / "oss-uploads" / "package.json").read_text())["dependencies"], *also}
        names = {path.name for path in MODULES.iterdir() if path.is_dir()} if "*" in wanted else wanted
        for name in names - {".bin"}:
            (modules / name).parent.mkdir(exist_ok=True)
            (modules / name).symlink_to(MODULES / name)


def pack(to: Path) -> Packed:
    """For real, with all that npm runs before it packs."""
    command = ["npm", "--silent", "pack", "--json", "--pack-destination", str(to)]
    answer = subprocess.run(command, cwd=FRONTEND, check=True, capture_output=True, text=True, timeout=300).stdout
    (report,) = json.loads(answer[answer.index("[") :])
    return Packed(to / report["filename"], report)


def node(folder: Path, *arguments: str) -> str:
    """What Node says, run in the consumer's folder; it must end well."""
    ended = subprocess.run(["node", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def vite_build(root: Path) -> Path:
    """The consumer's page at `root`, built; where it lies."""
    node(root, str(VITE), "build", "--base", "./", "--logLevel", "error", "--outDir", "built")
    return root / "built"
