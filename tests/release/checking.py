"""What is checked of packages that were built, each by the tool of its registry.

twine looks at the description as the Python Package Index shows it. publint and attw ("Are the types wrong?") look at
the npm package as Node.js, bundlers and TypeScript read it.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from tests.release.building import commit_time, python_packages, sha256
from tests.release.commands import Failed, run

BUILT = "uploads/static/uploads/oss-uploads.js"
OF_THE_MACHINE = re.compile(rb"/home/|/root/|/tmp/|/Users/|file://")


def metadata(wheel: Path) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(opened.read(name))


def check_contents(wheel: Path, sdist: Path, committed: set[str]) -> None:
    """Raises Failed unless the wheel has the package with its front end, and the sdist what is committed; no more."""
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        if BUILT not in names or "uploads/py.typed" not in names:
            raise Failed("The wheel lacks the built front end, or py.typed.")
        if others := [name for name in names if not re.match(r"uploads/|oss_uploads-[^/]+\.dist-info/", name)]:
            raise Failed(f"The wheel has files beside the package: {', '.join(others)}.")
        if hidden := [name for name in names if "/." in name]:
            raise Failed(f"The wheel has hidden files: {', '.join(hidden)}.")
        if found := [name for name in names if OF_THE_MACHINE.search(opened.read(name)) and name.endswith(".map")]:
            raise Failed(f"These tell of the machine that they were made on: {', '.join(found)}.")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    if missing := {BUILT, "PKG-INFO", *committed} - inside:
        raise Failed(f"The sdist lacks {', '.join(sorted(missing)[:9])}.")
    front_end = BUILT.rpartition("/")[0]
    if others := [name for name in inside - committed - {"PKG-INFO"} if not name.startswith(front_end)]:
        raise Failed(f"The sdist has files that are not committed: {', '.join(sorted(others)[:9])}.")


def relative_links(text: str) -> list[str]:
    """The links and images of a description that lead nowhere on a package's page."""
    targets = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|href)="([^"]+)"', without_code(text))]
    return [target for target in targets if not re.match(r"https?://|#|mailto:", target)]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def check_page(name: str, description: str) -> None:
    """Raises Failed when a link of the page of this package cannot work there."""
    if found := relative_links(without_code(description)):
        raise Failed(f"{name}: these links do not work on the package's page: {', '.join(found)}.")


def check_sdist_builds_the_wheel(sdist: Path, wheel: Path, clone: Path, folder: Path) -> None:
    """Raises Failed unless the wheel that is built from the sdist has the bytes of the other."""
    subprocess.run(["tar", "--extract", "--file", sdist, "--directory", folder], check=True)
    (source,) = folder.iterdir()
    python_packages(source, folder / "wheel", commit_time(clone), "wheel")
    if sha256(folder / "wheel" / wheel.name) != sha256(wheel):
        raise Failed("The wheel that is built from the sdist is another one.")


def judges(tools: Path, wheel: Path, sdist: Path, tarball: Path) -> Iterator[tuple[str, list[str | Path]]]:
    """The name of each judge, and its command."""
    python, npm = tools / "bin" / "python", tools / "node_modules" / ".bin"
    yield "twine", [python, "-m", "twine", "check", "--strict", wheel, sdist]
    yield "publint", [npm / "publint", "run", "--strict", tarball]
    # The package has ES modules alone, and exports, which TypeScript's resolution of before 2022 does not read.
    yield "attw", [npm / "attw", "--profile", "esm-only", "--format", "ascii", tarball]


def check_installs(wheel: Path, folder: Path) -> Path:
    """An environment with the standalone site from the wheel, and its Python. Raises Failed unless it works there."""
    run([sys.executable, "-m", "venv", folder], folder.parent)
    python = folder / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", f"oss-uploads[site] @ {wheel.as_uri()}"], folder)
    run([python, "-m", "pip", "check"], folder)
    run([python, "-m", "django", "help", "demo", "--settings=uploads.site.settings"], folder)
    # What the environment came with is no part of the bill.
    run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip"], folder)
    return python
