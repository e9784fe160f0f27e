"""Folders on the page: chosen by keyboard or picker, interrupted, resumed and discarded, in a real Chromium."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import held, intercept_file_choosers, log_in, log_in_again
from tests.stack import Stack, wait_until

PICKED = """async () => {
  const root = await navigator.storage.getDirectory();
  const holiday = await root.getDirectoryHandle("holiday", { create: true });
  const day = await holiday.getDirectoryHandle("day 1", { create: true });
  for (const [folder, name] of [[holiday, "a.txt"], [day, "b.txt"], [day, "c.txt"]]) {
    const writer = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await writer.write(`the file ${name}`);
    await writer.close();
  }
  window.showDirectoryPicker = async () => holiday;
}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """16 files of 500 KB: each is an upload that can be resumed."""
    holiday = tmp_path / "holiday"
    for number in range(16):
        place = holiday / f"day {number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.bin").write_bytes(bytes([number]) * 500_000)
    return holiday


def choose(page: Page, folder: Path) -> None:
    """As in browsers without the picker."""
    page.evaluate("delete window.showDirectoryPicker; delete Window.prototype.showDirectoryPicker")
    intercept_file_choosers(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("choose-folder").click()
    chooser.value.set_files(folder)


def test_a_folder_is_chosen_by_the_picker(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(PICKED)
    page.get_by_test_id("choose-folder").focus()
    page.keyboard.press("Enter")
    row = page.get_by_test_id("folder-item")
    expect(row).to_have_attribute("data-state", "completed")
    expect(row).to_contain_text("3 of 3 files uploaded")
    expect(page.get_by_test_id("upload-item")).to_have_count(0)
    with stack.api() as api:
        listed = api.get("uploads/folder/?folder=holiday").json()["results"]
    assert {"holiday/a.txt", "holiday/day 1/b.txt", "holiday/day 1/c.txt"} <= {one["relative_path"] for one in listed}


def test_an_interrupted_folder_is_one_entry_and_goes_on_where_it_was(page: Page, stack: Stack, folder: Path) -> None:
    log_in(page, stack)
    row = page.get_by_test_id("folder-item")
    page.on("dialog", lambda dialog: dialog.accept())
    with held(stack, after=3):
        choose(page, folder)
        expect(row.get_by_test_id("item-message")).to_contain_text("3 of 16 files")
        page.reload()
    entry = page.locator('[data-testid="unfinished-folder"][data-filename="holiday"]')
    expect(entry).to_have_count(1)
    expect(page.locator('[data-testid="unfinished-item"][data-filename^="holiday/"]')).to_have_count(0)
    expect(entry).to_contain_text(" of 16 files uploaded")
    choose(page, folder)
    expect(row).to_have_attribute("data-state", "completed")
    expect(row).to_contain_text("16 of 16 files uploaded")
    expect(row).to_contain_text("were uploaded before")
    expect(entry).to_have_count(0)
    with stack.api() as api:
        answer: dict[str, Any] = api.get("uploads/folder/?folder=holiday").json()
    paths = [one["relative_path"] for one in answer["results"] if one["size"] == 500_000]
    assert (len(paths), len(set(paths)), answer["unfinished"]) == (16, 16, 0)


@pytest.mark.parametrize("when", ["before it begins", "in the middle"])
def test_a_folder_continues_by_itself_after_the_login(page: Page, stack: Stack, folder: Path, when: str) -> None:
    renamed = folder.rename(folder.with_name(f"logged out {when}"))
    log_in(page, stack)
    row = page.get_by_test_id("folder-item")
    if when == "in the middle":
        with held(stack, after=3, seconds=10):
            choose(page, renamed)
            expect(row.get_by_test_id("item-message")).to_contain_text(re.compile(r"[1-9]\d* of 16 files"))
            page.context.clear_cookies()
    else:
        page.context.clear_cookies()
        choose(page, renamed)
    expect(row).to_have_attribute("data-state", "failed")
    log_in_again(page)
    expect(row).to_have_attribute("data-state", "completed")
    expect(row).to_contain_text("16 of 16 files uploaded")


def test_an_interrupted_folder_is_discarded_at_once(page: Page, stack: Stack, folder: Path) -> None:
    renamed = folder.rename(folder.with_name("unwanted"))
    log_in(page, stack)
    page.on("dialog", lambda dialog: dialog.accept())
    with held(stack):
        choose(page, renamed)
        expect(page.get_by_test_id("folder-item")).to_have_attribute("data-state", "uploading")
        with stack.api() as api:
            wait_until(lambda: api.get("uploads/folder/?folder=unwanted").json()["unfinished"], "an upload to begin")
        page.reload()
    entry = page.locator('[data-testid="unfinished-folder"][data-filename="unwanted"]')
    entry.get_by_test_id("discard").click()
    expect(entry).to_have_count(0)  # It can be undone for ten seconds where bytes would be lost.
    with stack.api() as api:
        assert api.get("uploads/folder/?folder=unwanted").json()["unfinished"] == 0
