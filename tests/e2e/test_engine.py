"""The engine's finer promises, in a real Chromium against a real local OSS."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import log_in
from tests.stack import Stack

MANY = """async (count) => {
  const uploader = new ossUploads.OssUploader({ api: "/api/" });
  const files = Array.from({ length: count }, (_, n) =>
    new File([`${n};`.padEnd(10_240, "x")], `${n}.txt`, { type: "text/plain" }));
  const uploads = files.map((file) => uploader.upload(file));
  const done = await Promise.all(uploads.map((upload) => upload.done));
  return done.map(({ id, state, size, method }) => ({ id, state, size, method }));
}"""


def calls_of(page: Page) -> list[tuple[str, str]]:
    """What the page asks from here on: method and address without its query."""
    calls: list[tuple[str, str]] = []
    page.on("request", lambda request: calls.append((request.method, request.url.partition("?")[0])))
    return calls


def test_five_thousand_small_files(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    calls = calls_of(page)
    page.set_default_timeout(300_000)
    done = page.evaluate(MANY, 5000)
    assert len(done) == 5000
    assert {(each["state"], each["size"], each["method"]) for each in done} == {("completed", 10_240, "post")}
    backend = [url for method, url in calls if "/api/" in url]
    assert len(backend) <= 300, "begun and completed together"
    storage = [method for method, url in calls if url.startswith(stack.oss_server.url)]
    assert storage.count("POST") == 5000, "one request each"
    assert storage.count("OPTIONS") == 0, "and no preflight"
    with stack.api() as api:
        upload: dict[str, Any] = api.get(f"uploads/{done[4321]['id']}/").json()
    assert b"".join(stack.object_bytes(upload))[:5] == b"4321;"


@pytest.mark.parametrize("integrity", ["md5", "none"])
def test_other_ways_to_be_sure(page: Page, stack: Stack, integrity: str) -> None:
    log_in(page, stack)
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: sent.append(request.headers) if request.method == "PUT" else None)
    result = page.evaluate(
        """async (integrity) => {
          const uploader = new ossUploads.OssUploader({ api: "/api/", integrity });
          const bytes = new Uint8Array(20_000_000).map((_, n) => n >> 7);
          return uploader.upload(new File([bytes], `${integrity}.bin`)).done;
        }""",
        integrity,
    )
    assert result["state"] == "completed"
    assert len(sent) == 3
    assert all(("content-md5" in headers) == (integrity == "md5") for headers in sent)


def test_the_browser_signs_by_itself(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    calls = calls_of(page)
    result = page.evaluate(
        """async () => {
          const uploader = new ossUploads.OssUploader({ api: "/api/", signing: "sts" });
          return uploader.upload(new File([new Uint8Array(60_000_000)], "ürgend was (1)'.bin")).done;
        }"""
    )
    assert result["state"] == "completed"
    backend = [(method, url.partition("/api/")[2]) for method, url in calls if "/api/" in url]
    identifier = result["id"]
    assert backend == [
        ("GET", "uploads/"),
        ("POST", "uploads/"),
        ("POST", f"uploads/{identifier}/credentials/"),
        ("POST", f"uploads/{identifier}/complete/"),
    ]
    assert result["crc64"]
