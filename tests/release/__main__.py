"""python -m tests.release TOOLS: the whole of `make release`. The packages are in var/release/packages afterwards."""

import json
import shutil
import sys
import tarfile
import time
from pathlib import Path

from tests.release import bill, checking
from tests.release.building import build, clone, compare, sha256
from tests.release.changelog import released
from tests.release.commands import ROOT, Failed, run
from tests.release.version import npm_version, version

FOLDER = ROOT / "var" / "release"
CLONES = (FOLDER / "one" / "oss-uploads", FOLDER / "another-place" / "a-clone-of-it")
"""Two directories of different lengths, which may not show in a package."""


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGAN:6.0f} s  {text}", flush=True)


def main(tools: Path) -> None:
    """Raises Failed at the first step that fails."""
    if changed := run(["git", "status", "--porcelain"], ROOT).strip():
        raise Failed(f"Commit first; a release is built from a commit:\n{changed}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    builds = []
    for number, place in enumerate(CLONES):
        clone(place)
        builds.append(build(place, FOLDER / f"build-{number}"))
        say(f"built in {place.relative_to(ROOT)}")
    compare(*builds)
    say("both builds have the same bytes")
    source = CLONES[0]
    tarball, sdist, wheel = sort_out(builds[0])
    check(tools, source, wheel, sdist, tarball)
    packages = FOLDER / "packages"
    packages.mkdir()
    python = checking.check_installs(wheel, FOLDER / "installed")
    say("the wheel installs, and its site starts")
    components = bill.python_bill(tools, python, source, packages / f"oss-uploads-{version()}.python.cdx.json")
    say(f"bill of the wheel with the site: {components} components")
    components = bill.npm_bill(source, packages / f"oss-uploads-{version()}.npm.cdx.json")
    say(f"bill of the npm package: {components} components")
    for path in (wheel, sdist, tarball):
        shutil.copy(path, packages)
    write_sums(packages)
    if version() not in released():
        say(f"This was a rehearsal: CHANGELOG.md has no section for {version()}. docs/releasing.md says what to do.")


def sort_out(built: list[Path]) -> tuple[Path, Path, Path]:
    """The npm tarball, the sdist and the wheel; each has the version in its name. Raises Failed."""
    names = [f"oss-uploads-{npm_version(version())}.tgz", f"oss_uploads-{version()}.tar.gz"]
    names.append(f"oss_uploads-{version()}-py3-none-any.whl")
    found = {path.name: path for path in built}
    if set(names) != set(found):
        raise Failed(f"These were built: {', '.join(found)}; expected were {', '.join(names)}.")
    return found[names[0]], found[names[1]], found[names[2]]


def check(tools: Path, source: Path, wheel: Path, sdist: Path, tarball: Path) -> None:
    checking.check_contents(wheel, sdist, set(run(["git", "ls-files"], source).split("\n")) - {""})
    checking.check_page("oss-uploads (Python)", str(checking.metadata(wheel).get_payload()))
    with tarfile.open(tarball) as archive:
        page, manifest = (archive.extractfile(f"package/{name}") for name in ("README.md", "package.json"))
        assert page
        assert manifest
        checking.check_page("oss-uploads (npm)", page.read().decode())
        assert json.load(manifest)["version"] == npm_version(version())
    say("contents, versions and links of both packages")
    checking.check_sdist_builds_the_wheel(sdist, wheel, source, FOLDER / "from-sdist")
    say("the sdist builds the same wheel")
    for name, command in checking.judges(tools, wheel, sdist, tarball):
        run(command, FOLDER)
        say(name)


def write_sums(packages: Path) -> None:
    lines = []
    for path in sorted(packages.iterdir()):
        lines.append(f"{sha256(path)}  {path.name}\n")
        say(f"{sha256(path)[:16]}…  {path.stat().st_size:>9,} bytes  {path.name}")
    (packages / "SHA256SUMS").write_text("".join(lines))


BEGAN = time.monotonic()
if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute())
    except Failed as error:
        sys.exit(f"\n{error}")
