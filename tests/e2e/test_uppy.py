"""The real Uppy 6 in a real Chromium, against our Companion routes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests import uppy
from tests.e2e.conftest import log_in
from tests.stack import Stack


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return uppy.bundle(tmp_path_factory.mktemp("uppy"))


@pytest.fixture
def uppy_page(browser: Browser, stack: Stack, bundle: Path) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    log_in(page, stack)
    page.add_script_tag(path=bundle)
    yield page
    context.close()


UPLOAD = """async ({ sizes, abort }) => {
  const { companionEndpoint } = await ossUploads.uppyOptions();
  const uppy = new Uppy({ autoProceed: false }).use(AwsS3, {
    companionEndpoint,
    shouldUseMultipart: (file) => file.size > 1_000_000,
  });
  const parts = [];
  uppy.on("s3-multipart:part-uploaded", (file, part) => {
    parts.push(part.PartNumber);
    if (abort) uppy.cancelAll();
  });
  for (const [index, size] of sizes.entries()) {
    const data = new File([new Uint8Array(size).fill(index + 65)], `uppy ${index} ü.bin`, { type: "video/mp4" });
    uppy.addFile({ name: data.name, type: data.type, data });
  }
  const result = await uppy.upload();
  const told = ({ name, error, uploadURL }) => ({ name, error: error ?? null, uploadURL: uploadURL ?? null });
  return { successful: (result?.successful ?? []).map(told), failed: (result?.failed ?? []).map(told), parts };
}"""


def uploads(stack: Stack) -> list[dict[str, Any]]:
    with stack.api() as api:
        found = api.get("uploads/").json()["results"]
    return [upload for upload in found if upload["filename"].startswith("uppy ")]


def test_uppy_uploads_large_and_small(uppy_page: Page, stack: Stack) -> None:
    result = uppy_page.evaluate(UPLOAD, {"sizes": [12_000_000, 5], "abort": False})
    assert result["failed"] == []
    assert {each["name"] for each in result["successful"]} == {"uppy 0 ü.bin", "uppy 1 ü.bin"}
    assert sorted(result["parts"]) == [1, 2, 3]
    large = next(upload for upload in uploads(stack) if upload["filename"] == "uppy 0 ü.bin")
    assert (large["state"], large["size"], large["content_type"]) == ("completed", 12_000_000, "video/mp4")
    assert set(b"".join(stack.object_bytes(large))) == {65}


def test_what_uppy_cancels_is_aborted(uppy_page: Page, stack: Stack) -> None:
    uppy_page.evaluate(UPLOAD, {"sizes": [20_000_000], "abort": True})
    newest = uploads(stack)[0]
    assert newest["state"] == "aborted"
