"""Empty environments with the wheel in them, for each Python that is on this machine.

Rule: nothing but the wheel comes from this checkout, and no interpreter is downloaded.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.stack import ROOT

KNOWN = ("3.11", "3.12", "3.13", "3.14")
TESTING = ("pytest", "pytest-django", "httpx")
QUIET = ("--quiet", "--disable-pip-version-check")
SECONDS = 900


@cache
def interpreters() -> dict[str, Path]:
    """The Pythons of this machine, by version, lowest first: this one, those on PATH, and those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in KNOWN:
        here = [Path(sys.executable)] if sys.version_info[:2] == tuple(map(int, version.split("."))) else []
        on_path = [Path(path) for path in [shutil.which(f"python{version}")] if path]
        for candidate in [*here, *on_path, *sorted(pyenv.glob(f"{version}.*/bin/python"))]:
            if _version(candidate) == version:
                found[version] = candidate
                break
    return found


def _version(python: Path) -> str:
    """As the interpreter says itself; "" for one that does not run, such as a shim of pyenv."""
    code = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def build_wheel(to: Path) -> Path:
    """The wheel of this checkout."""
    arguments = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(to), str(ROOT)]
    run([sys.executable, "-m", "pip", *QUIET, *arguments])
    (wheel,) = to.glob("oss_uploads-*.whl")
    return wheel


def run(command: Sequence[str | Path], **options: object) -> str:
    """The output of a command. Raises Failed with all of it when the command fails."""
    ended = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=SECONDS, **options
    )  # type: ignore[call-overload]
    if ended.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{ended.stdout}")
    return str(ended.stdout)


class Failed(Exception):
    """A command of a host failed: the command and its output."""


@dataclass(frozen=True)
class Requirements:
    """What an environment has. Hosts with equal requirements share one."""

    python: str
    extras: tuple[str, ...] = ()
    lowest: bool = False
    """The lowest versions that `pyproject.toml` allows, otherwise the highest."""
    by_pip: bool = False
    """Made and filled by venv and pip, as the README says; otherwise by uv, which is quicker."""

    @property
    def name(self) -> str:
        return "-".join([self.python, *self.extras, *(["lowest"] if self.lowest else [])])


@dataclass(frozen=True)
class Environment:
    """An environment with the wheel and pytest."""

    directory: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """For commands that run in it. `pip install oss-uploads` finds the wheel, as if it had been published."""
        ours = ("DJANGO_", "DATABASE_", "CACHE_", "OSS_", "UPLOADS_", "PYTHON", "COVERAGE_", "TEST_SQLITE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        constraints = self.directory / "constraints.txt"
        constraints.write_text(f"oss-uploads @ {self.wheel.as_uri()}\n")
        path = f"{self.directory / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "PIP_CONSTRAINT": str(constraints)}

    def version_of(self, package: str) -> str:
        code = f"from importlib.metadata import version; print(version({package!r}))"
        return run([self.python, "-c", code]).strip()


def make(wanted: Requirements, wheel: Path, parent: Path) -> Environment:
    """A new environment below `parent`. Raises Failed."""
    environment = Environment(parent / wanted.name, wheel)
    python = interpreters()[wanted.python]
    extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
    if wanted.by_pip:
        run([python, "-m", "venv", environment.directory])
        arguments = ["install", *QUIET, f"oss-uploads{extras}", *TESTING]
        run([environment.python, "-m", "pip", *arguments], env=environment.variables())
        return environment
    run([*uv("venv", "--seed"), "--python", python, environment.directory])
    bounds = list(_lower_bounds(wanted, parent)) if wanted.lowest else []
    install = [*uv("pip", "install"), "--python", environment.python, f"oss-uploads{extras} @ {wheel.as_uri()}"]
    run([*install, *TESTING, *bounds], env=uv_variables())
    return environment


def install(environment: Environment, *names: str) -> None:
    """Install more packages. Raises Failed."""
    run([*uv("pip", "install"), "--python", environment.python, *names], env=uv_variables())


def _lower_bounds(wanted: Requirements, parent: Path) -> Iterator[str]:
    """Options that hold each dependency that `pyproject.toml` names to its lowest version."""
    bounds = parent / f"{wanted.name}.txt"
    extras = [option for extra in wanted.extras for option in ("--extra", extra)]
    command = [*uv("pip", "compile"), "--resolution", "lowest-direct", "--python-version", wanted.python]
    run([*command, *extras, "--output-file", bounds, ROOT / "pyproject.toml"], env=uv_variables())
    yield from ("--constraint", str(bounds))


def uv(*command: str) -> list[str | Path]:
    return [Path(sys.executable).with_name("uv"), *command, "--quiet", "--no-python-downloads"]


def uv_variables() -> dict[str, str]:
    """uv does not read pip's variables."""
    pairs = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_CERT": "SSL_CERT_FILE"}
    given = {theirs: os.environ[ours] for ours, theirs in pairs.items() if os.environ.get(ours)}
    return {**os.environ, **given}
