"""What people see: limits before they choose, undo, other tabs, links afterwards, the login that has expired."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.conftest import await_costly, log_in, log_in_again, throttle
from tests.e2e.test_upload import choose, item, sparse
from tests.stack import DESTINATIONS, Stack, destinations, wait_until

MB = 1_000_000
IMAGE = """
() => new Promise((resolve) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 20 });
  canvas.getContext("2d").fillRect(0, 0, 40, 20);
  canvas.toBlob((blob) => {
    const data = new DataTransfer();
    data.items.add(new File([blob], "black.png", { type: "image/png" }));
    const input = document.querySelector("oss-uploader").shadowRoot.querySelector("[data-testid=file-input]");
    input.files = data.files;
    input.dispatchEvent(new Event("change"));
    resolve();
  });
})
"""
STRAY_DROP = """
() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["stray"], "stray.txt", { type: "text/plain" }));
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
  return event.defaultPrevented;
}
"""


@pytest.fixture(scope="module")
def choosy() -> Iterator[Stack]:
    given = {**DESTINATIONS, "clips": {"max_size": 5 * MB, "content_types": ["video/*"]}}
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(given)) as stack:
        yield stack


@pytest.fixture
def slow(choosy: Stack) -> Iterator[None]:
    choosy.faults({"operation": "UploadPart", "slow": MB})
    yield
    choosy.faults()


def test_limits_are_told_and_kept_before_anything_is_sent(page: Page, choosy: Stack, tmp_path: Path) -> None:
    log_in(page, choosy)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.evaluate("document.querySelector('oss-uploader').destination = 'clips'")
    expect(page.get_by_text("Only videos. At most 5 MB per file.")).to_be_visible()
    expect(page.get_by_test_id("file-input")).to_have_attribute("accept", "video/*")
    page.get_by_test_id("file-input").set_input_files(
        [sparse(tmp_path / "long.mp4", 8 * MB), sparse(tmp_path / "notes.txt", 5)]
    )
    expect(page.get_by_test_id("refusal")).to_have_text(
        ["“long.mp4” is 8 MB; 5 MB is the most here.", "“notes.txt” cannot be uploaded here. Only videos can."]
    )
    expect(page.get_by_test_id("upload-item")).to_have_count(0)
    assert posts == []


CANCEL_AND_UNDO = """async () => {
  const root = document.querySelector("oss-uploader").shadowRoot;
  const button = (name) => root.querySelector(`[data-testid=${name}]`);
  button("cancel").click();
  while (!button("undo")) await new Promise(requestAnimationFrame);
  button("undo").click();
}"""
"""It can be undone for ten seconds."""
MANY_REQUESTS = 20
"""Of a tab that watches another. It loads the list a few times, not as often as it can while an upload is paused."""


def test_cancel_can_be_undone_and_another_tab_cannot_discard(
    context: BrowserContext, choosy: Stack, slow: None, tmp_path: Path
) -> None:
    page = context.new_page()
    log_in(page, choosy)
    choose(page, sparse(tmp_path / "film.bin", 120 * MB))
    await_costly(page)
    other = context.new_page()
    other.goto(choosy.site.url)
    row = other.get_by_test_id("unfinished-item")
    expect(row).to_contain_text("Uploading in another tab")
    expect(row.get_by_role("button")).to_have_count(0)

    page.bring_to_front()
    page.evaluate(CANCEL_AND_UNDO)
    expect(item(page, "uploading")).to_have_count(1)
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    page.get_by_test_id("cancel").click()
    expect(item(page, "aborted")).to_have_count(1)
    assert len(asked) < MANY_REQUESTS
    other.reload()
    expect(row).to_have_count(0)


def test_after_the_end_there_are_a_picture_and_a_link(context: BrowserContext, choosy: Stack) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    log_in(page, choosy)
    page.evaluate(IMAGE)
    done = item(page, "completed")
    expect(done.locator("canvas")).to_be_visible()
    done.get_by_test_id("copy-link").click()
    expect(done).to_contain_text("Whoever has the link can open the file until")
    url = page.evaluate("navigator.clipboard.readText()")
    assert page.request.get(url).headers["content-type"] == "image/png"
    with context.expect_page() as opened:
        done.get_by_test_id("open").click()
    opened.value.wait_for_url(f"{choosy.oss_server.url}/**")


def test_a_drop_beside_the_element_does_not_replace_the_page(page: Page, choosy: Stack) -> None:
    log_in(page, choosy)
    assert page.evaluate(STRAY_DROP)
    expect(item(page, "completed")).to_have_count(1)
    page.evaluate("document.querySelector('oss-uploader').pageDrop = false")
    assert page.evaluate(STRAY_DROP)
    expect(page.get_by_test_id("upload-item")).to_have_count(1)


def test_uploads_continue_by_themselves_after_the_login(context: BrowserContext, choosy: Stack, tmp_path: Path) -> None:
    page = context.new_page()
    log_in(page, choosy)
    context.clear_cookies()
    choose(page, sparse(tmp_path / "later.bin", 1 * MB))
    expect(item(page, "failed")).to_have_count(1)
    log_in_again(page)
    expect(item(page, "completed")).to_have_count(1)


def test_a_cancelled_upload_stays_cancelled_after_the_login(page: Page, choosy: Stack, tmp_path: Path) -> None:
    log_in(page, choosy)
    throttle(page, 200_000)
    choose(page, sparse(tmp_path / "unwanted.bin", 5 * MB))
    item(page, "uploading").get_by_test_id("pause").click()
    page.context.clear_cookies()
    item(page, "paused").get_by_test_id("cancel").click()
    expect(item(page, "failed")).to_have_count(1)
    log_in_again(page)
    expect(item(page, "aborted")).to_have_count(1)


def test_who_is_refused_although_logged_in_is_refused_once_more_and_then_told(
    page: Page, choosy: Stack, tmp_path: Path
) -> None:
    log_in(page, choosy)
    refused: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.method == "POST" and "refused.bin" in (route.request.post_data or ""):
            refused.append(route.request.url)
            route.fulfill(status=403, body="Blocked by a firewall")
        else:
            route.continue_()

    page.route("**/api/uploads/**", refuse)
    choose(page, sparse(tmp_path / "refused.bin", 1 * MB))
    wait_until(lambda: page.evaluate("true") and len(refused) == 2, "the upload to be tried again")
    choose(page, sparse(tmp_path / "allowed.bin", 1 * MB))
    expect(item(page, "completed")).to_have_count(1)
    expect(item(page, "failed")).to_have_count(1)
    expect(page.get_by_test_id("login-offer")).to_have_count(0)
    assert len(refused) == 2
