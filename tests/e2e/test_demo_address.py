"""The demo, opened from a phone: under a name, by plain HTTP, which browsers treat as not secure."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page, expect

from tests.browser import FLAGS
from tests.e2e.conftest import PATIENCE
from tests.test_demo_address import environment, running

NAME = "phone.example"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for given in running(environment(tmp_path_factory.mktemp("demo"), "0.0.0.0")):
        yield f"http://{NAME}:{given['PORT']}"


@pytest.fixture
def phone(browser_type: BrowserType, browser_type_launch_args: dict[str, Any]) -> Iterator[Page]:
    arguments = [*FLAGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    browser.close()


def test_a_phone_uploads_to_the_demo(demo: str, phone: Page, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(30_000_000))
    phone.goto(demo)
    assert phone.evaluate("window.isSecureContext") is False
    phone.locator("input[name=username]").fill("demo")
    phone.locator("input[name=password]").fill("demo")
    phone.locator("main button[type=submit]").click()
    phone.get_by_test_id("file-input").set_input_files(film)
    expect(phone.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1)
