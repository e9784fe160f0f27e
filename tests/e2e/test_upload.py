"""The main job: a file goes from a page into OSS, and survives what happens on the way."""

import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests import http
from tests.e2e.conftest import PART, SMALL_PARTS, held, log_in
from tests.stack import Stack, destinations, wait_until
from uploads.oss.errors import NotFound

MAX_PARALLEL = 6
"""The engine starts with four parts at once and measures whether more are faster: see `concurrency.ts`."""
MINUTES = 300_000


def choose(page: Page, path: Path) -> None:
    page.get_by_test_id("file-input").set_input_files(path)


def item(page: Page, state: str) -> Any:
    return page.locator(f'[data-testid="upload-item"][data-state="{state}"]')


def unfinished(page: Page, path: Path) -> Any:
    return page.locator(f'[data-testid="unfinished-item"][data-filename="{path.name}"]')


def await_end(page: Page) -> None:
    expect(item(page, "completed")).to_have_count(1, timeout=3 * MINUTES)


def only_upload(stack: Stack, filename: str) -> dict[str, Any]:
    with stack.api() as api:
        (upload,) = [u for u in api.get("uploads/").json()["results"] if u["filename"] == filename]
    found: dict[str, Any] = upload
    return found


def parts_at_oss(stack: Stack, upload: dict[str, Any]) -> set[int]:
    client = stack.oss()
    try:
        return {part.number for part in client.list_parts(upload["bucket"], upload["key"], upload["upload_id"])}
    finally:
        client.close()


def await_abort(stack: Stack, upload: dict[str, Any]) -> None:
    """Until the parts are gone. The row says `aborted` before OSS is asked."""

    def is_gone() -> bool:
        try:
            parts_at_oss(stack, upload)
        except NotFound as error:
            return error.code == "NoSuchUpload"
        return False

    wait_until(is_gone, "OSS to drop the upload")
    assert only_upload(stack, upload["filename"])["state"] == "aborted"


def test_a_part_damaged_on_its_way_is_sent_again(page: Page, film: Path) -> None:
    """A byte of part 3 is flipped between the browser and the storage: the worker's CRC64 tells."""
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(SMALL_PARTS)) as stack:
        rules = [{"operation": "UploadPart", "part_number": 3, "count": 1, "flip_byte": True}]
        assert http.put(f"{stack.oss_server.url}/-/faults", json=rules).status_code == 200
        log_in(page, stack)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if "partNumber=3&" in request.url else None)
        choose(page, film)
        await_end(page)
        assert len(sent) >= 2
        upload = only_upload(stack, film.name)
        digest = hashlib.sha256()
        for chunk in stack.object_bytes(upload):
            digest.update(chunk)
        assert digest.digest() == hashlib.sha256(film.read_bytes()).digest()
        assert upload["crc64"]


def test_a_small_file_damaged_on_its_way_is_uploaded_again(page: Page, tmp_path: Path) -> None:
    """OSS does not overwrite the damaged object: another upload takes its place."""
    note = tmp_path / "note.txt"
    note.write_bytes(b"a note")
    with Stack(oss_arguments=["--allow-faults"]) as stack:
        rules = [{"operation": "PostObject", "count": 1, "flip_byte": True}]
        assert http.put(f"{stack.oss_server.url}/-/faults", json=rules).status_code == 200
        log_in(page, stack)
        choose(page, note)
        await_end(page)
        with stack.api() as api:
            uploads = {upload["state"]: upload for upload in api.get("uploads/").json()["results"]}
        assert uploads.keys() == {"completed", "aborted"}
        assert b"".join(stack.object_bytes(uploads["completed"])) == b"a note"
        with closing(stack.oss()) as client:
            pages = client.list_objects(uploads["completed"]["bucket"], "")
            assert [each.key for listed in pages for each in listed.objects] == [uploads["completed"]["key"]]


def await_parts(stack: Stack, filename: str, count: int) -> dict[str, Any]:
    """Until OSS holds so many parts of the file."""

    def begun() -> bool:
        with stack.api() as api:
            return any(u["filename"] == filename for u in api.get("uploads/").json()["results"])

    wait_until(begun, "the upload to begin")
    upload = only_upload(stack, filename)
    wait_until(lambda: len(parts_at_oss(stack, upload)) >= count, f"{count} parts at OSS")
    return upload


class PartTraffic:
    """The part PUTs of a page: which were sent, and how many at once."""

    def __init__(self, page: Page) -> None:
        self.sent: list[int] = []
        self.most_at_once = 0
        self._flying: set[Request] = set()
        page.on("request", self._started)
        # The answer's head: the end of its body is told later than the page starts the next part.
        page.on("response", lambda response: self._ended(response.request))
        page.on("requestfailed", self._ended)

    def _started(self, request: Request) -> None:
        number = re.search(r"[?&]partNumber=(\d+)", request.url)
        if request.method == "PUT" and number:
            self.sent.append(int(number[1]))
            self._flying.add(request)
            self.most_at_once = max(self.most_at_once, len(self._flying))

    def _ended(self, request: Request) -> None:
        self._flying.discard(request)


def assert_arrived(stack: Stack, upload: dict[str, Any], path: Path) -> None:
    """The row is completed, and the object is the file, byte for byte."""
    with stack.api() as api:
        row = api.get(f"uploads/{upload['id']}/").json()
    client = stack.oss()
    head = client.head(row["bucket"], row["key"])
    client.close()
    assert row["state"] == "completed"
    assert (row["etag"], row["crc64"], row["size"]) == (head.etag, str(head.crc64), head.size)
    stored = hashlib.sha256()
    for piece in stack.object_bytes(row):
        stored.update(piece)
    with path.open("rb") as file:
        assert stored.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()


def test_a_closed_tab_costs_no_more_than_what_was_in_flight(stack: Stack, context: BrowserContext, film: Path) -> None:
    first = context.new_page()
    log_in(first, stack)
    traffic = PartTraffic(first)
    with held(stack, after=17):
        choose(first, film)
        upload = await_parts(stack, film.name, 17)
        wait_until(lambda: first.evaluate("true") and len(traffic.sent) >= 19, "two more to be on their way")
        first.close(run_before_unload=False)
    there = parts_at_oss(stack, upload)
    assert len(there) < upload["part_count"]
    in_flight = traffic.most_at_once
    assert 2 <= in_flight <= MAX_PARALLEL

    second = context.new_page()
    traffic = PartTraffic(second)
    second.goto(f"{stack.site.url}/")
    expect(unfinished(second, film)).to_have_count(1)
    choose(second, film)
    await_end(second)
    assert len(traffic.sent) == len(set(traffic.sent))
    again = upload["size"] - upload["part_size"] * (upload["part_count"] - len(traffic.sent))
    missing = upload["size"] - upload["part_size"] * len(there)
    assert again - missing <= in_flight * upload["part_size"]
    assert not set(traffic.sent) & there
    assert_arrived(stack, upload, film)
    expect(unfinished(second, film)).to_have_count(0)


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1], ids=["empty", "one byte", "one part", "two parts"])
def test_files_of_every_kind_of_size(stack: Stack, page: Page, tmp_path: Path, size: int) -> None:
    path = tmp_path / f"{size} bytes, 视频 a+b%.bin"
    path.write_bytes(hashlib.shake_128(b"x").digest(size))
    log_in(page, stack)
    choose(page, path)
    await_end(page)
    assert_arrived(stack, only_upload(stack, path.name), path)


def test_pause_stops_at_once_and_resume_sends_nothing_twice(stack: Stack, page: Page, tmp_path: Path) -> None:
    path = sparse(tmp_path / "paused.bin", 20 * PART)
    log_in(page, stack)
    traffic = PartTraffic(page)
    with held(stack, after=5):
        choose(page, path)
        upload = await_parts(stack, path.name, 5)
        page.get_by_test_id("pause").click()
        expect(item(page, "paused")).to_have_count(1)
    there = parts_at_oss(stack, upload)
    started = len(traffic.sent)
    page.get_by_test_id("resume").click()
    await_end(page)
    assert not set(traffic.sent[started:]) & there
    assert_arrived(stack, upload, path)


def test_cancel_drops_the_parts_at_oss(stack: Stack, page: Page, tmp_path: Path) -> None:
    path = sparse(tmp_path / "cancelled.bin", 20 * PART)
    log_in(page, stack)
    with held(stack, after=1):
        choose(page, path)
        upload = await_parts(stack, path.name, 1)
        page.get_by_test_id("cancel").click()
        await_abort(stack, upload)


def test_another_file_of_the_same_name_and_size_is_not_taken_for_it(
    stack: Stack, context: BrowserContext, tmp_path: Path
) -> None:
    path = sparse(tmp_path / "lookalike.bin", 10 * PART, b"one")
    first = context.new_page()
    log_in(first, stack)
    with held(stack, after=2):
        choose(first, path)
        await_parts(stack, path.name, 2)
        first.close()
    sparse(path, 10 * PART, b"two")
    second = context.new_page()
    second.goto(f"{stack.site.url}/")
    choose(second, path)
    await_end(second)
    with stack.api() as api:
        uploads = [u for u in api.get("uploads/").json()["results"] if u["filename"] == path.name]
    states = {u["state"]: u for u in uploads}
    assert set(states) == {"completed", "uploading"}
    assert_arrived(stack, states["completed"], path)


def test_without_cors_rules_the_page_says_so_and_how_to_mend_it(page: Page, tmp_path: Path) -> None:
    with Stack(cors=False, variables=destinations(SMALL_PARTS)) as stack:
        path = sparse(tmp_path / "refused.bin", 5 * PART // 2)
        log_in(page, stack)
        choose(page, path)
        error = page.get_by_test_id("error")
        expect(error).to_contain_text("CORS", timeout=MINUTES)
        expect(error).to_contain_text(f"manage.py configure_bucket --origin {stack.site.url}")
        # Mended as the page says, the same page goes on.
        stack.site.manage("configure_bucket", "--origin", stack.site.url)
        page.get_by_test_id("retry").click()
        await_end(page)
        assert_arrived(stack, only_upload(stack, path.name), path)


@pytest.mark.parametrize("victim", ["backend", "local OSS"])
def test_kill_9_in_the_middle_of_an_upload(page: Page, film: Path, victim: str) -> None:
    with Stack(variables=destinations(SMALL_PARTS)) as stack:
        kill, start = _victim(stack, victim)
        log_in(page, stack)
        with held(stack, after=8, seconds=10):
            choose(page, film)
            upload = await_parts(stack, film.name, 8)
            kill()
            start()
        if victim == "local OSS":
            assert len(parts_at_oss(stack, upload)) >= 8
        await_end(page)
        assert_arrived(stack, upload, film)


def _victim(stack: Stack, name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    if name == "backend":
        return stack.site.kill, stack.site.start
    return stack.oss_server.kill, stack.oss_server.start


def sparse(path: Path, size: int, seed: bytes = b"") -> Path:
    """A file that is quick to make; `seed` makes its content another."""
    with path.open("wb") as file:
        file.write(hashlib.shake_128(seed).digest(1 << 16))
        file.truncate(size)
    return path
