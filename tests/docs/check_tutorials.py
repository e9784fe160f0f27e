"""The tutorials of docs/tutorials.md, followed as they are written.

The demo is followed by tests/test_demo.py and tests/e2e/test_page.py, the web page by
tests/e2e/test_guides_followed.py.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import http
from tests.hosts.recipe import Block, blocks, follow
from tests.stack import ROOT, accepts, deliver, free_port, wait_until
from tests.test_demo import clean_environment
from uploads.localoss.testing import LocalServer

CONTENT = b"hello, world"
INSTALLED, SERVER = "python -m pip", "python manage.py localoss"
"""Not run: what is installed is the code of this checkout, and the server is the one of the fixture."""
PASSWORD = {
    "DJANGO_SUPERUSER_USERNAME": "ann",
    "DJANGO_SUPERUSER_EMAIL": "",
    "DJANGO_SUPERUSER_PASSWORD": "very secret",
}
"""What `createsuperuser` asks for."""


@pytest.fixture
def oss(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "oss") as server:
        yield server


def test_the_project_uploads(oss: LocalServer, tmp_path: Path) -> None:
    project, port = tmp_path / "project", free_port()
    project.mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = clean_environment() | PASSWORD | {"PATH": path, "PYTHONPATH": str(ROOT)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    steps = list(_steps(oss.url, port))
    *before, last = steps
    *commands, serve = last.code.splitlines()
    follow([*before, Block("sh", "\n".join(commands))], project, {}, environment)
    process = subprocess.Popen(
        ["sh", "-c", f"exec {serve} --noreload"],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: process.poll() is not None or accepts(port), "the site")
        _upload(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(http.TIMEOUT)


def _steps(storage: str, port: int) -> Iterator[Block]:
    """The blocks of the tutorial, with the ports of this test."""
    for block in blocks("docs/tutorials.md", "A Django project"):
        code = block.code.replace("http://127.0.0.1:9000", storage).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        code = code.replace("createsuperuser\n", "createsuperuser --noinput\n")
        lines = [line for line in code.splitlines(keepends=True) if not line.startswith((INSTALLED, SERVER))]
        if lines:
            yield Block(block.language, "".join(lines))


def _upload(site: str) -> None:
    """Log in at the page, and upload a file as its script does."""
    with http.Client(base_url=site, follow_redirects=True) as client:
        login = client.get("/upload/")
        client.post(
            login.url,
            data={"username": "ann", "password": "very secret", "csrfmiddlewaretoken": client.cookies["csrftoken"]},
        )
        page = client.get("/upload/")
        assert "<oss-uploader" in page.text
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        wanted = {"destination": "default", "filename": "hello.txt", "size": len(CONTENT), "sign": 1}
        upload = client.post("/api/uploads/", json=wanted).raise_for_status().json()
        assert deliver(upload["parts"][0], CONTENT).is_success
        done = client.post(f"/api/uploads/{upload['id']}/complete/", json={}).raise_for_status().json()
        assert done["state"] == "completed"
        assert upload["id"] in client.get("/admin/uploads/upload/").text
