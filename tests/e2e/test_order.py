"""What users set themselves: the order of waiting files, by keyboard and by dragging, and a limit to the speed."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import held, log_in
from tests.stack import Stack

ELEMENT = "document.querySelector('oss-uploader')"


def test_waiting_files_are_moved_and_the_limit_is_remembered(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    files = [{"name": name, "mimeType": "video/mp4", "buffer": name.encode() * 300_000} for name in "abcde"]
    with held(stack):
        page.get_by_test_id("file-input").set_input_files(files)  # type: ignore[arg-type]
        rows = page.get_by_test_id("upload-item")
        up = rows.nth(4).get_by_test_id("move-up")
        expect(up).to_have_accessible_name("Move up: e")
        expect(rows.nth(0).get_by_test_id("move-up")).to_have_count(0)

        up.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("order-status")).to_have_text("e is number 2 of 3 waiting files.")
        assert _order(page) == ["c", "e", "d"]
        page.keyboard.press("Enter")  # The button still has the focus.
        assert _order(page) == ["e", "c", "d"]

        rows.nth(2).drag_to(rows.nth(4))
        expect(page.get_by_test_id("order-status")).to_have_text("e is number 3 of 3 waiting files.")
        assert _order(page) == ["c", "d", "e"]
        assert rows.evaluate_all("rows => rows.map(({ dataset }) => dataset.filename)") == [*"abcde"]

        page.get_by_label("Speed limit").select_option(label="20 Mbit/s")
        assert page.evaluate(f"{ELEMENT}.uploader.bandwidth") == 20_000_000
        page.evaluate(f"{ELEMENT}.uploader.abortAll()")
    other = page.context.new_page()
    log_in(other, stack)
    assert other.evaluate(f"{ELEMENT}.uploader.bandwidth") == 20_000_000


def _order(page: Page) -> list[str]:
    names: list[str] = page.evaluate(f"{ELEMENT}.uploader.queue.map(({{ filename }}) => filename)")
    return names
