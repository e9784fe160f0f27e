"""The npm package as npm packs it, in a folder of a consumer who has nothing of this checkout but what he installed.

Rule: no registry is asked: the package is unpacked from its tarball, and what it depends on is what the front end has.
"""

import fcntl
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack import ROOT

FRONTEND = ROOT / "frontend"
MODULES = FRONTEND / "node_modules"
PACKED = ROOT / "var" / "packed"
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
        # The `tarfile` of Python 3.11.2, Debian 12 has that, knows no `filter`; that of 3.12 warns without one.
        subprocess.run(["tar", "--extract", "--file", self.tarball, "--directory", modules], check=True)
        (modules / "package").rename(modules / "oss-uploads")
        wanted = {*json.loads((modules / "oss-uploads" / "package.json").read_text())["dependencies"], *also}
        names = {path.name for path in MODULES.iterdir() if path.is_dir()} if "*" in wanted else wanted
        for name in names - {".bin"}:
            (modules / name).parent.mkdir(exist_ok=True)
            (modules / name).symlink_to(MODULES / name)


def pack() -> Packed:
    """For real, with all that npm runs before it packs, and once for each state of the front end.

    npm builds in the checkout, where two processes at once would disturb each other.
    """
    folder = PACKED / _state()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "report.json"
    with (PACKED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(_pack(folder))
    report = json.loads(kept.read_text())
    return Packed(folder / report["filename"], report)


def _pack(to: Path) -> str:
    """What npm says of it, as JSON."""
    command = ["npm", "--silent", "pack", "--json", "--pack-destination", str(to)]
    answer = subprocess.run(command, cwd=FRONTEND, check=True, capture_output=True, text=True, timeout=600).stdout
    (report,) = json.loads(answer[answer.index("[") :])
    return json.dumps(report)


def _state() -> str:
    """A hash of everything that the package is made of."""
    paths = [*(FRONTEND / "src").rglob("*"), *FRONTEND.glob("*.json"), *FRONTEND.glob("*.md"), FRONTEND / "LICENSE"]
    found = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        found.update(f"{path.relative_to(FRONTEND)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def node(folder: Path, *arguments: str) -> str:
    """What Node says, run in the consumer's folder; it must end well."""
    ended = subprocess.run(["node", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def vite_build(root: Path) -> Path:
    """The consumer's page at `root`, built; where it lies."""
    node(root, str(VITE), "build", "--base", "./", "--logLevel", "error", "--outDir", "built")
    return root / "built"
