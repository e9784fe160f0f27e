"""What goes wrong on the way, in a real Chromium against a local OSS that fails on demand.

Rule: a fault that was set has struck, or the test fails; what ends well is the file byte for byte, and nothing that had
arrived was sent again.
"""

import hashlib
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Error, Locator, Page, Request, Response, Route, expect

from tests import http
from tests.e2e.conftest import intercept_file_choosers, log_in
from tests.e2e.test_upload import (
    MAX_PARALLEL,
    MINUTES,
    PartTraffic,
    assert_arrived,
    await_end,
    await_parts,
    choose,
    item,
    only_upload,
    parts_at_oss,
)
from tests.stack import Stack, destinations, wait_until

KIB = 1 << 10
PART = 256 * KIB
PARTS = 40
LANES = 4
FOR_EVER = 3600
"""Seconds; longer than any test, so that what waits for it stands still."""
SILENT = 6
"""Chromium repeats a request by itself when a used connection is reset, and keeps at most six to one address."""
DAY = 86_400_000
"""Milliseconds."""

PLACES = {
    "default": {"part_size": PART, "credentials": "upload"},
    "brief": {"part_size": PART, "url_expires": 60, "credentials": "upload"},
}

Rule = dict[str, Any]
COUNTED_BY_CHROMIUM = pytest.mark.only_browser("chromium")
"""WebDriver BiDi tells of no failure of a request that Firefox repeats by itself, and of no body of a request."""


class Faults:
    """The rules of the local OSS: set by a test, counted, gone after it. A restart of the local OSS forgets them."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.oss_server.url}/-/faults"

    def set(self, *rules: Rule) -> None:
        http.put(self._url, json=list(rules)).raise_for_status()

    def clear(self) -> None:
        struck = self.struck
        http.delete(self._url).raise_for_status()
        assert all(struck), "a fault that never struck shows nothing"

    def await_strikes(self, count: int) -> None:
        """Of the first rule."""
        wait_until(lambda: self.struck[0] >= count, f"{count} strikes")

    @property
    def struck(self) -> list[int]:
        """How often each rule did."""
        return [rule["applied"] for rule in http.get(self._url).raise_for_status().json()["rules"]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The module's own, with small parts: much can happen to forty of them in a short time."""
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(PLACES)) as stack:
        yield stack


@pytest.fixture
def faults(stack: Stack) -> Iterator[Faults]:
    faults = Faults(stack)
    yield faults
    faults.clear()


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of forty parts, the last of them shorter; named after the test, so that its upload is found."""
    return written(tmp_path / f"{request.node.name}.bin", request.node.name)


def written(path: Path, seed: str, size: int = PARTS * PART - 1000) -> Path:
    """Modified an hour ago: of a file that has just been modified Chromium does not notice each change."""
    path.write_bytes(hashlib.shake_128(seed.encode()).digest(size))
    modified = path.stat().st_mtime - 3600
    os.utime(path, (modified, modified))
    return path


class Traffic(PartTraffic):
    """The part PUTs of a page, and how each ended: its status, or 0 without an answer that the page could read."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.ended: list[tuple[int, int]] = []
        self.urls: list[str] = []
        self.request_ids: list[str] = []
        page.on("request", self._noted)
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def _noted(self, request: Request) -> None:
        if part_number(request):
            self.urls.append(request.url)

    def _answered(self, response: Response) -> None:
        if number := part_number(response.request):
            self.ended.append((number, response.status))
            if response.status >= 400:
                self.request_ids.append(response.headers.get("x-oss-request-id", ""))

    def _failed(self, request: Request) -> None:
        if number := part_number(request):
            self.ended.append((number, 0))

    @property
    def failed(self) -> list[int]:
        return [number for number, status in self.ended if status != 200]


def part_number(request: Request) -> int | None:
    found = re.search(r"[?&]partNumber=(\d+)", request.url)
    return int(found[1]) if found and request.method == "PUT" else None


def signed_at(url: str) -> str:
    """When the URL was signed, in a form that sorts."""
    return parse_qs(urlsplit(url).query)["x-oss-date"][0]


SENDS = """() => {
  window.sends = [];
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.part = Number(new URL(url, location).searchParams.get("partNumber"));
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    sends.push([this.part, performance.now()]);
    return send.call(this, body);
  };
}"""


def sends_of(page: Page, number: int) -> list[float]:
    """When the part was sent, on the page's own clock, in milliseconds."""
    return [at for part, at in page.evaluate("sends") if part == number]


def watch(page: Page) -> None:
    """From here on the page remembers every upload that stopped with an error, even if it went on later."""
    page.evaluate(
        """() => {
          window.stopped = [];
          document.querySelector("oss-uploader").addEventListener(
            "oss-uploader-failed", ({ detail }) => stopped.push(detail.error.code));
        }"""
    )


def opened(page: Page, stack: Stack, **options: Any) -> Traffic:
    """The page, logged in and watched; `options` are the engine's."""
    page.add_init_script(f"({SENDS})()")
    log_in(page, stack)
    if options:
        page.evaluate(
            "options => { document.querySelector('oss-uploader').uploader = new ossUploads.OssUploader(options); }",
            options,
        )
    watch(page)
    return Traffic(page)


def unfinished_item(page: Page, file: Path) -> Locator:
    return page.locator(f'[data-testid="unfinished-item"][data-filename="{file.name}"]')


def uploads_of(stack: Stack, filename: str) -> dict[str, str]:
    """State and id of each upload of this name."""
    with stack.api() as api:
        return {u["state"]: u["id"] for u in api.get("uploads/").json()["results"] if u["filename"] == filename}


def assert_no_error_shown(page: Page) -> None:
    assert page.evaluate("stopped") == []
    expect(page.get_by_test_id("error")).to_have_count(0)


def assert_only_failed_ones_again(traffic: Traffic) -> None:
    """Every part was sent once, and once more for each time that it failed."""
    assert Counter(traffic.sent) == Counter(range(1, PARTS + 1)) + Counter(traffic.failed)


def objects_of(stack: Stack, upload: dict[str, Any]) -> list[str]:
    """Every object of this name, under whatever key."""
    client = stack.oss()
    try:
        pages = list(client.list_objects(upload["bucket"], "uploads/"))
    finally:
        client.close()
    return [key for page in pages for key in page.keys if key.endswith(upload["filename"])]


# The storage refuses, breaks off, or is not heard


def test_parts_that_the_storage_cannot_take_now_are_sent_again_and_no_others(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    faults.set(
        {"operation": "UploadPart", "part_number": 7, "count": 2, "error": {"status": 503, "code": "SlowDown"}},
        {"operation": "UploadPart", "probability": 0.2, "seed": 6, "error": {"status": 500, "code": "InternalError"}},
    )
    traffic = opened(page, stack)
    choose(page, file)
    await_end(page)
    assert faults.struck[0] == 2
    assert faults.struck[1] > 2
    assert len(traffic.failed) >= sum(faults.struck) - 2, "both rules may strike one request"
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


def test_the_storage_says_when_to_come_back_and_is_not_asked_before(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """Where the bucket lets pages read Retry-After; elsewhere they wait as long as they see fit."""
    refusal = {"status": 503, "code": "ServiceUnavailable", "headers": {"Retry-After": "3"}}
    faults.set({"operation": "UploadPart", "part_number": 3, "count": 1, "error": refusal})
    with exposing(stack, "ETag", "Retry-After", "x-oss-hash-crc64ecma"):
        traffic = opened(page, stack)
        choose(page, file)
        await_end(page)
    assert faults.struck == [1]
    first, second = sends_of(page, 3)
    assert second - first >= 3000
    assert_only_failed_ones_again(traffic)


def test_a_storage_that_stays_busy_is_waited_for_and_asked_at_once_on_demand(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    busy = {"status": 503, "code": "ServiceUnavailable", "headers": {"Retry-After": "600"}}
    faults.set({"operation": "UploadPart", "after": LANES, "error": busy})
    with exposing(stack, "ETag", "Retry-After", "x-oss-hash-crc64ecma"):
        opened(page, stack)
        choose(page, file)
        counting = page.get_by_text(re.compile(r"^OSS is busy \(ServiceUnavailable\)\. Trying again in [1-5]\d\d s\.$"))
        expect(counting).to_be_visible()
        faults.clear()
        page.get_by_role("button", name=f"Try now: {file.name}").click()
        await_end(page)
    assert_no_error_shown(page)


@COUNTED_BY_CHROMIUM
def test_connections_reset_in_the_middle_of_parts_cost_those_parts_alone(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    resets = [1, 1, SILENT + 1]
    faults.set(
        {"operation": "UploadPart", "part_number": 2, "count": resets[0], "reset": "before"},
        {"operation": "UploadPart", "part_number": 9, "count": resets[1], "reset": "middle"},
        {"operation": "UploadPart", "part_number": PARTS, "count": resets[2], "reset": "middle"},
    )
    traffic = opened(page, stack)
    choose(page, file)
    await_end(page)
    assert faults.struck == resets
    assert PARTS in traffic.failed, "the page has heard of the resets"
    assert set(traffic.failed) <= {2, 9, PARTS}
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


def test_requests_that_the_browser_itself_gives_up_are_made_again(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """As Safari does at times. An abort that nobody asked for is a lost answer, no cancellation."""
    left = {5, 6, 40}

    def abort_once(route: Route) -> None:
        number = part_number(route.request)
        if number in left:
            left.remove(number)
            route.abort("aborted")
        else:
            route.continue_()

    traffic = opened(page, stack)
    page.route(re.compile(r"[?&]partNumber="), abort_once)
    choose(page, file)
    await_end(page)
    assert sorted(traffic.failed) == [5, 6, 40]
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


@COUNTED_BY_CHROMIUM
def test_answers_lost_to_page_and_backend_end_in_one_completed_object(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """The work was done each time, and nobody heard of it: of the beginning, of parts, of the end."""
    faults.set(
        {"operation": "InitiateMultipartUpload", "count": 1, "lose_answer": True},
        {"operation": "UploadPart", "part_number": [2, 5, 40], "count": 3, "lose_answer": True},
        {"operation": "CompleteMultipartUpload", "count": 1, "lose_answer": True},
    )
    traffic = opened(page, stack)
    choose(page, file)
    await_end(page)
    assert faults.struck == [1, 3, 1]
    assert set(traffic.failed) <= {2, 5, 40}
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    upload = only_upload(stack, file.name)
    assert_arrived(stack, upload, file)
    assert objects_of(stack, upload) == [upload["key"]]


# Time


@pytest.mark.parametrize("signing", ["url", "sts"])
def test_parts_whose_urls_have_expired_are_signed_again_unseen(
    page: Page, stack: Stack, faults: Faults, file: Path, signing: str
) -> None:
    """To OSS it is two hours later than to whoever signed."""
    faults.set({"operation": "UploadPart", "after": 6, "count": 5, "clock_shift": 7200})
    traffic = opened(page, stack, signing=signing)
    choose(page, file)
    await_end(page)
    assert faults.struck == [5]
    assert [status for _, status in traffic.ended if status != 200] == [403] * 5
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


def test_after_a_long_pause_no_part_is_tried_on_a_url_that_has_expired(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """The destination's URLs live for a minute. Those that were at hand before the pause are not used after it."""
    page.clock.install()
    faults.set({"operation": "UploadPart", "after": 6, "delay": FOR_EVER})
    traffic = opened(page, stack, destination="brief")
    choose(page, file)
    await_parts(stack, file.name, 6)
    faults.await_strikes(1)
    page.get_by_test_id("pause").click()
    before = list(traffic.urls)
    faults.clear()
    paused_at = time.time()
    wait_until(lambda: time.time() - paused_at > 1, "another second: signatures know no smaller unit")
    page.clock.fast_forward(3_600_000)
    page.get_by_test_id("resume").click()
    await_end(page)
    assert min(map(signed_at, traffic.urls[len(before) :])) > max(map(signed_at, before))
    assert traffic.failed == [number for number, status in traffic.ended if status == 0], "and none was refused"
    assert_arrived(stack, only_upload(stack, file.name), file)


SLEEP = """() => {
  const now = performance.now.bind(performance);
  let slept = 0;
  performance.now = () => now() - slept;
  window.sleep = (milliseconds) => { slept += milliseconds; };
}"""


def test_a_device_that_slept_signs_for_the_time_that_it_is(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """A page's own clock stands still while its device sleeps; so what it signs then is dated hours ago."""
    page.add_init_script(f"({SLEEP})()")
    faults.set({"operation": "UploadPart", "after": 6, "delay": FOR_EVER})
    traffic = opened(page, stack, signing="sts")
    choose(page, file)
    await_parts(stack, file.name, 6)
    faults.await_strikes(1)
    page.get_by_test_id("pause").click()
    faults.clear()
    page.evaluate("sleep(2 * 3600 * 1000)")
    page.get_by_test_id("resume").click()
    await_end(page)
    assert 403 in [status for _, status in traffic.ended]
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


SKEW = """(milliseconds) => {
  const Real = Date;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + milliseconds); }
    static now() { return Real.now() + milliseconds; }
  };
}"""


@pytest.mark.parametrize("days", [-9, 9], ids=["days behind", "days ahead"])
@pytest.mark.parametrize("signing", ["url", "sts"])
def test_a_device_whose_clock_is_wrong_by_days_uploads_all_the_same(
    page: Page, stack: Stack, tmp_path: Path, signing: str, days: int
) -> None:
    path = written(tmp_path / f"{signing} {days}.bin", f"{signing}{days}")
    page.add_init_script(f"({SKEW})({days * DAY})")
    traffic = opened(page, stack, signing=signing)
    choose(page, path)
    await_end(page)
    skew = page.evaluate("Date.now()") - time.time() * 1000
    assert abs(skew - days * DAY) < DAY / 2
    assert traffic.failed == []
    assert len(traffic.sent) == PARTS
    assert_arrived(stack, only_upload(stack, path.name), path)


# The line


def test_offline_the_page_waits_for_the_network_and_goes_on_where_it_was(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """
    A browser that is set offline lets what is under way go on; on a real device that dies as well, so the storage
    hangs up here.
    """
    faults.set({"operation": "UploadPart", "after": 8, "delay": FOR_EVER})
    traffic = opened(page, stack)
    choose(page, file)
    upload = await_parts(stack, file.name, 8)
    faults.await_strikes(LANES)
    page.context.set_offline(True)
    stack.oss_server.kill()
    stack.oss_server.start()  # without the fault
    expect(page.get_by_test_id("item-message")).to_have_text("Waiting for the network.", timeout=MINUTES)
    tried = len(traffic.sent)
    held = parts_at_oss(stack, upload)
    assert len(held) == 8
    expect(item(page, "uploading")).to_have_count(1)
    page.context.set_offline(False)
    await_end(page)
    assert not held & set(traffic.sent[tried:])
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, upload, file)


def test_a_part_that_stands_still_is_taken_back_after_thirty_seconds_and_sent_again(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """On the page's clock, which is set forward."""
    page.clock.install()
    faults.set({"operation": "UploadPart", "part_number": 3, "count": 1, "delay": FOR_EVER})
    traffic = opened(page, stack)
    choose(page, file)
    upload = await_parts(stack, file.name, PARTS - 1)
    page.clock.fast_forward(28_000)
    page.clock.fast_forward(3_000)
    await_end(page)
    assert faults.struck == [1]
    first, second = sends_of(page, 3)
    assert second - first >= 30_000
    assert traffic.failed == [3]
    assert_only_failed_ones_again(traffic)
    assert_no_error_shown(page)
    assert_arrived(stack, upload, file)


# What the bucket hides


@contextmanager
def exposing(stack: Stack, *headers: str) -> Iterator[None]:
    """The bucket lets pages read these headers of its answers alone."""
    client = stack.oss()
    bucket = stack.oss_server.bucket
    before = client.get_cors(bucket)
    try:
        client.put_cors(
            bucket, replace(before, rules=tuple(replace(rule, expose_headers=headers) for rule in before.rules))
        )
        yield
    finally:
        client.put_cors(bucket, before)
        client.close()


def checkpoints_of(page: Page) -> list[dict[str, Any]]:
    """What the page tells the backend of its parts from here on."""
    told: list[dict[str, Any]] = []

    def listen(request: Request) -> None:
        if "/api/uploads/" in request.url and request.method == "POST" and request.post_data:
            told.extend(request.post_data_json.get("done") or [])

    page.on("request", listen)
    return told


@COUNTED_BY_CHROMIUM
def test_a_bucket_that_hides_etags_holds_nobody_up(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "hide_etag": True})
    traffic = opened(page, stack)
    told = checkpoints_of(page)
    choose(page, file)
    await_end(page)
    assert faults.struck == [PARTS]
    assert len(traffic.sent) == PARTS
    assert {part["number"] for part in told} == set(range(1, PARTS + 1))
    assert not any("etag" in part for part in told), "the page never saw one"
    assert_no_error_shown(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


def test_a_damaged_part_is_found_even_where_the_bucket_hides_every_header(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """The page cannot compare, so it tells the backend the CRC64 of what it sent, and that compares at the end."""
    faults.set({"operation": "UploadPart", "part_number": 3, "count": 1, "flip_byte": True})
    with exposing(stack):
        traffic = opened(page, stack)
        choose(page, file)
        await_end(page)
    assert faults.struck == [1]
    assert Counter(traffic.sent) == Counter([*range(1, PARTS + 1), 3])
    assert_no_error_shown(page)
    upload = only_upload(stack, file.name)
    assert upload["crc64"]
    assert_arrived(stack, upload, file)


# The file


CHANGES: dict[str, Callable[[Path], object]] = {
    "appended": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "modified": lambda path: path.write_bytes(path.read_bytes()[::-1]),
    "deleted": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_on_the_disk_in_the_middle_is_told_in_words(
    page: Page, stack: Stack, faults: Faults, tmp_path: Path, change: str
) -> None:
    path = written(tmp_path / f"{change}.bin", change)
    faults.set({"operation": "UploadPart", "after": LANES, "delay": 10})
    opened(page, stack)
    choose(page, path)
    await_parts(stack, path.name, LANES)
    faults.await_strikes(1)
    CHANGES[change](path)
    error = page.get_by_test_id("error")
    expect(error).to_contain_text("The file has changed.", timeout=MINUTES)
    expect(error).to_contain_text(path.name)
    expect(error).to_contain_text("Cancel this upload and choose the file again.")
    assert page.evaluate("stopped") == ["file_changed"]
    upload = only_upload(stack, path.name)
    faults.clear()

    # What it says to do helps.
    page.get_by_test_id("cancel").click()
    expect(item(page, "aborted")).to_have_count(1, timeout=MINUTES)
    if not path.exists():
        return
    choose(page, path)
    await_end(page)
    assert_arrived(stack, {"id": uploads_of(stack, path.name)["completed"]}, path)
    assert upload["id"] == uploads_of(stack, path.name)["aborted"]


def test_a_file_swapped_for_one_of_the_same_size_and_date_makes_no_object_of_both(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """
    To Chromium it is the same file, and it reads on. The engine looks at its samples once more before the end; a file
    of the same date that differs only between them goes unnoticed, since Chromium's word is taken for what it reads.
    """
    faults.set({"operation": "UploadPart", "after": LANES, "delay": 10})
    traffic = opened(page, stack)
    choose(page, file)
    await_parts(stack, file.name, LANES)
    faults.await_strikes(1)
    # In one step: a browser that reads in the middle of a change sees another date, and sends that part again.
    before, other = file.stat(), file.with_name("other.bin")
    other.write_bytes(file.read_bytes()[::-1])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    faults.clear()
    expect(page.get_by_test_id("error")).to_contain_text("The file has changed.", timeout=MINUTES)
    assert sorted(traffic.sent) == list(range(1, PARTS + 1)), "nobody saw it before the end"
    assert page.evaluate("stopped") == ["file_changed"]
    upload = only_upload(stack, file.name)
    assert upload["state"] == "uploading"
    assert objects_of(stack, upload) == []


# Refused for good, and wrong memories


def test_a_fatal_error_says_why_and_throws_no_part_away(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set(
        {"operation": "UploadPart", "part_number": 20, "error": {"status": 400, "code": "InvalidArgument"}},
    )
    traffic = opened(page, stack)
    choose(page, file)
    error = page.get_by_test_id("error")
    expect(error).to_contain_text("InvalidArgument", timeout=MINUTES)
    assert faults.struck == [1], "what is refused for good is not tried again"
    (request_id,) = traffic.request_ids
    assert request_id
    expect(error).to_contain_text(request_id)
    expect(page.get_by_test_id("item-message")).to_contain_text("Uploaded parts are kept")
    expect(item(page, "failed")).to_have_count(1)
    upload = only_upload(stack, file.name)
    held = parts_at_oss(stack, upload)
    assert len(held) >= 20 - MAX_PARALLEL
    tried = len(traffic.sent)
    faults.clear()
    page.get_by_test_id("retry").click()
    await_end(page)
    assert not held & set(traffic.sent[tried:])
    assert len(traffic.sent[tried:]) == len(set(traffic.sent[tried:]))
    expect(page.get_by_test_id("error")).to_have_count(0)
    assert_arrived(stack, upload, file)


DAMAGE = """(written) => new Promise((resolve) => {
  indexedDB.open("oss-uploads").onsuccess = ({ target: { result: database } }) => {
    const store = database.transaction("unfinished", "readwrite").objectStore("unfinished");
    const keys = store.getAllKeys();
    for (const key of written) store.put({ id: "half an ent" }, key);
    store.transaction.oncomplete = () => { database.close(); resolve(keys.result); };
  };
})"""
"""Gives the keys of what the browser remembers, and writes nonsense under these."""


def test_wrong_memories_in_browser_and_backend_are_put_right_from_the_storage(
    context: BrowserContext, stack: Stack, faults: Faults, file: Path
) -> None:
    """The browser's entry is broken; the backend is told of parts that never were, and wrongly of those that are."""
    faults.set({"operation": "UploadPart", "after": 10, "delay": FOR_EVER})
    first = context.new_page()
    opened(first, stack)
    choose(first, file)
    upload = await_parts(stack, file.name, 10)
    faults.await_strikes(LANES)
    assert first.evaluate(DAMAGE, [upload["id"], "nobody"]) == [upload["id"]]
    first.close(run_before_unload=False)
    held = parts_at_oss(stack, upload)
    lies = [{"number": n, "size": PART, "etag": f'"{n:032X}"', "crc64": str(n)} for n in range(1, PARTS)]
    with stack.api() as api:
        answer = api.post(f"uploads/{upload['id']}/parts/", json={"parts": lies}).raise_for_status()
    assert answer.json()["parts_done"] == PARTS - 1
    faults.clear()

    second = context.new_page()
    second.goto(f"{stack.site.url}/")
    watch(second)
    traffic = Traffic(second)
    expect(unfinished_item(second, file)).to_have_count(1, timeout=MINUTES)
    choose(second, file)
    await_end(second)
    assert sorted(traffic.sent) == sorted(set(range(1, PARTS + 1)) - held)
    assert_no_error_shown(second)
    assert_arrived(stack, upload, file)
    assert second.evaluate(DAMAGE, []) == []


def test_a_wrong_word_about_a_part_in_the_middle_costs_that_part_alone(page: Page, stack: Stack, file: Path) -> None:
    """Somebody tells the backend another CRC64 for part 1 while the last part is under way."""
    traffic = opened(page, stack)
    waiting: list[Route] = []
    page.route(re.compile(rf"[?&]partNumber={PARTS}&"), lambda route: waiting.append(route))
    choose(page, file)
    upload = await_parts(stack, file.name, PARTS - 1)
    expect(page.get_by_test_id("item-figures")).to_contain_text("%")
    while not waiting:  # answered by the page's events, which come only while it is asked something
        page.wait_for_timeout(20)
    lie = {"number": 1, "size": PART, "crc64": "1"}
    with stack.api() as api:
        api.post(f"uploads/{upload['id']}/parts/", json={"parts": [lie]}).raise_for_status()
    waiting[0].continue_()
    await_end(page)
    assert Counter(traffic.sent) == Counter([*range(1, PARTS + 1), 1])
    assert_no_error_shown(page)
    assert_arrived(stack, upload, file)


# The browser dies


def test_after_a_killed_browser_and_a_restarted_device_only_what_was_missing_is_sent(
    browser_type: BrowserType,
    whole_browser: dict[str, Any],
    stack: Stack,
    faults: Faults,
    file: Path,
    tmp_path: Path,
) -> None:
    """kill -9 of the browser, then of the site and the local OSS; the profile on the disk is all that is left."""
    profile = tmp_path / "profile"

    def launch() -> BrowserContext:
        return browser_type.launch_persistent_context(profile, **whole_browser)

    with launch() as context:  # closed in peace, so that the login is on the disk
        log_in(context.new_page(), stack)
    faults.set({"operation": "UploadPart", "after": 15, "delay": FOR_EVER})
    context = launch()
    first = context.new_page()
    first.goto(f"{stack.site.url}/")
    choose(first, file)
    upload = await_parts(stack, file.name, 15)
    faults.await_strikes(LANES)
    kill_browser(profile)
    stack.site.kill()
    stack.oss_server.kill()
    with suppress(Error):
        context.close()
    stack.oss_server.start()
    stack.site.start()
    held = parts_at_oss(stack, upload)
    assert len(held) == 15

    with launch() as context:
        second = context.new_page()
        traffic = Traffic(second)
        second.goto(f"{stack.site.url}/")
        unfinished = unfinished_item(second, file)
        expect(unfinished).to_have_count(1, timeout=MINUTES)
        expect(unfinished).to_contain_text(file.name)
        watch(second)
        intercept_file_choosers(second)
        with second.expect_file_chooser() as chooser:
            unfinished.get_by_test_id("continue").click()
        chooser.value.set_files(file)
        await_end(second)
        assert sorted(traffic.sent) == sorted(set(range(1, PARTS + 1)) - held)
        assert_no_error_shown(second)
        expect(unfinished).to_have_count(0)
    assert_arrived(stack, upload, file)


def kill_browser(profile: Path) -> None:
    """The browser that uses this profile, at once: its lock names it."""
    process = int((profile / "SingletonLock").readlink().name.rpartition("-")[2])
    os.kill(process, signal.SIGKILL)
