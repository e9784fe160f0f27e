"""python -m tests.picture [DIR]: photographs the real page at work; README's picture is one of these.

DIR gets the page in its states, wide and on a phone, light and dark; without it only README's picture is made.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import FLAGS, executable
from tests.e2e.conftest import log_in, throttle
from tests.stack import ROOT, Stack, wait_until

README_PICTURE = ROOT / "frontend" / "demo" / "page.png"
MIB = 1 << 20


def make_file(folder: Path, name: str, mib: int) -> Path:
    path = folder / name
    with path.open("wb") as file:
        file.write(os.urandom(MIB))
        file.truncate(mib * MIB)
    return path


def item(page: Page, state: str) -> None:
    expect(page.locator(f'[data-testid="upload-item"][data-state="{state}"]').first).to_be_visible(timeout=60_000)


def at_work(page: Page, stack: Stack, files: Path) -> None:
    """One finished, one under way, one paused: what README shows."""
    log_in(page, stack)
    page.get_by_test_id("file-input").set_input_files(make_file(files, "interview.wav", 24))
    item(page, "completed")
    throttle(page, 12 * MIB)
    page.get_by_test_id("file-input").set_input_files(make_file(files, "holiday on the lake.mp4", 420))
    wait_until(lambda: ratio(page) > 0.3, "a third of the film to be sent", 120)


def ratio(page: Page) -> float:
    """How far the file under way is."""
    bar = page.locator('[data-testid="upload-item"][data-state="uploading"] progress')
    return float(bar.evaluate("bar => bar.position")) if bar.count() else 0.0


def main(album: Path | None) -> None:
    with Stack() as stack, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 860}, device_scale_factor=1)
        at_work(page, stack, Path(folder))
        page.screenshot(path=README_PICTURE)
        if album:
            album.mkdir(parents=True, exist_ok=True)
            photograph(page, browser, stack, album)
        browser.close()


def photograph(page: Page, browser: Browser, stack: Stack, album: Path) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width, height in ((1280, 800), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=album / f"busy-{scheme}-{width}.png", full_page=True)
    page.get_by_test_id("pause").first.click()
    item(page, "paused")
    page.screenshot(path=album / "paused-dark-390.png", full_page=True)
    other = browser.new_page(viewport={"width": 1280, "height": 800})
    other.goto(f"{stack.site.url}/")
    other.screenshot(path=album / "login-light-1280.png")
    log_in(other, stack)
    expect(other.get_by_test_id("unfinished-item")).to_have_count(1)
    other.screenshot(path=album / "unfinished-light-1280.png", full_page=True)
    stack.oss_server.kill()
    stack.oss_server.root.rename(stack.oss_server.root.with_name("gone"))
    stack.oss_server.start()
    wrong = make_file(Path(tempfile.mkdtemp()), "refused.bin", 20)
    other.get_by_test_id("file-input").set_input_files(wrong)
    item(other, "failed")
    other.screenshot(path=album / "failed-light-1280.png", full_page=True)
    admin = browser.new_page(viewport={"width": 1280, "height": 800})
    admin.goto(f"{stack.site.url}/admin/login/?next=/admin/uploads/upload/")
    admin.locator("#id_username").fill("admin")
    admin.locator("#id_password").fill("admin")
    admin.get_by_role("button", name="Log in").click()
    admin.screenshot(path=album / "admin-light-1280.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
