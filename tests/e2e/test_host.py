"""A host project on the wheel: built, installed into an empty environment, tested there, used through a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.hosts import environments
from tests.stack import ROOT, accepts, client_for, free_port, wait_until
from uploads.localoss.testing import LocalServer
from uploads.oss.cors import CorsConfiguration, CorsRule

ORIGIN_RULE = ("PUT", "POST", "GET", "HEAD")


@dataclass(frozen=True)
class Host:
    python: Path
    directory: Path

    def run(self, *arguments: str, **environment: str) -> str:
        ended = subprocess.run(
            [self.python, *arguments], cwd=self.directory, env=self.environment(**environment), text=True,
            capture_output=True, check=False, timeout=environments.SECONDS,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_", "OSS_"))
        }
        return {**kept, "PYTHONPATH": "", **more}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Nothing of this checkout is in reach but the wheel and the example's own files."""
    place = tmp_path_factory.mktemp("host")
    wheel = environments.build_wheel(place)
    python = place / "venv" / "bin" / "python"
    environments.run([*environments.uv("venv"), "--python", sys.executable, place / "venv"])
    install = [*environments.uv("pip", "install"), "--python", python, f"{wheel}[site]", "pytest", "pytest-django"]
    environments.run(install, env=environments.uv_variables())
    shutil.copytree(ROOT / "tests" / "host", place / "cinema")
    return Host(python, place / "cinema")


def test_the_hosts_own_tests_pass_with_the_fixtures_of_the_wheel(host: Host) -> None:
    assert "16 passed" in host.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning:uploads"
    )
    host.run("manage.py", "makemigrations", "--check", "--dry-run")


@pytest.fixture
def site(host: Host, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with LocalServer() as server:
        oss = client_for(server)
        rule = CorsRule((url,), ORIGIN_RULE, ("*",), ("ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"), 600)
        oss.put_cors(server.bucket, CorsConfiguration((rule,)))
        oss.close()
        environment = {"OSS_ENDPOINT": server.url, "CINEMA_DB": str(tmp_path / "db.sqlite3")}
        host.run("manage.py", "migrate", "--verbosity", "0", **environment)
        make = "from django.contrib.auth.models import User; User.objects.create_superuser('ann', password='ann')"
        host.run("manage.py", "shell", "--verbosity", "0", "--command", make, **environment)
        command = ["-m", "gunicorn", "cinema.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "8"]
        running = subprocess.Popen(
            [host.python, *command, "--log-level", "error"], cwd=host.directory, env=host.environment(**environment)
        )
        try:
            wait_until(lambda: accepts(port), "the host project to accept connections")
            yield url
        finally:
            running.terminate()
            running.wait(environments.SECONDS)


def test_a_form_takes_a_file_that_went_straight_to_oss(page: Page, site: str, tmp_path: Path) -> None:
    film = tmp_path / "mein Film.mp4"
    film.write_bytes(os.urandom(12_000_000))
    page.goto(site)
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("ann")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Title").fill("Holiday")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Films")).to_be_visible()
    assert page.get_by_role("link", name="Holiday").count() == 0, "the browser itself asks for the file first"

    page.get_by_test_id("file-input").set_input_files(film)
    expect(page.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1, timeout=300_000)
    page.get_by_role("button", name="Save").click()
    link = page.get_by_role("link", name="Holiday")
    expect(link).to_be_visible()
    expect(page.get_by_text("12000000 bytes")).to_be_visible()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "mein Film.mp4"
    assert Path(download.value.path()).read_bytes() == film.read_bytes()


def test_the_admin_takes_files_in_its_form_and_in_inlines(page: Page, site: str, tmp_path: Path) -> None:
    film, still = tmp_path / "film.mp4", tmp_path / "still.png"
    film.write_bytes(os.urandom(9_000_000))
    still.write_bytes(os.urandom(90_000))
    page.goto(f"{site}/admin/login/?next=/admin/cinema/film/add/")
    page.locator("#id_username").fill("ann")
    page.locator("#id_password").fill("ann")
    page.locator("[type=submit]").click()
    page.locator("#id_title").fill("Holiday")
    page.locator("#id_owner").select_option(label="ann")
    page.get_by_text("Add another Trailer").click()
    for name, file in {"file": film, "stills": still, "trailer_set-1-file": still}.items():
        uploader = page.locator(f"oss-uploader[name='{name}']")
        uploader.get_by_test_id("file-input").set_input_files(file)
        expect(uploader.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1)
    page.locator("#trailer_set-0 .inline-deletelink").click()  # The other row gets its number.
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".field-file .oss-upload-field").first).to_contain_text("film.mp4")
    expect(page.get_by_role("checkbox", name="still.png")).to_have_count(2)
    page.locator(".field-stills").get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    link = page.locator("#result_list").get_by_role("link", name="film.mp4")
    with page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == film.read_bytes()
    page.locator("#result_list").get_by_role("link", name="Holiday").click()
    expect(page.get_by_role("checkbox", name="still.png")).to_have_count(1)
