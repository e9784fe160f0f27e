"""Journeys in real Firefox and WebKitGTK; with EVERY_BROWSER=1 in Chromium too, and all of them."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.browsers import firefox, playwright, webkit
from tests.browsers.page import Page
from tests.e2e.test_trouble import PLACES, Faults
from tests.stack import Stack, destinations

EVERY = bool(os.environ.get("EVERY_BROWSER"))
ENGINES = ["chromium", "firefox", "webkit"] if EVERY else ["firefox", "webkit"]
PACKAGES = {"firefox": "firefox-esr", "webkit": "webkit2gtk-driver and xvfb"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without EVERY_BROWSER only the tests that are marked as core are run."""
    here = str(Path(__file__).parent)
    ours = [item for item in items if str(item.path).startswith(here)]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
    others = set() if EVERY else {item for item in ours if not item.get_closest_marker("core")}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]


def missing(engine: str) -> str | None:
    """Why this browser cannot be had; None where it is there."""
    found = {"firefox": firefox.executable, "webkit": webkit.executable}.get(engine)
    return None if found is None or found() else f"Debian's packages {PACKAGES[engine]} are not installed."


def installable() -> bool:
    """Whether `make other-browsers` can install Debian's packages here."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the browser. In CI one that could have been installed must be there."""
    name = str(request.param)
    reason = missing(name)
    if reason and os.environ.get("CI") == "true" and installable():
        pytest.fail(f"{reason} Run `make other-browsers`.")
    if reason:
        pytest.skip(reason)
    return name


@pytest.fixture(scope="session")
def tabs(engine: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], AbstractContextManager[Page]]]:
    """Opens tabs of one browser, which share what it remembers."""
    if engine == "webkit":
        with webkit.launched() as session:
            yield partial(webkit.opened, session)
    else:
        with playwright.launched(request.getfixturevalue("playwright"), engine) as context:
            yield partial(playwright.opened, context)


@pytest.fixture
def tab(tabs: Callable[[], AbstractContextManager[Page]]) -> Iterator[Page]:
    with tabs() as page:
        yield page


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """With small parts: much can happen to forty of them in a short time."""
    clips = {"max_size": 1_000_000, "content_types": ["video/*"]}
    linked = {**PLACES["default"], "download_expires": 3600}
    given = {**PLACES, "default": linked, "clips": clips}
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(given)) as stack:
        yield stack


@pytest.fixture
def faults(stack: Stack) -> Iterator[Faults]:
    faults = Faults(stack)
    yield faults
    faults.clear()
