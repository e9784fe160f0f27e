"""What people do with a page, in each browser: what ends well is the file, byte for byte, and nothing is sent twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.browsers.page import ELEMENT, Page
from tests.e2e.test_trouble import FOR_EVER, PARTS, Faults, uploads_of, written
from tests.e2e.test_upload import assert_arrived, await_abort, await_parts, only_upload, parts_at_oss
from tests.stack import Stack, wait_until


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of forty parts; named after the test and its browser, so that its upload is found."""
    return written(tmp_path / f"{request.node.name}.bin", request.node.name)


@pytest.fixture
def page(tab: Page, stack: Stack) -> Page:
    """Logged in."""
    tab.log_in(stack)
    return tab


def assert_no_error(page: Page) -> None:
    assert page.count("error") == 0, page.text()


@pytest.mark.core
def test_a_file_arrives_byte_for_byte(page: Page, stack: Stack, file: Path) -> None:
    page.choose([file])
    page.await_items("completed")
    assert Counter(page.sent) == Counter(range(1, PARTS + 1))
    upload = only_upload(stack, file.name)
    assert upload["crc64"], "compared with OSS's"
    assert_arrived(stack, upload, file)
    assert_no_error(page)


@pytest.mark.core
def test_a_pause_keeps_the_parts_that_are_whole(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "after": 8, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 8)
    faults.await_strikes(1)
    page.click("pause")
    page.await_items("paused")
    faults.clear()
    held = parts_at_oss(stack, upload)
    before = len(page.sent)
    page.click("resume")
    page.await_items("completed")
    assert not held & set(page.sent[before:])
    assert_arrived(stack, upload, file)


UNFINISHED = f"""() => [...{ELEMENT}.shadowRoot.querySelectorAll('[data-testid="unfinished-item"]')]
  .map((row) => row.dataset.filename)"""


@pytest.mark.core
def test_after_a_closed_tab_the_same_file_is_resumed(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "after": 12, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 12)
    faults.await_strikes(1)
    second = page.new_tab()
    page.close()
    faults.clear()
    held = parts_at_oss(stack, upload)
    second.log_in(stack)
    second.await_text("unfinished-item", file.name)
    second.choose([file])
    second.await_items("completed")
    assert sorted(second.sent) == sorted(set(range(1, PARTS + 1)) - held)
    assert file.name not in second.evaluate(UNFINISHED), "other tests have left theirs"
    assert_arrived(stack, upload, file)


def test_after_a_reload_another_file_of_the_same_name_and_size_is_a_new_upload(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    faults.set({"operation": "UploadPart", "after": 4, "delay": FOR_EVER})
    page.choose([file])
    await_parts(stack, file.name, 4)
    faults.await_strikes(1)
    second = page.new_tab()
    page.close()
    faults.clear()
    written(file, "another")
    second.log_in(stack)
    second.choose([file])
    second.await_items("completed")
    uploads = uploads_of(stack, file.name)
    assert set(uploads) == {"completed", "uploading"}
    assert_arrived(stack, {"id": uploads["completed"]}, file)


@pytest.mark.core
def test_cancel_aborts_at_the_storage(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "after": 4, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 4)
    faults.await_strikes(1)
    page.click("cancel")
    page.await_items("aborted")
    faults.clear()
    await_abort(stack, upload)


@pytest.mark.core
def test_a_file_that_is_refused_says_why(page: Page, stack: Stack, tmp_path: Path) -> None:
    page.evaluate(f"() => {{ {ELEMENT}.destination = 'clips'; }}")
    said = f"() => {ELEMENT}.shadowRoot.textContent.includes('At most 1 MB per file.')"
    page.wait_for(said, "the limits")  # Before it knows them, the backend refuses the file, in other words.
    page.choose([written(tmp_path / "too large.mp4", "x", 1_000_001)])
    page.await_text("refusal", "1,000,000 bytes is the most here")
    assert page.count("upload-item") == 0


@pytest.mark.core
def test_a_link_to_the_file_is_copied(page: Page, tmp_path: Path) -> None:
    """WebKit lets a page write into the clipboard during the click only, and the link comes later."""
    page.choose([written(tmp_path / "linked.txt", "x", 10)])
    page.await_items("completed")
    page.click("copy-link")
    page.await_text("copy-link", "Link copied")
    page.await_text("upload-item", "Whoever has the link can open the file until")


@pytest.mark.core
def test_many_small_files_at_once(page: Page, stack: Stack, tmp_path: Path, engine: str) -> None:
    files = [written(tmp_path / f"{engine} {n}.txt", f"{n}", 5_000 + n) for n in range(60)]
    page.choose(files)
    page.await_items("completed", 60)
    page.await_text("total-message", "60 of 60 uploaded")
    ids = page.evaluate(f"() => Object.fromEntries({ELEMENT}.uploads.map(({{ file, id }}) => [file.name, id]))")
    for path in files[::20]:
        assert_arrived(stack, {"id": ids[path.name]}, path)


@pytest.mark.parametrize("size", [0, 1], ids=["empty", "one byte"])
def test_the_smallest_files(page: Page, stack: Stack, tmp_path: Path, engine: str, size: int) -> None:
    path = written(tmp_path / f"{engine}, {size} bytes, 视频 a+b%.bin", "x", size)
    page.choose([path])
    page.await_items("completed")
    assert_arrived(stack, only_upload(stack, path.name), path)


FAULTS: dict[str, dict[str, Any]] = {
    "refused for now": {"count": 2, "error": {"status": 503, "code": "SlowDown"}},
    "reset before": {"count": 3, "reset": "before"},
    "reset in the middle": {"count": 3, "reset": "middle"},
    "answer lost": {"count": 2, "lose_answer": True},
    "expired": {"count": 2, "clock_shift": 7200},
    "damaged": {"count": 1, "flip_byte": True},
    "without an ETag": {"count": 1, "hide_etag": True},
}


@pytest.mark.core
def test_parts_that_fail_on_the_way_are_sent_again(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    """Each in its own way, all in one upload."""
    numbers = [1, 3, 7, 12, 20, 33, PARTS]
    rules = zip(numbers, FAULTS.values(), strict=True)
    faults.set(*({"operation": "UploadPart", "part_number": number, **fault} for number, fault in rules))
    page.choose([file])
    page.await_items("completed")
    assert faults.struck == [fault["count"] for fault in FAULTS.values()]
    assert {number for number, times in Counter(page.sent).items() if times > 1} <= set(numbers)
    assert_no_error(page)
    assert_arrived(stack, only_upload(stack, file.name), file)


def test_an_error_for_good_is_shown_and_a_retry_sends_only_what_is_missing(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    refusal = {"status": 400, "code": "InvalidArgument"}
    faults.set({"operation": "UploadPart", "part_number": 20, "error": refusal})
    page.choose([file])
    page.await_items("failed")
    page.await_text("error", "InvalidArgument")
    upload = only_upload(stack, file.name)
    held = parts_at_oss(stack, upload)
    faults.clear()
    before = len(page.sent)
    page.click("retry")
    page.await_items("completed")
    assert not held & set(page.sent[before:])
    assert_arrived(stack, upload, file)


def test_kill_9_of_the_site_and_of_the_storage(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "after": 8, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 8)
    faults.await_strikes(1)
    stack.site.kill()
    stack.oss_server.kill()
    stack.oss_server.start()  # Without the fault.
    stack.site.start()
    page.await_items("completed")
    assert_no_error(page)
    assert_arrived(stack, upload, file)


BY_SCRIPT = """async (options, name) => {
  const bytes = new Uint8Array(2_000_000).map((_, n) => n >> 7);
  const { id, state, crc64 } = await new ossUploads.OssUploader({ api: "/api/", ...options })
    .upload(new File([bytes], name)).done;
  return { id, state, crc64 };
}"""


@pytest.mark.parametrize("options", [{"integrity": "md5"}, {"integrity": "none"}, {"signing": "sts"}], ids=str)
def test_every_kind_of_integrity_and_signing(page: Page, stack: Stack, tmp_path: Path, options: dict[str, str]) -> None:
    expected = tmp_path / "expected"
    expected.write_bytes(bytes(n >> 7 & 255 for n in range(2_000_000)))
    done = page.evaluate(BY_SCRIPT, options, "by script.bin")
    assert done["state"] == "completed"
    assert_arrived(stack, done, expected)


STREAM = """async (count) => {
  let left = count;
  const stream = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(50_000).fill(left));
      else controller.close();
    },
  });
  const upload = new ossUploads.OssUploader({ api: "/api/" }).uploadStream(stream, { filename: "stream.bin" });
  const { id, state } = await upload.done;
  return { id, state };
}"""


def test_a_stream_of_unknown_size(page: Page, stack: Stack, tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    expected.write_bytes(b"".join(bytes([n]) * 50_000 for n in reversed(range(30))))
    done = page.evaluate(STREAM, 30)
    assert done["state"] == "completed"
    assert_arrived(stack, done, expected)


@pytest.mark.core
def test_two_tabs_with_one_file(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    """The second one watches. When the first is closed, it sends what is missing."""
    faults.set({"operation": "UploadPart", "after": 8, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 8)
    faults.await_strikes(1)
    second = page.new_tab()
    second.log_in(stack)
    second.choose([file])
    second.await_text("upload-item", "Another tab is uploading this")
    assert second.sent == []
    faults.clear()  # What waits in the first tab waits on.
    page.close()
    second.await_items("completed")
    assert len(second.sent) <= PARTS - 8
    assert only_upload(stack, file.name)["id"] == upload["id"]
    assert_arrived(stack, upload, file)


INTO_A_FORM = f"""() => {{
  const form = Object.assign(document.createElement("form"), {{ id: "film" }});
  const element = {ELEMENT};
  element.before(form);
  for (const [name, value] of [["name", "film"], ["single", ""], ["required", ""]]) element.setAttribute(name, value);
  form.append(element);
}}"""


@pytest.mark.core
def test_in_a_form_it_is_a_field(page: Page, stack: Stack, tmp_path: Path, engine: str) -> None:
    page.evaluate(INTO_A_FORM)
    posted = "() => new FormData(document.getElementById('film')).getAll('film')"
    assert page.evaluate(f"() => {ELEMENT}.validity.valueMissing")
    for name in (f"{engine} first.txt", f"{engine} second.txt"):
        page.choose([written(tmp_path / name, name, 100)])
        page.await_text("upload-item", name)
        page.await_items("completed")
    assert page.evaluate(posted) == [only_upload(stack, f"{engine} second.txt")["id"]]
    page.evaluate("() => document.getElementById('film').reset()")
    assert page.evaluate(posted) == []
    assert page.count("upload-item") == 0


@pytest.mark.core
def test_by_keyboard_alone(page: Page, stack: Stack, faults: Faults, file: Path) -> None:
    faults.set({"operation": "UploadPart", "after": 4, "delay": FOR_EVER})
    page.choose([file])
    page.await_items("uploading")
    tab_to(page, "pause")
    page.press("Enter")
    page.await_items("paused")
    wait_until(lambda: page.focused() == "resume", "the focus to stand on Resume")
    page.press("Enter")
    page.await_items("uploading")
    faults.await_strikes(1)
    tab_to(page, "cancel")
    page.press("Space")
    page.await_items("aborted")
    wait_until(lambda: page.focused() == "choose", "the focus to stand on what can be pressed")


def tab_to(page: Page, testid: str) -> None:
    for _ in range(20):
        if page.focused() == testid:
            return
        page.press("Tab")
    raise AssertionError(f"no way to {testid} by Tab")


def test_an_expired_login_says_so_and_after_it_the_upload_is_resumed(
    page: Page, stack: Stack, faults: Faults, file: Path
) -> None:
    """By itself, when the user has logged in in another tab."""
    faults.set({"operation": "UploadPart", "after": 4, "delay": FOR_EVER})
    page.choose([file])
    upload = await_parts(stack, file.name, 4)
    faults.await_strikes(1)
    page.forget_login()
    faults.clear()
    page.click("pause")
    page.click("resume")
    page.await_items("failed")
    page.await_text("error", "You are not logged in.")
    second = page.new_tab()
    second.log_in(stack)
    page.await_items("completed")
    assert_arrived(stack, upload, file)


@pytest.fixture
def without_cors(stack: Stack) -> Iterator[Callable[[], None]]:
    """The bucket allows pages of another origin only; the function mends it."""
    with stack.oss() as client:
        before = client.get_cors(stack.oss_server.bucket)
        rules = tuple(replace(rule, allowed_origins=("https://elsewhere.example.com",)) for rule in before.rules)
        client.put_cors(stack.oss_server.bucket, replace(before, rules=rules))
        yield lambda: client.put_cors(stack.oss_server.bucket, before)
        client.put_cors(stack.oss_server.bucket, before)


def test_missing_cors_rules_are_found_out(
    page: Page, stack: Stack, without_cors: Callable[[], None], file: Path
) -> None:
    page.choose([file])
    page.await_items("failed")
    page.await_text("error", "CORS")
    page.await_text("error", f"manage.py configure_bucket --origin {stack.site.url}")
    without_cors()
    page.click("retry")
    page.await_items("completed")
    assert_arrived(stack, only_upload(stack, file.name), file)


DROP = f"""() => {{
  const zone = {ELEMENT}.shadowRoot.querySelector(".zone");
  const entry = (name, path, children) => ({{
    name, fullPath: path, isFile: !children, isDirectory: !!children,
    file: (done) => done(new File([path], name, {{ type: "text/plain" }})),
    createReader: () => {{ let left = [children, []]; return {{ readEntries: (done) => done(left.shift()) }}; }},
  }});
  const broken = {{ ...entry("broken.txt", "/broken.txt"), file: (done, failed) => failed(new Error("unreadable")) }};
  const folder = entry("holiday", "/holiday", [entry("a.txt", "/holiday/a.txt")]);
  const item = (entry, file) => ({{ kind: "file", webkitGetAsEntry: () => entry, getAsFile: () => file }});
  const items = [
    item(folder, null),
    item(null, new File(["1"], "no entry.txt")),
    item(broken, new File(["2"], "broken.txt")),
  ];
  const drop = new DragEvent("drop", {{ bubbles: true, cancelable: true }});
  Object.defineProperty(drop, "dataTransfer", {{ value: {{ items }} }});
  zone.dispatchEvent(drop);
}}"""


@pytest.mark.core
def test_a_drop_of_folders_and_of_files_without_a_readable_entry(page: Page, stack: Stack) -> None:
    page.evaluate(DROP)
    page.await_items("completed", 2)
    page.await_text("folder-item", "1 of 1 files uploaded")
    with stack.api() as api:
        rows = api.get("uploads/").json()["results"]
        in_folder = api.get("uploads/folder/?folder=holiday").json()["results"]
    assert {"no entry.txt", "broken.txt"} <= {row["filename"] for row in rows}
    assert {row["relative_path"] for row in in_folder} == {"holiday/a.txt"}


def test_a_drop_is_marked_and_the_mark_goes(page: Page) -> None:
    over = f"(type) => {ELEMENT}.shadowRoot.querySelector('.zone').dispatchEvent(new DragEvent(type))"
    marked = f"() => {ELEMENT}.matches(':state(dragging)')"
    page.evaluate(over, "dragover")
    assert page.evaluate(marked)
    page.evaluate(over, "dragleave")
    assert not page.evaluate(marked)


def test_it_fits_a_phone(page: Page, tmp_path: Path) -> None:
    name = "a very long name without a place to break ".replace(" ", "_") * 4
    page.choose([written(tmp_path / f"{name}.txt", "x", 10)])
    page.await_items("completed")
    for width in (1280, 390):
        page.resize(width, 800)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
