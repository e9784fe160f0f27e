"""The engine's finer promises, in a real Chromium against a real local OSS."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import MANY_FILES, held, log_in, log_in_by_page
from tests.e2e.test_upload import await_parts, only_upload
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


def test_many_small_files(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    calls = calls_of(page)
    page.set_default_timeout(300_000)
    done = page.evaluate(MANY, MANY_FILES)
    assert len(done) == MANY_FILES
    assert {(each["state"], each["size"], each["method"]) for each in done} == {("completed", 10_240, "post")}
    backend = [url for method, url in calls if "/api/" in url]
    together = {f"{stack.site.url}/api/uploads/batch/", f"{stack.site.url}/api/uploads/batch/complete/"}
    assert {url for method, url in calls if method == "POST" and url in backend} == together
    assert len(backend) <= 20 + MANY_FILES / 5, "as many at once as a slow machine lets come together"
    storage = [method for method, url in calls if url.startswith(stack.oss_server.url)]
    assert storage.count("POST") == MANY_FILES, "one request each"
    assert storage.count("OPTIONS") == 0, "and no preflight"
    with stack.api() as api:
        upload: dict[str, Any] = api.get(f"uploads/{done[-1]['id']}/").json()
    assert b"".join(stack.object_bytes(upload)).startswith(b"%d;" % (MANY_FILES - 1))


@pytest.mark.parametrize("integrity", ["md5", "none"])
def test_other_ways_to_be_sure(page: Page, stack: Stack, integrity: str) -> None:
    log_in(page, stack)
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: sent.append(request.headers) if request.method == "PUT" else None)
    result = page.evaluate(
        """async (integrity) => {
          const uploader = new ossUploads.OssUploader({ api: "/api/", integrity });
          const bytes = new Uint8Array(2_500_000).map((_, n) => n >> 7);
          return uploader.upload(new File([bytes], `${integrity}.bin`)).done;
        }""",
        integrity,
    )
    assert result["state"] == "completed"
    assert len(sent) == 3
    assert all(("content-md5" in headers) == (integrity == "md5") for headers in sent)


def test_the_browser_signs_by_itself(page: Page, stack: Stack) -> None:
    with page.expect_response(lambda answer: "/api/uploads/?" in answer.url):  # The list of unfinished uploads.
        log_in(page, stack)
    calls = calls_of(page)
    result = page.evaluate(
        """async () => {
          const uploader = new ossUploads.OssUploader({ api: "/api/", signing: "sts" });
          return uploader.upload(new File([new Uint8Array(7_500_000)], "ürgend was (1)'.bin")).done;
        }"""
    )
    assert result["state"] == "completed"
    backend = [(method, url.partition("/api/")[2]) for method, url in calls if "/api/" in url]
    identifier = result["id"]
    assert backend == [
        ("POST", "uploads/"),
        ("POST", f"uploads/{identifier}/credentials/"),
        ("POST", f"uploads/{identifier}/complete/"),
    ]
    assert result["crc64"]


def test_the_browser_requests_the_destinations_traffic_limit(page: Page, stack: Stack) -> None:
    """A policy cannot demand it of temporary credentials."""
    log_in(page, stack)
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url) if request.method == "PUT" else None)
    result = page.evaluate(
        """async () => {
          const uploader = new ossUploads.OssUploader({ api: "/api/", signing: "sts", destination: "limited" });
          return uploader.upload(new File([new Uint8Array(3_750_000)], "limited.bin")).done;
        }"""
    )
    assert result["state"] == "completed"
    assert len(urls) == result["part_count"]
    assert all("x-oss-traffic-limit=838860800" in url for url in urls)
    assert sum("x-oss-security-token=" in url for url in urls) == len(urls) - 1, "the first comes with the upload"


RECORDING = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const ink = canvas.getContext("2d");
  const draw = setInterval(() => {
    for (let n = 0; n < 100; n++) {
      ink.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      ink.fillRect(Math.random() * 640, Math.random() * 360, 40, 40);
    }
  }, 20);
  const recorder = new MediaRecorder(canvas.captureStream(30), { videoBitsPerSecond: 40_000_000 });
  const kept = [];
  const stream = new ReadableStream({
    start(controller) {
      recorder.ondataavailable = ({ data }) => { kept.push(data); controller.enqueue(data); };
      recorder.onstop = () => controller.close();
    },
  });
  const upload = new ossUploads.OssUploader({ api: "/api/" })
    .uploadStream(stream, { filename: "recording.webm", type: "video/webm", destination: "small" });
  let loadedWhileRecording = 0;
  upload.addEventListener("progress", ({ loaded }) => {
    if (recorder.state === "recording") loadedWhileRecording = loaded;
  });
  recorder.start(200);
  await new Promise((resolve) => {
    const check = () => (loadedWhileRecording > 1024 * 1024 ? resolve() : setTimeout(check, 100));
    check();
  });
  recorder.stop();
  clearInterval(draw);
  const done = await upload.done;
  const bytes = await new Blob(kept).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { ...done, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
}"""


def test_a_recording_goes_up_while_it_is_made(page: Page, failing_stack: Stack) -> None:
    log_in(page, failing_stack)
    result = page.evaluate(RECORDING)
    assert (result["state"], result["content_type"]) == ("completed", "video/webm")
    assert result["size"] > 1 << 20, "four parts"
    digest = hashlib.sha256()
    for chunk in failing_stack.object_bytes(result):
        digest.update(chunk)
    assert digest.hexdigest() == result["sha256"]


def test_a_strict_policy_and_nothing_against_it(page: Page, stack: Stack) -> None:
    """No inline script or style, nowhere to talk to but here and the storage: login, page and admin live with it."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    answer = page.goto(f"{stack.site.url}/accounts/login/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"connect-src 'self' {stack.oss_server.url}" in policy
    assert "unsafe-inline" not in policy
    log_in_by_page(page, stack, "admin")
    result = page.evaluate(
        """() => new ossUploads.OssUploader({ api: "/api/" })
          .upload(new File([new Uint8Array(2_500_000)], "checked.bin")).done"""
    )
    assert (result["state"], bool(result["crc64"])) == ("completed", True)
    page.get_by_test_id("file-input").set_input_files(
        {"name": "small.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    expect(page.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1)
    for path in (
        "/admin/",
        "/admin/uploads/upload/",
        "/admin/uploads/upload/figures/",
        "/admin/uploads/upload/at-oss/",
    ):
        page.goto(stack.site.url + path)
    assert [line for line in complaints if "Content Security Policy" in line] == []


def test_two_tabs_with_one_file(page: Page, stack: Stack, film: Path, tmp_path: Path) -> None:
    """The second watches; when the first is closed in the middle, it takes over with what is there."""
    own = tmp_path / "two tabs.mp4"
    own.hardlink_to(film)
    log_in(page, stack)
    with held(stack, after=4):
        page.get_by_test_id("file-input").set_input_files(own)
        first = await_parts(stack, own.name, 4)
        second = page.context.new_page()
        second.goto(f"{stack.site.url}/")
        sent: list[str] = []
        second.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
        second.get_by_test_id("file-input").set_input_files(own)
        expect(second.get_by_text("Another tab is uploading this")).to_be_visible()
        assert sent == []
    page.close()
    expect(second.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1, timeout=300_000)
    done = only_upload(stack, own.name)
    assert (done["id"], done["state"]) == (first["id"], "completed")
    assert len(sent) <= done["part_count"] - 3, "what the first had sent was not sent again"


DROP = """async () => {
  const zone = document.querySelector("oss-uploader").shadowRoot.querySelector(".zone");
  const entry = (name, path, children) => ({
    name, fullPath: path, isFile: !children, isDirectory: !!children,
    file: (done) => done(new File([path], name, { type: "text/plain" })),
    createReader: () => { let left = [children.slice(0, 1), children.slice(1), []];
      return { readEntries: (done) => done(left.shift()) }; },
  });
  const folder = entry("holiday", "/holiday", [
    entry("a.txt", "/holiday/a.txt"),
    entry("day 1", "/holiday/day 1", [entry("beach.txt", "/holiday/day 1/beach.txt")]),
  ]);
  const items = [{ kind: "file", webkitGetAsEntry: () => folder, getAsFile: () => null }];
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(drop, "dataTransfer", { value: { items } });
  zone.dispatchEvent(drop);
  const clipboard = new DataTransfer();
  clipboard.items.add(new File(["pasted"], "pasted.txt", { type: "text/plain" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true }));
}"""


def test_folders_are_dropped_and_files_pasted(page: Page, stack: Stack) -> None:
    log_in(page, stack)
    page.evaluate(DROP)
    expect(page.locator('[data-testid="upload-item"][data-state="completed"]')).to_have_count(1)
    folder = page.get_by_test_id("folder-item")
    expect(folder).to_have_attribute("data-state", "completed")
    expect(folder).to_contain_text("2 of 2 files uploaded")
    folder.get_by_test_id("files").click()
    expect(folder.get_by_test_id("folder-files").locator("li")).to_have_text(
        [re.compile("^a.txt.*Uploaded$"), re.compile("^day 1/beach.txt.*Uploaded$")]
    )
    with stack.api() as api:
        paths = {upload["filename"]: upload["relative_path"] for upload in api.get("uploads/").json()["results"]}
    in_folder = {name: name for name in ("holiday/a.txt", "holiday/day 1/beach.txt")}
    assert {**in_folder, "pasted.txt": ""}.items() <= paths.items()
