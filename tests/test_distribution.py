"""The wheel, and what the Makefile says where a tool is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts.environments import uv, uv_variables
from tests.http import TIMEOUT
from tests.stack import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As `git clone` leaves it: the front end is not built."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "uploads").mkdir()
    shutil.copy(ROOT / "uploads" / "__init__.py", tmp_path / "uploads")
    return tmp_path


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_nothing_is_built_without_the_front_end(checkout: Path, target: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    ended = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert ended.returncode == 1
    assert "uploads/static/uploads/oss-uploads.js is missing. Build the front end first: make setup." in ended.stderr
    assert "Traceback" not in ended.stderr
    built = checkout / "uploads" / "static" / "uploads"
    built.mkdir(parents=True)
    (built / "oss-uploads.js").touch()
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, timeout=TIMEOUT)


def test_an_editable_installation_may_come_before_the_front_end(checkout: Path) -> None:
    target = checkout / "installed"
    command = [*uv("pip", "install"), "--python", sys.executable, "--no-deps", "--target", target, "--editable", "."]
    subprocess.run(command, cwd=checkout, env=uv_variables(), check=True, timeout=TIMEOUT)
    assert list(target.glob("oss_uploads-*.dist-info"))


def make_tools(directory: Path, **scripts: str) -> "subprocess.CompletedProcess[str]":
    """What `make tools` says where nothing but the system's own tools and these scripts are found."""
    for name in ("make", "sh", "sed", "find", "test"):
        if path := shutil.which(name):
            (directory / name).symlink_to(path)
    for name, script in scripts.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    # The tests may themselves be run by make, which names its level in the variables and in each line, and passes on
    # what it was told: make test PYTHON=….
    of_make = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "PYTHON")
    outside = {name: value for name, value in os.environ.items() if name not in of_make}
    environment = {**outside, "PATH": str(directory)}
    command = ["make", "--silent", "tools", f"VENV={directory / 'venv'}"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )


REAL_PYTHON = f'exec {sys.executable} "$@"'
NODE = "echo v20.1.0"


def test_a_machine_with_both_tools_is_told_nothing(tmp_path: Path) -> None:
    ended = make_tools(tmp_path, python3=REAL_PYTHON, node=NODE, npm="")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("scripts", "line"),
    [
        ({}, "Python 3.11 or newer is needed; python3 is missing."),
        ({"python3": "echo 3.9 False"}, "Python 3.11 or newer is needed; python3 is 3.9."),
        ({"python3": "echo shim: command not found >&2; exit 127"}, "python3 is missing."),
        ({"python3": REAL_PYTHON}, "Node.js 20 or newer, with npm, is needed to build the page; it is missing"),
        ({"python3": REAL_PYTHON, "node": "echo v18.19.0", "npm": ""}, "it is v18.19.0"),
        ({"python3": 'case "$2" in *ensurepip*) exit 1;; *) echo 3.11 True;; esac'}, "python3-venv"),
    ],
    ids=["no Python", "old Python", "a shim", "no Node", "old Node", "no venv"],
)
def test_a_missing_tool_is_one_line_before_anything_is_installed(
    tmp_path: Path, scripts: dict[str, str], line: str
) -> None:
    ended = make_tools(tmp_path, **scripts)
    assert ended.returncode != 0
    said = [each for each in ended.stderr.splitlines() if not each.startswith("make: ***")]
    assert len(said) == 1
    assert line in said[0]
    assert not (tmp_path / "venv").exists()
