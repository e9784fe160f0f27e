"""Chromium and Firefox, driven by Playwright."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import BrowserContext, Playwright
from playwright.sync_api import Page as Tab

from tests.browser import FLAGS
from tests.browser import executable as chromium
from tests.browsers import firefox
from tests.browsers.page import PATIENCE, Page


class PlaywrightPage(Page):
    """A tab of Playwright's."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        tab.set_default_timeout(PATIENCE * 1000)

    def open(self, url: str) -> None:
        self.tab.goto(url)

    def evaluate(self, function: str, *arguments: Any) -> Any:
        return self.tab.evaluate(f"(given) => ({function})(...given)", list(arguments))

    def click(self, testid: str) -> None:
        self.tab.get_by_test_id(testid).last.click()

    def press(self, key: str) -> None:
        self.tab.keyboard.press(key)

    def choose(self, paths: Sequence[Path], testid: str = "file-input") -> None:
        self.tab.get_by_test_id(testid).set_input_files(list(paths))

    def fill(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            self.tab.locator(f"[name={name}]").fill(value)
        with self.tab.expect_navigation():
            self.tab.keyboard.press("Enter")

    def forget_login(self) -> None:
        self.tab.context.clear_cookies()

    def resize(self, width: int, height: int) -> None:
        self.tab.set_viewport_size({"width": width, "height": height})

    def screenshot(self, path: Path) -> None:
        self.tab.screenshot(path=path)

    def new_tab(self) -> Self:
        return type(self)(self.tab.context.new_page())

    def close(self) -> None:
        self.tab.close(run_before_unload=False)


@contextmanager
def launched(playwright: Playwright, engine: str) -> Iterator[BrowserContext]:
    """A browser that remembers nothing of others."""
    if engine == "firefox":
        browser = playwright.firefox.launch(**firefox.launch_arguments())
    else:
        browser = playwright.chromium.launch(args=FLAGS, executable_path=chromium())
    yield browser.new_context(locale="en-GB")
    browser.close()


@contextmanager
def opened(context: BrowserContext) -> Iterator[PlaywrightPage]:
    """A new tab. Whoever was logged in before still is."""
    yield PlaywrightPage(context.new_page())
    for page in context.pages:
        page.close(run_before_unload=False)
