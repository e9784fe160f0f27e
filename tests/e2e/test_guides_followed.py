"""Each guide, followed from an empty folder against `manage.py demo`, with the frameworks from the registry.

`make test` follows the plain page and React. GUIDES=all follows all of them.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.guides import Guide
from tests.http import TIMEOUT
from tests.packed import pack
from tests.stack import ROOT, accepts, free_port, wait_until
from tests.test_demo import clean_environment
from uploads.site.demo import DEVELOPMENT_PORTS

SIZE = 12_000_000
LONG = ["Vue", "Svelte", "Angular", "Uppy", "ali-oss"] if os.environ.get("GUIDES") == "all" else []
OWN_FIELD = {"React", "Vue", "Svelte", "Angular", "Uppy", "ali-oss"}
"""Guides with an input of their own, whose page says that the file is completed."""
ELEMENT = {"React", "Vue", "Svelte"}
"""Guides with the element, whose page lists the files that it has uploaded."""


@pytest.fixture(scope="module")
def tarball() -> Path:
    return pack().tarball


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo."""
    port = free_port()
    given = {"PORT": str(port), "OSS_PORT": str(free_port()), "VAR_DIR": str(tmp_path_factory.mktemp("var"))}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=clean_environment() | given,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: process.poll() is not None or accepts(port), "the demo")
    assert process.poll() is None
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    process.wait(60)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film ü.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def port() -> Iterator[int]:
    """Of those that the demo knows, one that no other process of these tests takes meanwhile."""
    for port in DEVELOPMENT_PORTS:
        with (Path(tempfile.gettempdir()) / f"oss-uploads-port-{port}.lock").open("w") as lock, suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not accepts(port):
                yield port
                return
    pytest.fail(f"no port of {DEVELOPMENT_PORTS} is free")


@pytest.mark.parametrize("title", ["A plain page", "React", *LONG])
def test_a_guide_works_as_written(
    page: Page, demo: str, tarball: Path, film: Path, tmp_path: Path, port: int, title: str
) -> None:
    guide = Guide(title, tmp_path / "page", tarball)
    guide.folder.mkdir()
    guide.follow()
    server = guide.server(port, demo)
    try:
        wait_until(lambda: server.poll() is not None or accepts(port) or _accepts_ipv6(port), "Vite")
        page.goto(f"http://localhost:{port}/accounts/login/")
        page.locator("input[name=username]").fill("demo")
        page.locator("input[name=password]").fill("demo")
        page.locator("main button[type=submit]").click()
        page.wait_for_url(f"http://localhost:{port}/")
        upload_as_the_guide_shows(page, title, film)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(TIMEOUT)


def upload_as_the_guide_shows(page: Page, title: str, film: Path) -> None:
    if title in OWN_FIELD:
        field = page.get_by_label("File", exact=True)
        expect(field).to_be_enabled()
        field.set_input_files(film)
        expect(page.get_by_text(f"{film.name}: completed")).to_be_visible()
    if title in ELEMENT:
        page.get_by_test_id("file-input").set_input_files(film)
        expect(page.get_by_role("list", name="Films").get_by_text(film.name)).to_be_visible()
    if title == "A plain page":
        page.get_by_test_id("file-input").set_input_files(film)
        expect(page.get_by_text(f"{film.name} is uploaded as")).to_be_visible()


def _accepts_ipv6(port: int) -> bool:
    """Vite listens where `localhost` leads, which may be ::1."""
    with socket.socket(socket.AF_INET6) as probe:
        return probe.connect_ex(("::1", port)) == 0
