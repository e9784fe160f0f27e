"""A file that is overwritten while it is sent never becomes an object of old and new bytes."""

from pathlib import Path

from tests.browsers.page import Page
from tests.e2e.test_trouble import PART, Faults, uploads_of, written
from tests.e2e.test_upload import await_parts
from tests.stack import Stack, wait_until

SENT = 20
"""Parts that have arrived before the file changes."""
OVERWRITTEN = [10, 30]
"""One of these and one that is still to be sent, both between the samples of the fingerprint."""
ENDED = """() => ["completed", "failed"].find((state) =>
  document.querySelector("oss-uploader").shadowRoot.querySelector(`[data-testid="upload-item"][data-state=${state}]`))"""

CHOOSE = "choose the file again"


def test_no_object_mixes_old_and_new_bytes(
    tab: Page, stack: Stack, faults: Faults, tmp_path: Path, engine: str
) -> None:
    """The object is the file as it was before, or as it is now, if need be after what the page says to do."""
    path = written(tmp_path / f"{engine} overwritten.bin", engine)
    old = path.read_bytes()
    tab.log_in(stack)
    faults.set({"operation": "UploadPart", "after": SENT, "delay": 5})
    tab.choose([path])
    await_parts(stack, path.name, SENT)
    faults.await_strikes(1)
    with path.open("r+b") as file:
        for part in OVERWRITTEN:
            file.seek((part - 1) * PART + PART // 3)
            file.write(b"changed" * 1000)
    faults.clear()
    do_what_it_says(tab, path)
    with stack.api() as api:
        row = api.get(f"uploads/{uploads_of(stack, path.name)['completed']}/").json()
    assert [version for version in (old, path.read_bytes()) if version == b"".join(stack.object_bytes(row))]


def do_what_it_says(tab: Page, path: Path) -> None:
    """A browser that does not read the file any more may say so only when the upload is tried again."""
    if tab.wait_for(ENDED, "the upload to end") == "completed":
        return
    tab.await_text("error", "has changed")
    if CHOOSE not in tab.text():
        tab.click("retry")
        wait_until(lambda: CHOOSE in tab.text() or tab.evaluate(ENDED) != "failed", "the retry")
        if tab.wait_for(ENDED, "the upload to end again") == "completed":
            return
    tab.click("cancel")
    tab.await_items("aborted")
    tab.choose([path])
    tab.await_items("completed")
