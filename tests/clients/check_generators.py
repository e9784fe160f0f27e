"""Clients of the generators that `make clients` installs: they are heavy, so that `make test` leaves them out."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.support import compile_strictly, consumer, write_schema
from tests.stack import ROOT
from uploads.web.tokens import token_of

INSTALLED = ROOT / "var" / "clients"
SCRIPTS = ROOT / "tests" / "clients" / "python"
PACKAGE = "generated_client"


def run(*command: str | Path, **environment: str) -> str:
    ended = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def generate(folder: Path, kind: str, *more: str) -> None:
    (jar,) = INSTALLED.glob("openapi-generator-cli-*.jar")
    schema = write_schema(folder)
    run("java", "-jar", jar, "generate", "--input-spec", schema, "--generator-name", kind, *more)


def use(script: str, generated: Path, url: str, token: str) -> dict[str, Any]:
    output = run(INSTALLED / "bin" / "python", SCRIPTS / script, url, token, PYTHONPATH=str(generated))
    found: dict[str, Any] = json.loads(output)
    return found


def test_openapi_generator_for_typescript(tmp_path: Path) -> None:
    consumer(tmp_path, "openapi-generator")
    generate(tmp_path, "typescript-fetch", "--output", str(tmp_path / "generated" / "openapi-generator"))
    compile_strictly(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_openapi_generator_for_python(tmp_path: Path, live_server: Any, user: Any, oss: Any) -> None:
    generate(tmp_path, "python", "--package-name", PACKAGE, "--output", str(tmp_path / "generated"))
    assert use("openapi_generator.py", tmp_path / "generated", live_server.url, token_of(user)) == {
        "state": "uploading",
        "refusal": "invalid",
        "kinds": ["CreatedUpload", "InvalidProblem"],
        "names": ["film.mp4", "film.mp4"],
    }


@pytest.mark.django_db(transaction=True)
def test_openapi_python_client(tmp_path: Path, live_server: Any, user: Any, oss: Any) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"package_name_override": PACKAGE, "post_hooks": []}))
    schema, output = write_schema(tmp_path), tmp_path / "generated"
    command = INSTALLED / "bin" / "openapi-python-client"
    run(command, "generate", "--path", schema, "--output-path", output, "--config", config, "--fail-on-warning")
    assert use("openapi_python_client.py", output, live_server.url, token_of(user)) == {
        "state": "uploading",
        "refusal": "invalid",
        "kinds": ["CreatedUpload", "InvalidProblem"],
        "names": ["film.mp4", "film.mp4"],
    }
