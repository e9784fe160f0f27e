"""The table of docs/browsers.md is what the browsers say."""

import re

import pytest

from tests.browsers.features import FEATURES
from tests.browsers.page import Page
from tests.stack import ROOT, Stack

ENGINES = ["chromium", "firefox", "webkit"]


def documented() -> dict[str, list[str]]:
    """The cells of each row, by its first one."""
    text = (ROOT / "docs" / "browsers.md").read_text()
    rows = re.findall(r"^\| (.+?) \| (yes|no) \| (yes|no) \| (yes|no) \|$", text, re.MULTILINE)
    return {name: answers for name, *answers in rows}


@pytest.mark.core
def test_the_table_has_a_row_for_each_feature() -> None:
    assert list(documented()) == list(FEATURES)


@pytest.mark.core
def test_each_browser_gives_what_the_table_says(tab: Page, stack: Stack, engine: str) -> None:
    tab.open(f"{stack.site.url}/accounts/login/")
    found = {name: tab.evaluate(function) for name, function in FEATURES.items()}
    column = ENGINES.index(engine)
    assert found == {name: answers[column] == "yes" for name, answers in documented().items()}
