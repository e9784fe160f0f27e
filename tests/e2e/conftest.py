"""A real Chromium on the real page, against a local OSS on its own origin."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, expect

from tests.browser import FLAGS, executable, without_windows
from tests.browsers import firefox
from tests.stack import DESTINATIONS, Stack, destinations

PATIENCE = 300_000
"""Milliseconds for what Playwright waits for. A machine that is busy with other work takes its time."""
expect.set_options(timeout=PATIENCE)

MANY_FILES = int(os.environ.get("MANY_FILES") or 500)
"""Files in the tests of many. `make chaos` has more."""

PART = 1 << 20
"""Bytes of a part in the stacks here: files have as many parts as large ones have by default, and an eighth of their
bytes. Each byte costs the browser, the local OSS and the test computing time."""
SMALL_PARTS = {"default": {**DESTINATIONS["default"], "part_size": PART}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)  # As text: comparing the paths of thousands of tests takes a second.
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_name: str) -> dict[str, Any]:
    if browser_name == "firefox":
        return {**browser_type_launch_args, **firefox.launch_arguments()}
    chromium = without_windows()
    return {**browser_type_launch_args, "args": FLAGS, **({"executable_path": chromium} if chromium else {})}


@pytest.fixture(scope="session")
def whole_browser(browser_type_launch_args: dict[str, Any], browser_name: str) -> dict[str, Any]:
    """What starts the whole of Chromium, for what the one without windows lacks: a profile that lasts, a wake lock."""
    chromium = executable()
    if browser_name == "firefox" or not chromium:
        return browser_type_launch_args
    return {**browser_type_launch_args, "executable_path": chromium}


@pytest.fixture
def whole_page(browser_type: BrowserType, whole_browser: dict[str, Any]) -> Iterator[Page]:
    with browser_type.launch(**whole_browser) as browser:
        yield browser.new_context().new_page()


@pytest.fixture(autouse=True, scope="session")
def patient() -> Iterator[None]:
    """Every browser context waits as long, also those that tests open themselves."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in ((Browser, "new_context"), (BrowserType, "launch_persistent_context")):
            patch.setattr(kind, name, patiently(getattr(kind, name)))
        yield


def patiently(opened: Callable[..., BrowserContext]) -> Callable[..., BrowserContext]:
    def patient(*arguments: Any, **named: Any) -> BrowserContext:
        context = opened(*arguments, **named)
        context.set_default_timeout(PATIENCE)
        return context

    return patient


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    limited = {"credentials": "upload", "traffic_limit": 838_860_800, "part_size": PART}
    with Stack(variables=destinations({**SMALL_PARTS, "limited": limited})) as stack:
        yield stack


@pytest.fixture(scope="session")
def failing_stack() -> Iterator[Stack]:
    """One whose OSS fails on demand, with a destination that is choosy, and one of small parts."""
    clips = {"max_size": 6_000_000, "content_types": ["video/*"]}
    given = {**DESTINATIONS, "clips": clips, "small": {"part_size": 1 << 18}}
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(given)) as stack:
        yield stack


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 38 parts, the last of them shorter, that no compression and no luck can shorten."""
    path = tmp_path_factory.mktemp("files") / "film.mp4"
    path.write_bytes(os.urandom(37 * PART + PART // 2))
    return path


def log_in(page: Page, stack: Stack, user: str = "demo") -> None:
    """Open the page with a session that the stack began before. It saves most tests two pages."""
    for cookie in stack.cookies(user):
        page.context.add_cookies(
            [
                {
                    "name": cookie.name,
                    "value": cookie.value or "",
                    "url": stack.site.url,
                    "expires": cookie.expires or -1,
                    "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
                    "sameSite": "Lax",
                }
            ]
        )
    page.goto(f"{stack.site.url}/")


def log_in_by_page(page: Page, stack: Stack, user: str = "demo") -> None:
    page.goto(f"{stack.site.url}/")
    # By what Django names them, since the words are in the browser's language.
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(user)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{stack.site.url}/")


def log_in_again(page: Page, user: str = "demo") -> None:
    """By what the page offers once the login is lost: another tab."""
    with page.context.expect_page() as opened:
        page.get_by_test_id("log-in").click()
    opened.value.locator("input[name=username]").fill(user)
    opened.value.locator("input[name=password]").fill(user)
    opened.value.locator("main button[type=submit]").click()
    expect(page.get_by_test_id("login-offer")).to_have_count(0)


def intercept_file_choosers(page: Page) -> None:
    """Before the key or the click that opens one.

    `expect_file_chooser` alone asks the page for it just before, and a busy renderer handles input first: then the
    browser opens its own dialog, and the test waits for ever.
    """
    page.on("filechooser", lambda chooser: None)
    page.evaluate("0")  # Answered after the page has taken the order above.


def await_costly(page: Page) -> None:
    """Until so much has been uploaded that Cancel can be undone: more than 3 seconds of work."""
    page.wait_for_function("""() => {
      const uploads = [...document.querySelector("oss-uploader").uploads];
      return uploads.some(({ progress: { loaded, speed } }) => speed && loaded > 4 * speed);
    }""")


FOR_EVER = 3600
"""Seconds; longer than any test. After 30 of them the engine ends a request without progress, and sends it again."""


@contextmanager
def held(stack: Stack, after: int = 0, seconds: int = FOR_EVER) -> Iterator[None]:
    """OSS takes so many parts and small files, and lets each that comes later within the block wait so long.

    So an upload stays in its middle, however slow the test is. What waits waits on after the block.
    """
    stack.faults(*({"operation": name, "after": after, "delay": seconds} for name in ("UploadPart", "P*Object")))
    yield
    stack.faults()


def throttle(page: Page, bytes_per_second: int) -> None:
    """So that there is a middle of the upload in which things can happen.

    Chromium slows itself down. For other browsers the local OSS of each stack does, in each of four requests at once.
    """
    if page.context.browser and page.context.browser.browser_type.name != "chromium":
        rules = [{"operation": name, "slow": bytes_per_second // 4} for name in ("UploadPart", "P*Object")]
        for stack in Stack.running:
            stack.faults(*rules if bytes_per_second > 0 else [])
        return
    session = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", conditions)
