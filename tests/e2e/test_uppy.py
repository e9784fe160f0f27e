"""The real Uppy, 6 and 5, in a real Chromium, against our Companion routes and a local OSS that fails on demand."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.e2e.conftest import log_in
from tests.e2e.test_upload import await_abort
from tests.stack import ROOT, Stack, wait_until
from tests.uppy import bundle as bundle_of
from uploads.oss.errors import OssError

MIB = 1 << 20
PART = 5 * MIB
"""Uppy's own."""
SIZE = 3 * PART + 7
FILE = b"".join(bytes([65 + index]) * PART for index in range(3)) + b"D" * 7

PACKAGES = {6: ROOT / "frontend", 5: ROOT / "tests" / "interop" / "uppy5"}

BEFORE_THIRD = {6: {1, 2}, 5: {1, 2, 4}}
"""Parts that arrive though the third does not: Uppy 6 sends them one after another, Uppy 5 side by side."""


@pytest.fixture(scope="module", params=[6, 5], ids=["Uppy 6", "Uppy 5"])
def version(request: pytest.FixtureRequest) -> int:
    chosen: int = request.param
    return chosen


@pytest.fixture(scope="module")
def bundle(version: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the packages, beside which they are found."""
    assert (PACKAGES[version] / "node_modules" / "@uppy").is_dir(), "`make e2e` installs it"
    return bundle_of(tmp_path_factory.mktemp("uppy"), PACKAGES[version])


@dataclass
class Uppy:
    """A page with Uppy in it, and the files of one test."""

    page: Page
    stack: Stack
    bundle: Path
    name: str
    sent: list[int] = field(default_factory=list)
    """Numbers of the parts, as they were sent."""

    def __post_init__(self) -> None:
        self.page.on("request", self._note)
        self.stack.faults()
        self.load()

    def _note(self, request: Request) -> None:
        number = re.search(r"[?&]partNumber=(\d+)", request.url)
        if request.method == "PUT" and number:
            self.sent.append(int(number[1]))

    def load(self) -> None:
        self.page.goto(f"{self.stack.site.url}/")
        self.page.add_script_tag(path=self.bundle)

    def begin(self, *sizes: int, **options: Any) -> None:
        self.page.evaluate("begin", {"name": self.name, "sizes": sizes or [SIZE], **options})

    def stop_in_the_middle(self, version: int) -> dict[str, Any]:
        """Begins a file whose third part gets no further this time; what Uppy would keep of it over a reload."""
        self.stack.faults({"operation": "UploadPart", "part_number": 3, "count": 1, "delay": 600})
        with self.page.expect_request(lambda request: request.method == "PUT" and "partNumber=3&" in request.url):
            self.begin()
        before = BEFORE_THIRD[version]
        self.page.wait_for_function(f"arrived.length === {len(before)}")
        assert set(self.page.evaluate("arrived")) == before
        kept: dict[str, Any] = self.page.evaluate("uppy.getFiles()[0].s3Multipart")
        return kept

    def end(self) -> list[tuple[str, str | None]]:
        return [(name, error) for name, error in self.page.evaluate("ended")]

    def succeed(self) -> None:
        assert self.end() == [(f"{self.name} 0.bin", None)]

    def fail(self) -> str:
        ((_, error),) = self.end()
        assert error
        return error

    def rows(self) -> list[dict[str, Any]]:
        """Newest first."""
        with self.stack.api() as api:
            found = api.get("uploads/").json()["results"]
        return [row for row in found if row["filename"].startswith(f"{self.name} ")]

    def assert_stored(self) -> None:
        row = self.rows()[0]
        assert (row["state"], row["size"], row["content_type"]) == ("completed", SIZE, "video/mp4")
        assert b"".join(self.stack.object_bytes(row)) == FILE


OpenUppy = Callable[..., Uppy]


@pytest.fixture
def open_uppy(
    browser: Browser, failing_stack: Stack, bundle: Path, request: pytest.FixtureRequest
) -> Iterator[OpenUppy]:
    contexts = []

    def open_uppy(user: str = "demo") -> Uppy:
        contexts.append(browser.new_context(bypass_csp=True))
        page = contexts[-1].new_page()
        log_in(page, failing_stack, user)
        return Uppy(page, failing_stack, bundle, request.node.name)

    yield open_uppy
    for context in contexts:
        context.close()


@pytest.fixture
def uppy(open_uppy: OpenUppy) -> Uppy:
    return open_uppy()


def test_it_uploads_large_and_small(uppy: Uppy) -> None:
    uppy.begin(SIZE, 5)
    assert sorted(uppy.end()) == [(f"{uppy.name} 0.bin", None), (f"{uppy.name} 1.bin", None)]
    assert sorted(uppy.sent) == [1, 1, 2, 3, 4]
    small, large = sorted(uppy.rows(), key=lambda row: int(row["size"]))
    assert (small["state"], small["size"]) == ("completed", 5)
    assert (large["state"], large["size"], large["content_type"]) == ("completed", SIZE, "video/mp4")
    assert b"".join(uppy.stack.object_bytes(large)) == FILE


def test_a_form_is_refused_because_a_get_begins_no_upload(uppy: Uppy) -> None:
    uppy.begin(5, shouldUseMultipart=False)
    assert uppy.fail()
    assert (uppy.sent, uppy.rows()) == ([], [])


def test_after_a_reload_it_sends_what_is_missing(uppy: Uppy, version: int) -> None:
    kept = uppy.stop_in_the_middle(version)
    uppy.load()
    uppy.sent.clear()
    uppy.begin(kept=kept)
    uppy.succeed()
    assert set(uppy.sent) == {1, 2, 3, 4} - BEFORE_THIRD[version]
    assert len(uppy.rows()) == 1
    uppy.assert_stored()


def test_pausing_stops_it_and_resuming_sends_what_is_missing(uppy: Uppy, version: int) -> None:
    uppy.stop_in_the_middle(version)
    with uppy.page.expect_event("requestfailed", lambda request: "partNumber=3&" in request.url):
        uppy.page.evaluate("uppy.pauseAll()")
    uppy.page.evaluate("uppy.resumeAll()")
    uppy.succeed()
    assert sorted(uppy.sent) == [1, 2, 3, 3, 4]
    uppy.assert_stored()


def test_what_it_cancels_is_aborted(uppy: Uppy, version: int) -> None:
    uppy.stop_in_the_middle(version)
    uppy.page.evaluate("uppy.cancelAll()")
    (row,) = uppy.rows()
    await_abort(uppy.stack, row)


def test_a_part_that_oss_is_too_busy_for_is_sent_again(uppy: Uppy) -> None:
    error = {"status": 503, "code": "ServiceUnavailable"}
    uppy.stack.faults({"operation": "UploadPart", "part_number": 2, "count": 1, "error": error})
    uppy.begin()
    uppy.succeed()
    assert sorted(uppy.sent) == [1, 2, 2, 3, 4]
    uppy.assert_stored()


def test_a_part_that_oss_refuses_fails_the_file_until_it_is_tried_again(uppy: Uppy, version: int) -> None:
    error = {"status": 403, "code": "AccessDenied"}
    uppy.stack.faults({"operation": "UploadPart", "part_number": 2, "count": 1, "error": error})
    uppy.begin()
    uppy.fail()
    uppy.page.evaluate("again()")
    uppy.succeed()
    uppy.assert_stored()
    if version == 6:
        assert sorted(uppy.sent) == [1, 2, 2, 3, 4], "what has arrived is kept"
        assert len(uppy.rows()) == 1
    else:
        wait_until(lambda: uppy.rows()[-1]["state"] == "aborted", "Uppy 5 to give up what failed, as it does")


def test_an_address_that_is_not_good_is_refused(uppy: Uppy, version: int) -> None:
    uppy.begin(token="a:b:c")
    assert ("This Companion URL has expired" if version == 5 else "Not Found") in uppy.fail()
    assert uppy.rows() == []


def test_nobody_takes_up_what_another_has_begun(open_uppy: OpenUppy, version: int) -> None:
    mine = open_uppy()
    kept = mine.stop_in_the_middle(version)
    theirs = open_uppy("admin")
    theirs.begin(kept=kept)
    theirs.fail()
    assert theirs.sent == []
    assert mine.rows()[0]["state"] == "uploading"


def test_a_type_that_the_destination_does_not_take_is_refused(uppy: Uppy, version: int) -> None:
    uppy.begin(5, destination="clips", type="text/html")
    assert ("accepts video/*, not text/html" if version == 5 else "Bad Request") in uppy.fail()
    assert uppy.rows() == []


def test_a_file_that_is_too_large_does_not_become_an_object(uppy: Uppy, version: int) -> None:
    uppy.begin(6_000_001, destination="clips")
    assert ("accepts files of at most 6,000,000 bytes" if version == 5 else "Large") in uppy.fail()
    (row,) = uppy.rows()
    assert row["state"] in ("failed", "aborted")
    client = uppy.stack.oss()
    with pytest.raises(OssError, match=r"404|NoSuchKey|NotFound"):
        client.head(row["bucket"], row["key"])
    client.close()


FEWER = """async ({ uploadId, key }) => {
  const where = `${endpoint}/s3/multipart/${uploadId}`;
  const listed = await (await fetch(`${where}?key=${encodeURIComponent(key)}`)).json();
  const answer = await fetch(`${where}/complete?key=${encodeURIComponent(key)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ parts: listed.slice(0, 1) }),
  });
  return [answer.status, (await answer.json()).errors];
}"""


def test_fewer_parts_than_oss_holds_do_not_become_an_object(uppy: Uppy, version: int) -> None:
    kept = uppy.stop_in_the_middle(version)
    refused = [409, {"parts": sorted(BEFORE_THIRD[version] - {1})}]
    assert uppy.page.evaluate(FEWER, kept) == refused
    uppy.page.evaluate("uppy.pauseAll(); uppy.resumeAll()")
    uppy.succeed()
    uppy.assert_stored()
