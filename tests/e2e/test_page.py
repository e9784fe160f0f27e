"""The page as people use it: by hand, by keyboard, by ear, in their language, with one file or thousands."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import http
from tests.e2e.conftest import MANY_FILES, PART, SMALL_PARTS, held, intercept_file_choosers, log_in
from tests.e2e.test_upload import assert_arrived, await_parts, choose, item, only_upload, parts_at_oss, sparse
from tests.stack import Stack, destinations, wait_until


def press(page: Page, testid: str) -> None:
    page.get_by_test_id(testid).click()


def test_one_click_goes_on_after_a_reload(context: BrowserContext, stack: Stack) -> None:
    """The browser has kept a handle of the file: nobody chooses it again, and only what is missing is sent."""
    page = context.new_page()
    log_in(page, stack)
    page.evaluate(
        """async () => {
          const folder = await navigator.storage.getDirectory();
          const handle = await folder.getFileHandle("kept.bin", { create: true });
          const writer = await handle.createWritable();
          await writer.write(crypto.getRandomValues(new Uint8Array(65_536)));
          await writer.truncate(19 * 2 ** 20);
          await writer.close();
          window.showOpenFilePicker = async () => [handle];
        }"""
    )
    with held(stack, after=3):
        press(page, "choose")
        upload = await_parts(stack, "kept.bin", 3)
        page.close(run_before_unload=False)
    there = parts_at_oss(stack, upload)

    page = context.new_page()
    sent: list[int] = []
    page.on("request", lambda r: sent.extend(int(n) for n in re.findall(r"[?&]partNumber=(\d+)", r.url)))
    page.goto(f"{stack.site.url}/")
    page.locator('[data-testid="unfinished-item"][data-filename="kept.bin"]').get_by_test_id("continue").click()
    expect(item(page, "completed")).to_have_count(1, timeout=300_000)
    assert not set(sent) & there
    assert only_upload(stack, "kept.bin")["id"] == upload["id"]


SUMMARY_COMES_WITH_THE_LIST = """() => {
  const { shadowRoot } = document.querySelector("oss-uploader");
  const list = shadowRoot.querySelector("ul");
  window.isSummaryShown = new Promise((resolve) => {
    const look = () => list.childElementCount === 2 && resolve(!shadowRoot.querySelector(".summary").hidden);
    new MutationObserver(look).observe(list, { childList: true });
  });
}"""
"""Shown later, it would push the list away from under the pointer."""


def test_all_uploads_together(page: Page, stack: Stack, tmp_path: Path) -> None:
    """Pause all, resume all, cancel all, clear; how many, how far."""
    log_in(page, stack)
    files = [sparse(tmp_path / f"together {n}.bin", 8 * PART, bytes([n])) for n in range(4)]
    with held(stack, after=2):
        page.get_by_test_id("file-input").set_input_files(files)
        expect(page.get_by_test_id("total-message")).to_have_text("0 of 4 uploaded")
        expect(page.get_by_test_id("total-figures")).to_contain_text("of 33.6 MB")
        press(page, "pause-all")
        expect(item(page, "paused")).to_have_count(4)
        expect(page.get_by_test_id("pause-all")).to_be_hidden()
        page.get_by_test_id("cancel").last.click()
        expect(item(page, "aborted")).to_have_count(1)
    press(page, "resume-all")
    expect(item(page, "completed")).to_have_count(3, timeout=300_000)
    expect(page.get_by_test_id("total-message")).to_have_text("3 of 3 uploaded")
    press(page, "clear")
    expect(page.get_by_test_id("upload-item")).to_have_count(0)
    with held(stack):
        page.get_by_test_id("file-input").set_input_files(files[:2])
        press(page, "cancel-all")
        expect(item(page, "aborted")).to_have_count(2)
    expect(page.get_by_test_id("total-message")).to_have_text("Aborted")
    press(page, "clear")
    wait_until(lambda: focused(page) == "choose", "the focus to stand on what can be pressed")
    page.evaluate(SUMMARY_COMES_WITH_THE_LIST)
    page.get_by_test_id("file-input").set_input_files(files[:2])
    assert page.evaluate("window.isSummaryShown")


def test_a_list_of_many_is_built_as_it_is_seen(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(
        """(count) => {
          const element = document.querySelector("oss-uploader");
          const data = new DataTransfer();
          for (let n = 0; n < count; n++) data.items.add(new File([`file ${n}`], `file ${n}.txt`));
          const input = element.shadowRoot.querySelector('[data-testid="file-input"]');
          input.files = data.files;
          input.dispatchEvent(new Event("change"));
        }""",
        MANY_FILES,
    )
    expect(page.get_by_test_id("upload-item")).to_have_count(MANY_FILES)
    uploaded = f"{MANY_FILES:,} of {MANY_FILES:,} uploaded"
    expect(page.get_by_test_id("total-message")).to_have_text(uploaded, timeout=900_000)
    assert page.get_by_test_id("progress").count() < 200
    last = page.get_by_test_id("upload-item").last
    last.scroll_into_view_if_needed()
    expect(last.get_by_test_id("item-message")).to_have_text("Uploaded")
    assert page.get_by_test_id("progress").count() < 400


@pytest.fixture
def filming(stack: Stack, browser_type: Any, browser_type_launch_args: dict[str, Any]) -> Iterator[Page]:
    """A browser with a camera that shows a test picture."""
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments = {**browser_type_launch_args, "args": [*browser_type_launch_args["args"], *fake]}
    browser: Browser = browser_type.launch(**arguments)
    page = browser.new_context().new_page()
    log_in(page, stack)
    yield page
    browser.close()


def test_a_film_goes_up_while_the_camera_runs(filming: Page, stack: Stack) -> None:
    press(filming, "record")
    expect(filming.get_by_test_id("camera")).to_contain_text("Recording")
    wait_until(lambda: filming.evaluate(SEEN) > 1, "a second of film")
    filming.keyboard.press("Escape")
    expect(filming.get_by_test_id("camera")).to_be_visible()
    press(filming, "record-stop")
    expect(item(filming, "completed")).to_have_count(1, timeout=300_000)
    with stack.api() as api:
        upload = next(u for u in api.get("uploads/").json()["results"] if u["filename"].startswith("recording "))
    assert (upload["state"], upload["content_type"]) == ("completed", "video/webm")
    assert b"".join(stack.object_bytes(upload))[:4] == b"\x1a\x45\xdf\xa3", "the beginning of a WebM file"
    press(filming, "record")
    expect(filming.get_by_test_id("camera")).to_contain_text("Recording")
    press(filming, "record-discard")
    expect(item(filming, "aborted")).to_have_count(1)


def test_the_camera_is_off_however_its_dialog_ends(filming: Page) -> None:
    """Clicked twice, left by Escape again and again, or removed with its element: no camera goes on unseen."""
    filming.evaluate(
        """() => {
          window.tracks = [];
          const { mediaDevices } = navigator;
          const ask = mediaDevices.getUserMedia.bind(mediaDevices);
          mediaDevices.getUserMedia = async (wanted) => {
            const seen = await ask(wanted);
            tracks.push(...seen.getTracks());
            return seen;
          };
        }"""
    )
    off = "tracks.length > 0 && tracks.every(({ readyState }) => readyState === 'ended')"
    filming.get_by_test_id("record").dblclick()
    expect(filming.get_by_test_id("camera")).to_contain_text("Recording")
    press(filming, "record-stop")
    wait_until(lambda: filming.evaluate(off), "the camera to be off")
    expect(item(filming, "completed")).to_have_count(1, timeout=300_000)
    press(filming, "record")
    expect(filming.get_by_test_id("camera")).to_contain_text("Recording")
    assert not filming.evaluate(off)
    for _ in range(8):
        filming.keyboard.press("Escape")
    expect(filming.get_by_test_id("camera")).to_be_hidden()
    wait_until(lambda: filming.evaluate(off), "the camera to be off")
    expect(item(filming, "completed")).to_have_count(2, timeout=300_000)
    press(filming, "record")
    expect(filming.get_by_test_id("camera")).to_contain_text("Recording")
    filming.evaluate("document.querySelector('oss-uploader').remove()")
    wait_until(lambda: filming.evaluate(off), "the camera to be off")


SEEN = """() => document.querySelector("oss-uploader").shadowRoot.querySelector("video").currentTime"""


def test_the_request_id_can_be_copied(browser: Browser) -> None:
    with Stack(oss_arguments=["--allow-faults"], variables=destinations(SMALL_PARTS)) as stack:
        error = {"status": 400, "code": "InvalidArgument"}
        http.put(f"{stack.oss_server.url}/-/faults", json=[{"operation": "UploadPart", "error": error}])
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        log_in(page, stack)
        page.get_by_test_id("file-input").set_input_files(
            {"name": "refused.bin", "mimeType": "video/mp4", "buffer": bytes(5 * PART // 2)}
        )
        shown = page.get_by_test_id("error")
        expect(shown).to_contain_text("InvalidArgument")
        press(page, "copy")
        expect(page.get_by_test_id("copy")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert re.fullmatch(r"[0-9A-F]{24}", copied)
        expect(shown).to_contain_text(copied)
        context.close()


def test_the_machine_stays_awake_while_it_uploads_and_no_longer(whole_page: Page, stack: Stack, tmp_path: Path) -> None:
    whole_page.add_init_script(
        """window.locks = [];
        const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
        navigator.wakeLock.request = async (type) => {
          const lock = await ask(type);
          locks.push(lock);
          return lock;
        };"""
    )
    log_in(whole_page, stack)
    locks = "locks.map(({ type, released }) => [type, released])"
    with held(stack):
        choose(whole_page, sparse(tmp_path / "awake.bin", 8 * PART))
        expect(item(whole_page, "uploading")).to_have_count(1)
        wait_until(lambda: whole_page.evaluate(locks) == [["screen", False]], "the lock")
        press(whole_page, "pause")
        wait_until(lambda: whole_page.evaluate("locks.every(({ released }) => released)"), "the lock to be let go")


def test_it_speaks_chinese(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    log_in(page, stack)
    expect(page.get_by_test_id("choose")).to_have_text("选择文件")
    choose(page, sparse(tmp_path / "中文.bin", 5 * PART // 2))
    expect(item(page, "completed").get_by_test_id("item-message")).to_have_text("上传完成", timeout=300_000)
    context.close()


def test_a_host_may_speak_another_language(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(
        """() => { document.querySelector("oss-uploader").translation = { labels: { choose: "Choisir" } }; }"""
    )
    expect(page.get_by_test_id("choose")).to_have_text("Choisir")
    expect(page.get_by_text("Drop files here")).to_be_visible()


def test_by_keyboard_alone(page: Page, stack: Stack, tmp_path: Path) -> None:
    """Choose, pause, resume and cancel without a mouse; the focus is never lost on the way."""
    log_in(page, stack)
    intercept_file_choosers(page)
    page.evaluate("delete window.showOpenFilePicker; window.showOpenFilePicker = undefined")
    expect(page.get_by_test_id("choose")).to_be_visible()
    tab_to(page, "choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    with held(stack):
        chooser.value.set_files(sparse(tmp_path / "keys.bin", 15 * PART // 2))
        expect(item(page, "uploading")).to_have_count(1)
        tab_to(page, "pause")
        page.keyboard.press("Enter")
        expect(item(page, "paused")).to_have_count(1)
        wait_until(lambda: focused(page) == "resume", "the focus to stand on Resume")
        page.keyboard.press("Enter")
        expect(item(page, "uploading")).to_have_count(1)
        tab_to(page, "cancel")
        page.keyboard.press(" ")
        expect(item(page, "aborted")).to_have_count(1)
    wait_until(lambda: focused(page) == "choose", "the focus to stand on what can be pressed")


def focused(page: Page) -> str:
    found: str = page.evaluate(
        """() => document.querySelector("oss-uploader").shadowRoot.activeElement?.dataset.testid ?? "" """
    )
    return found


def tab_to(page: Page, testid: str) -> None:
    for _ in range(20):
        if focused(page) == testid:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {testid} by Tab")


def test_what_is_said_to_those_who_listen(page: Page, stack: Stack) -> None:
    """A file alone is told by its name; of many only how they stand: no chatter."""
    log_in(page, stack)
    said = page.evaluate_handle(
        """() => {
          const said = [];
          const region = document.querySelector("oss-uploader").shadowRoot.querySelector('[role="status"]');
          new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
          return said;
        }"""
    )
    page.get_by_test_id("file-input").set_input_files(
        {"name": "alone.txt", "mimeType": "text/plain", "buffer": b"alone"}
    )
    expect(page.get_by_test_id("announcer")).to_contain_text("alone.txt is uploaded.")
    began = time.monotonic()
    page.get_by_test_id("file-input").set_input_files(
        [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in range(200)]
    )
    expect(page.get_by_test_id("announcer")).to_have_text("201 of 201 uploaded", timeout=300_000)
    assert len(said.evaluate("said => said")) < 10 + time.monotonic() - began, "at most one in a second"
    page.get_by_test_id("total-message").wait_for()


def test_the_tree_that_screen_readers_get(page: Page, stack: Stack, tmp_path: Path) -> None:
    log_in(page, stack)
    with held(stack):
        choose(page, sparse(tmp_path / "tree.bin", 15 * PART // 2))
        expect(item(page, "uploading")).to_have_count(1)
        expect(page.locator("oss-uploader")).to_match_aria_snapshot(
            """
            - paragraph: Drop files here
            - button "Choose files"
            - button "Record a video"
            - paragraph: Any size. Interrupted uploads can be resumed.
            - list "Uploads":
              - listitem:
                - 'button "Pause: tree.bin"'
                - 'button "Cancel: tree.bin"'
                - progressbar "Progress of tree.bin"
            - status
            """
        )


def test_nothing_scrolls_sideways(page: Page, stack: Stack, tmp_path: Path) -> None:
    """On a phone, and at 200 % and 400 % zoom, which is a narrower window."""
    log_in(page, stack)
    long = "a very long name without a place to break ".replace(" ", "_") * 4
    page.get_by_test_id("file-input").set_input_files(
        [{"name": f"{long}{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in range(2)]
    )
    expect(item(page, "completed")).to_have_count(2)
    for width in (1280, 640, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_leaving_in_the_middle_asks_first(page: Page, stack: Stack, tmp_path: Path) -> None:
    log_in(page, stack)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with held(stack, seconds=10):
        choose(page, sparse(tmp_path / "leaving.bin", 8 * PART))
        expect(item(page, "uploading")).to_have_count(1)
        page.mouse.click(5, 5)
        page.evaluate("() => { location.href = '/api/docs/'; }")
        wait_until(lambda: asked == ["beforeunload"], "the question")
    expect(item(page, "completed")).to_have_count(1, timeout=300_000)
    assert_arrived(stack, only_upload(stack, "leaving.bin"), tmp_path / "leaving.bin")


TWO_MORE = """() => {
  const [first] = document.querySelectorAll("oss-uploader");
  first.after(Object.assign(document.createElement("oss-uploader"), { destination: "nowhere" }));
  const data = new DataTransfer();
  data.items.add(new File(["pasted"], "pasted once.txt"));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
}"""


def test_the_page_asks_once_what_is_unfinished(page: Page, stack: Stack) -> None:
    """However many attributes its element has. What OSS has of an interrupted stream is another question."""
    log_in(page, stack)
    page.goto("about:blank")  # The page after the login may not have asked yet, and its request is not counted.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/uploads/?" in request.url else None)
    with page.expect_request("**/api/uploads/?*"):
        page.goto(f"{stack.site.url}/")
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1


def test_what_is_pasted_goes_to_one_uploader_of_the_page(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(TWO_MORE)
    expect(page.get_by_test_id("upload-item")).to_have_count(1)
    expect(item(page, "completed")).to_have_count(1)


def test_attributes_can_be_set_as_properties(page: Page, stack: Stack) -> None:
    """React and Vue assign a property wherever the element has one of that name."""
    log_in(page, stack)
    found = page.evaluate(
        """() => {
          "use strict";
          const element = document.createElement("oss-uploader");
          Object.assign(element, { api: "/other/", destination: "films", parallel: 2 });
          Object.assign(element, { single: true, name: "film", value: "1 2" });
          const attributes = Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value]));
          return [attributes, element.value];
        }"""
    )
    attributes = {"api": "/other/", "destination": "films", "parallel": "2", "single": "", "name": "film"}
    assert found == [{**attributes, "value": "1 2"}, ["1", "2"]]


def test_a_destination_set_later_is_where_files_go(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate("() => { document.querySelector('oss-uploader').destination = 'nowhere'; }")
    choose_bytes(page, "elsewhere.txt")
    expect(page.get_by_test_id("error")).to_contain_text("nowhere")


def choose_bytes(page: Page, name: str) -> None:
    page.get_by_test_id("file-input").set_input_files({"name": name, "mimeType": "text/plain", "buffer": b"x"})


def test_in_a_form_one_file_takes_the_place_of_another_and_reset_takes_it_away(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(
        """() => {
          const form = document.createElement("form");
          form.id = "film";
          document.querySelector("oss-uploader").before(form);
          const element = document.querySelector("oss-uploader");
          element.setAttribute("name", "film");
          element.setAttribute("single", "");
          element.setAttribute("required", "");
          form.append(element);
        }"""
    )
    posted = "new FormData(document.getElementById('film')).getAll('film')"
    for name in ("first.txt", "second.txt"):
        choose_bytes(page, name)
        expect(item(page, "completed")).to_have_attribute("data-filename", name)
    assert page.evaluate(posted) == [only_upload(stack, "second.txt")["id"]]
    page.evaluate("document.getElementById('film').reset()")
    expect(page.get_by_test_id("upload-item")).to_have_count(0)
    assert page.evaluate(posted) == []
    assert page.evaluate("document.querySelector('oss-uploader').validity.valueMissing")
