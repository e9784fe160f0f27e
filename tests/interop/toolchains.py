"""Programs in Go and Java with the vendor's SDKs: built once for a checkout, in `var/`, and run against a local OSS."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from uploads.localoss.testing import LocalServer

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "var" / "interop"
BUILD_SECONDS = 1200
RUN_SECONDS = 300
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def go(module: str) -> Path:
    """The program of a directory of `go/`. Skips where Go is missing."""
    return built_by_go(HERE / "go" / module, f"go-{module}")


def built_by_go(folder: Path, name: str) -> Path:
    """The program of a Go module. Go's own cache makes a second build cheap. Skips where Go is missing."""
    _need("go")
    program = BUILT / name
    with _one_at_a_time():
        # What go.mod and go.sum pin, in pure Go: no C compiler is needed.
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
        # Without optimization: a first build of Go's own packages takes two thirds of the time.
        options = ["-gcflags=all=-N -l", "-ldflags=-s -w", "-o", str(program)]
        _run(["go", "build", *options, "."], folder, environment)
    return program


def compiled_by_java(source: Path) -> list[str]:
    """The command that runs a class whose file needs nothing but the JDK. Skips where Java's compiler is missing."""
    _need("java", "javac")
    folder = BUILT / f"java-{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    with _one_at_a_time():
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=BUILT) as fresh:
                command = ["javac", "-Xlint:all", "-Werror", "--release", "17", "-d", fresh, str(source)]
                _run(command, HERE, dict(os.environ))
                shutil.copytree(fresh, folder)
    return ["java", *QUICK_START, "-cp", str(folder), source.stem]


def java() -> list[str]:
    """The command that runs `java/Interop.java`. Skips where Java's compiler or Maven is missing."""
    _need("java", "javac", "mvn")
    listed = (HERE / "java" / "jars.sha256").read_text()
    folder = BUILT / f"java-{hashlib.sha256(listed.encode()).hexdigest()[:12]}"
    with _one_at_a_time():
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=BUILT) as fresh:
                given = f"-DoutputDirectory={fresh}"
                _run(["mvn", "-q", "-B", "dependency:copy-dependencies", given], HERE / "java", dict(os.environ))
                assert _sums(Path(fresh)) == listed, "The jars are not those of jars.sha256."
                shutil.copytree(fresh, folder)
    return [
        "java",
        *QUICK_START,
        "-cp",
        f"{folder}/*",
        str(HERE / "java" / "Interop.java"),
    ]


def run(command: Sequence[str | Path], server: LocalServer, **options: Any) -> Any:
    """What a program saw, which it prints as JSON."""
    given = {
        "Endpoint": server.url,
        "Bucket": server.bucket,
        "Region": server.region,
        "AccessKeyId": server.access_key_id,
        "AccessKeySecret": server.access_key_secret,
        **options,
    }
    ended = subprocess.run(
        [*command, json.dumps(given)], capture_output=True, text=True, check=False, timeout=RUN_SECONDS
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _need(*programs: str) -> None:
    if missing := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(f"{' and '.join(missing)} not installed")


def _sums(folder: Path) -> str:
    paths = sorted(folder.iterdir())
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Builds of several test processes follow each other: the second finds what the first has built."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
