"""A site that is away for a moment: code that a page has failed to load is loaded when the user tries again.

Firefox asks once for each URL of a module, and fails every later import of it until the page is reloaded.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsers.page import ELEMENT, SENT, Page
from tests.e2e.test_trouble import written
from tests.e2e.test_upload import assert_arrived
from tests.front import Front
from tests.stack import Stack


@pytest.fixture
def front(stack: Stack, tmp_path: Path) -> Iterator[Front]:
    with Front(stack, tmp_path) as front:
        yield front


@pytest.fixture
def page(tab: Page, stack: Stack, front: Front) -> Page:
    """Logged in, through the front."""
    tab.log_in(stack)  # A cookie belongs to a host, whatever its port.
    tab.open(front.url)
    tab.wait_for(f"() => Boolean({ELEMENT}?.shadowRoot && window.ossUploads)", "the element")
    tab.evaluate(SENT)
    return tab


@pytest.mark.core
@pytest.mark.parametrize(("chunks", "size"), [("batches", 5_000), ("(transfer|pace)", 1_300_000)])
def test_resume_loads_the_code_that_failed(
    page: Page, stack: Stack, front: Front, tmp_path: Path, engine: str, chunks: str, size: int
) -> None:
    file = written(tmp_path / f"{engine} {size}.bin", engine, size)
    front.unreached = re.compile(rf"/static/uploads/oss-uploads-{chunks}-")
    page.choose([file])
    page.await_text("upload-item", "Trying again")
    page.click("pause")
    page.await_items("paused")
    front.unreached = None
    page.click("resume")
    page.await_items("completed")
    assert_arrived(stack, {"id": page.evaluate(f"() => {ELEMENT}.uploads[0].id")}, file)
