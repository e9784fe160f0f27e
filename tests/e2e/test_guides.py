"""The five-minute guides, built with Vite from the packed package as a newcomer builds them, at work in a Chromium.

The guide for Django forms is `tests/host`, which `test_host.py` installs and drives.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anycrc
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import log_in
from tests.front import Front
from tests.http import TIMEOUT
from tests.packed import FRONTEND, VITE, pack, vite_build
from tests.stack import Stack, accepts, free_port, wait_until

MINUTE = 300_000
SIZE = 12_000_000


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guides as they are copied, and the package installed."""
    folder = tmp_path_factory.mktemp("newcomer")
    pack().install(folder, "*")
    shutil.copytree(FRONTEND / "guides", folder / "guides")
    return folder


@pytest.fixture(scope="module")
def front(stack: Stack, newcomer: Path) -> Iterator[Front]:
    built = newcomer / "built"
    built.mkdir()
    for guide in (page.parent for page in (newcomer / "guides").glob("*/index.html")):
        vite_build(guide).rename(built / guide.name)
    with Front(stack, built) as front:
        yield front


@pytest.fixture
def film(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"{request.node.name} ü.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


def uploaded(stack: Stack, film: Path) -> dict[str, Any]:
    """The one upload of that name, whose object is the file."""
    with stack.api() as api:
        (row,) = [row for row in api.get("uploads/").json()["results"] if row["filename"] == film.name]
    assert (row["state"], row["size"]) == ("completed", SIZE)
    assert b"".join(stack.object_bytes(row)) == film.read_bytes()
    found: dict[str, Any] = row
    return found


def visit(page: Page, stack: Stack, front: Front, guide: str) -> None:
    log_in(page, stack)  # A cookie is good for all ports of a host.
    page.goto(f"{front.url}/pages/{guide}/")


HASHED = """
window.hashed = [];
const Plain = Worker;
window.Worker = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => hashed.push(data.value));
  }
};
"""


def test_plain_page(page: Page, stack: Stack, front: Front, film: Path) -> None:
    """And what a bundler makes of the package: the CRC64 of each part is computed in a worker that it found."""
    page.add_init_script(HASHED)
    visit(page, stack, front, "plain")
    page.get_by_test_id("file-input").set_input_files(film)
    row = uploaded_by(page.get_by_text(f"{film.name} is uploaded as"), stack, film)
    assert row["crc64"] == crc64(film.read_bytes())
    data, size = film.read_bytes(), row["part_size"]
    assert any("crc64.worker" in worker.url for worker in page.workers)
    parts = {crc64(data[at : at + size]) for at in range(0, SIZE, size)}
    assert len(parts) > 1
    assert parts <= set(page.evaluate("hashed"))


def crc64(data: bytes) -> str:
    return str(anycrc.Model("CRC64-XZ").calc(data))


def uploaded_by(told: Any, stack: Stack, film: Path) -> dict[str, Any]:
    expect(told).to_be_visible(timeout=MINUTE)
    return uploaded(stack, film)


def test_while_it_is_being_developed(page: Page, stack: Stack, newcomer: Path, film: Path) -> None:
    shutil.copytree(newcomer / "guides" / "plain", newcomer, dirs_exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    stack.site.manage("configure_bucket", "--origin", url)
    command = ["node", str(VITE), "--host", "127.0.0.1", "--port", str(port), "--strictPort", "--logLevel", "error"]
    running = subprocess.Popen(command, cwd=newcomer, env={**os.environ, "SITE": stack.site.url})
    try:
        wait_until(lambda: accepts(port), "Vite to accept connections")
        log_in(page, stack)
        page.goto(url)
        page.get_by_test_id("file-input").set_input_files(film)
        uploaded_by(page.get_by_text(f"{film.name} is uploaded as"), stack, film)
        assert any("crc64.worker" in worker.url for worker in page.workers)
    finally:
        running.terminate()
        running.wait(TIMEOUT)


@pytest.mark.parametrize("guide", ["react", "vue", "svelte", "uppy"])
def test_a_field_of_ones_own(page: Page, stack: Stack, front: Front, film: Path, guide: str) -> None:
    visit(page, stack, front, guide)
    field = page.get_by_label("File", exact=True)
    expect(field).to_be_enabled()
    field.set_input_files(film)
    uploaded_by(page.get_by_text(f"{film.name}: completed"), stack, film)


@pytest.mark.parametrize("guide", ["react", "vue", "svelte"])
def test_the_element_within(page: Page, stack: Stack, front: Front, film: Path, guide: str) -> None:
    visit(page, stack, front, guide)
    page.get_by_test_id("file-input").set_input_files(film)
    uploaded_by(page.get_by_role("list", name="Films").get_by_text(film.name), stack, film)


def test_ali_oss(page: Page, stack: Stack, front: Front, film: Path) -> None:
    visit(page, stack, front, "ali-oss")
    field = page.get_by_label("File")
    expect(field).to_be_enabled()
    field.set_input_files(film)
    told = page.get_by_text(f"{film.name}: completed as ")
    expect(told).to_be_visible(timeout=MINUTE)
    key = told.inner_text().partition(" as ")[2]
    assert b"".join(stack.object_bytes({"bucket": stack.oss_server.bucket, "key": key})) == film.read_bytes()
