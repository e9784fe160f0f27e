"""Both packages from a fresh clone of a commit.

Rule: nothing of this checkout goes in but the commit, and nothing of the machine but its tools. Times in the archives
are the commit's: https://reproducible-builds.org/docs/source-date-epoch/
"""

import hashlib
import os
import sys
from pathlib import Path

from tests.release.commands import ROOT, Failed, run

NPM_INSTALL = ("npm", "install", "--no-save", "--no-fund", "--no-audit", "--loglevel", "error")


def commit_time(folder: Path) -> str:
    """The time of the commit that is checked out, in seconds since 1970."""
    return run(["git", "log", "-1", "--format=%ct"], folder).strip()


def clone(to: Path) -> None:
    """A fresh clone of this repository's commit at `to`. Raises Failed."""
    os.umask(0o022)  # npm writes the modes of files into its tarball.
    run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, to], ROOT)
    commit = run(["git", "rev-parse", "HEAD"], ROOT).strip()
    run(["git", "checkout", "--quiet", "--detach", commit], to)


def build(folder: Path, to: Path) -> list[Path]:
    """Build the wheel, the sdist and the npm tarball of a clone into `to`. Raises Failed."""
    to.mkdir(parents=True)
    frontend = folder / "frontend"
    epoch = commit_time(folder)
    run(NPM_INSTALL, frontend)
    run(["npm", "--silent", "run", "build"], frontend, SOURCE_DATE_EPOCH=epoch)
    if changed := run(["git", "status", "--porcelain"], folder).strip():
        raise Failed(f"The build changes files of the commit:\n{changed}")
    python_packages(folder, to, epoch)
    run(["npm", "--silent", "pack", "--pack-destination", to], frontend, SOURCE_DATE_EPOCH=epoch)
    return sorted(to.iterdir())


def python_packages(folder: Path, to: Path, epoch: str, *targets: str) -> None:
    """Build the targets of hatchling, the wheel and the sdist unless others are named. Raises Failed."""
    options = [option for target in targets or ("sdist", "wheel") for option in ("--target", target)]
    run([sys.executable, "-m", "hatchling", "build", "--directory", to, *options], folder, SOURCE_DATE_EPOCH=epoch)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def compare(one: list[Path], other: list[Path]) -> None:
    """Raises Failed, with the names, unless both builds have the same files with the same bytes."""
    sums = [{path.name: sha256(path) for path in build} for build in (one, other)]
    if different := sorted(name for name, _ in sums[0].items() ^ sums[1].items()):
        raise Failed(f"Two builds of one commit differ: {', '.join(dict.fromkeys(different))}.")
