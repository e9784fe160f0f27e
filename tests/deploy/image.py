"""What deploy/Dockerfile makes, without a container: the same wheel, packages, variables, user and command line.

The files come from the build context as .dockerignore leaves it. The processes see a read-only file system, as with
`docker run --read-only --tmpfs /tmp`, where this process may mount file systems.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.hosts.environments import interpreters, run, uv, uv_variables
from tests.stack import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
DOCKERIGNORE = ROOT / ".dockerignore"
BUILT = Path("uploads/static/uploads")
USER = 10001
READ_ONLY = """
set -e
mount --bind "$WRITABLE" "$WRITABLE"
mount -o remount,ro,bind /
exec setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs --bounding-set=-all "$@"
"""
"""Runs "$@" as the image's user with one writable directory beside /dev/shm."""


def instructions(name: str) -> list[str]:
    """What stands behind this instruction in the Dockerfile's last stage, one for each time it occurs."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    last = text[text.rindex("\nFROM ") :]
    return [re.sub(r"\s+", " ", line) for line in re.findall(rf"^{name} (.*)$", last, re.MULTILINE)]


def command(port: int, directory: Path) -> list[str]:
    """The CMD of the image, with this port and this directory for what it keeps below /tmp."""
    (text,) = instructions("CMD")
    given: list[str] = json.loads(text)
    assert "0.0.0.0:8000" in given
    return [each.replace("0.0.0.0:8000", f"127.0.0.1:{port}").replace("=/tmp", f"={directory}") for each in given]


def variables(environment: Path) -> dict[str, str]:
    """The ENV of the image, with the site in this environment."""
    (text,) = instructions("ENV")
    pairs = dict(pair.split("=", 1) for pair in text.split())
    assert pairs.pop("PATH") == "/site/bin:$PATH"
    return {**pairs, "PATH": f"{environment / 'bin'}:/usr/local/bin:/usr/bin:/bin"}


def copy_context(to: Path) -> None:
    """The build context, with the front end that the first stage builds."""
    ignored = [line for line in DOCKERIGNORE.read_text().splitlines() if line and not line.startswith("#")]
    kept = [line[1:] for line in ignored if line.startswith("!")]
    left_out = [ROOT / line for line in ignored if line[0] not in "!*"]
    assert ignored[0] == "*"

    def leaves_out(folder: str, names: Sequence[str]) -> set[str]:
        return {name for name in names if name == "__pycache__" or Path(folder, name) in left_out}

    for name in kept:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=leaves_out)
        else:
            shutil.copy(ROOT / name, to)
    shutil.copytree(ROOT / BUILT, to / BUILT)


def make_environment(directory: Path) -> Path:
    """An environment as the image's /site: the packages of the group `image` and the wheel. Raises Failed."""
    context, environment = directory / "context", directory / "site"
    context.mkdir()
    copy_context(context)
    # Debian's, if there is one: a Python in somebody's home directory cannot be run by another user.
    python = next((path for path in [Path("/usr/bin/python3.11")] if path.exists()), interpreters()["3.11"])
    run([*uv("venv"), "--python", python, environment])
    group = ["--group", f"{context / 'pyproject.toml'}:image"]
    run([*uv("pip", "install"), "--python", environment / "bin" / "python", *group], env=uv_variables())
    run([*uv("build"), "--wheel", "--out-dir", directory / "dist", context], env=uv_variables())
    (wheel,) = (directory / "dist").glob("*.whl")
    run([*uv("pip", "install"), "--python", environment / "bin" / "python", "--no-deps", wheel], env=uv_variables())
    run([*uv("pip", "check"), "--python", environment / "bin" / "python"])
    shutil.rmtree(context)
    return environment


@cache
def can_contain() -> bool:
    """Whether this process may mount file systems and become another user."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not Path("/usr/bin/python3.11").exists():
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def contained(arguments: Sequence[str | Path], writable: Path) -> list[str]:
    """The command line that runs this one as the container does; the process is the same from its start."""
    if not can_contain():
        return list(map(str, arguments))
    os.chown(writable, USER, USER)
    script = READ_ONLY.format(user=USER)
    return ["unshare", "--mount", "env", f"WRITABLE={writable}", "sh", "-c", script, "sh", *map(str, arguments)]


def clean(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """These variables without those that name this checkout, its Python or its tests."""
    for name, value in environment.items():
        if not name.startswith(("PYTHON", "DJANGO_", "OSS_", "COVERAGE_", "PYTEST_", "VIRTUAL_ENV")):
            yield name, value
