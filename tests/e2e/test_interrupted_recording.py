"""A recording whose page is lost: what OSS and the browser have of it is kept."""

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import log_in
from tests.e2e.test_upload import item, only_upload, parts_at_oss
from tests.stack import Stack, wait_until

PART = 1 << 18
CAMERA = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const ink = canvas.getContext("2d");
    setInterval(() => {
      for (let n = 0; n < 100; n++) {
        ink.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
        ink.fillRect(Math.random() * 640, Math.random() * 360, 40, 40);
      }
    }, 20);
    return canvas.captureStream(30);
  };
  const uploader = document.querySelector("oss-uploader");
  uploader.setAttribute("camera", "");
  uploader.setAttribute("destination", "small");
}"""
STORED = """async () => {
  const root = await navigator.storage.getDirectory();
  const found = {};
  const folder = await root.getDirectoryHandle("oss-uploads", { create: true });
  for await (const [id, chunks] of folder.entries()) {
    found[id] = 0;
    try {
      for await (const file of chunks.values()) found[id] += (await file.getFile()).size;
    } catch {} // The page removes chunks that have arrived.
  }
  return found;
}"""


def open_page(context: BrowserContext, stack: Stack) -> Page:
    page = context.new_page()
    log_in(page, stack)
    page.evaluate(CAMERA)
    return page


def recorded(stack: Stack) -> dict[str, Any] | None:
    with stack.api() as api:
        found = api.get("uploads/", params={"destination": "small", "state": "uploading"}).json()["results"]
    return next((upload for upload in found if upload["filename"].startswith("recording ")), None)


def test_a_recording_is_kept_after_its_page_is_lost(context: BrowserContext, failing_stack: Stack) -> None:
    stack = failing_stack
    page = open_page(context, stack)
    page.get_by_test_id("record").click()
    wait_until(lambda: sum(page.evaluate(STORED).values()) > 0, "the first bytes on the disk")
    wait_until(lambda: (upload := recorded(stack)) and parts_at_oss(stack, upload), "a part at OSS")
    upload = recorded(stack)
    assert upload is not None
    page.close(run_before_unload=False)

    page = open_page(context, stack)
    row = page.locator(f'[data-testid="unfinished-stream"][data-id="{upload["id"]}"]')
    expect(row).to_contain_text("can be kept")
    (stored,) = page.evaluate(STORED).values()
    held = len(parts_at_oss(stack, upload)) * PART
    row.get_by_test_id("keep").click()
    expect(item(page, "completed")).to_have_count(1)
    kept = only_upload(stack, upload["filename"])
    # Chunks and parts have other sizes, so that a chunk may be in both.
    assert held < kept["size"] <= held + stored
    content = b"".join(stack.object_bytes(kept))
    assert (content[:4], len(content)) == (b"\x1a\x45\xdf\xa3", kept["size"])
    wait_until(lambda: page.evaluate(STORED) == {}, "the disk to be free")
