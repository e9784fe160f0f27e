"""The vendor's JavaScript client in a real Chromium against the local OSS, on another origin."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.e2e.conftest import log_in
from tests.stack import ROOT, Stack
from uploads.oss.errors import OssError

pytestmark = pytest.mark.browser_context_args(bypass_csp=True)
"""The vendor's script is put into the page from outside, which the site's own policy rightly forbids."""

SDK = ROOT / "frontend" / "node_modules" / "ali-oss" / "dist" / "aliyun-oss-sdk.min.js"

UPLOAD = """
async (options) => {
  const client = new OSS({ ...options, sldEnable: true, secure: false });
  const bytes = new Uint8Array(1_200_000).map((_, index) => index * 7);
  const ratios = [];
  const done = await client.multipartUpload("browser/视频 a.bin", new File([bytes], "a.bin"), {
    partSize: 102_400,
    parallel: 4,
    mime: "video/mp4",
    meta: { uid: 7 },
    progress: (ratio) => ratios.push(ratio),
  });
  const got = (await client.get("browser/视频 a.bin")).content;
  return { status: done.res.status, etag: done.etag, ratios, got: got.length };
}
"""


@pytest.mark.parametrize("v4", [True, False], ids=["V4", "V1"])
def test_it_uploads_from_a_page(stack: Stack, page: Page, v4: bool) -> None:
    page.goto(f"{stack.site.url}/accounts/login/")
    page.add_script_tag(path=SDK)
    seen: dict[str, Any] = page.evaluate(
        UPLOAD,
        {
            "endpoint": stack.oss_server.url,
            "bucket": stack.oss_server.bucket,
            "region": f"oss-{stack.oss_server.region}",
            "accessKeyId": stack.oss_server.access_key_id,
            "accessKeySecret": stack.oss_server.access_key_secret,
            "authorizationV4": v4,
        },
    )
    content = bytes(index * 7 % 256 for index in range(1_200_000))
    assert (seen["status"], seen["got"]) == (200, len(content))
    assert seen["ratios"][-1] == 1
    client = stack.oss()
    head = client.head(stack.oss_server.bucket, "browser/视频 a.bin")
    client.close()
    assert (head.etag, head.content_type) == (seen["etag"].strip('"'), "video/mp4")
    stored = hashlib.sha256(
        b"".join(stack.object_bytes({"bucket": stack.oss_server.bucket, "key": "browser/视频 a.bin"}))
    )
    assert stored.digest() == hashlib.sha256(content).digest()


BEGIN = """
async ({ name, checkpoint }) => {
  const { prefix, ...options } = await ossUploads.aliOssOptions();
  window.client = new OSS(options);
  window.prefix = prefix;
  const data = new Uint8Array(4 * 2 ** 20);
  for (let part = 0; part < 4; part++) data.fill(65 + part, part * 2 ** 20, (part + 1) * 2 ** 20);
  const progress = async (ratio, checkpoint) => {
    window.kept = checkpoint && JSON.parse(JSON.stringify({ ...checkpoint, file: undefined }));
    await window.pause?.(window.kept);
  };
  const how = { partSize: 2 ** 20, parallel: 1, progress, checkpoint };
  window.ended = window.client.multipartUpload(`${prefix}${name}`, new File([data], "film.mp4"), how)
    .then(({ res }) => res.status, (error) => `${error.code ?? error.stack}`);
}
"""
FILE = b"".join(bytes([65 + part]) * (1 << 20) for part in range(4))
THIRD_IS_STUCK = {"operation": "UploadPart", "part_number": 3, "count": 1, "delay": 600}


class AliOss:
    """A page with ali-oss and our options for it."""

    def __init__(self, page: Page, stack: Stack, user: str = "demo") -> None:
        self.page, self.stack = page, stack
        self.sent: list[tuple[int, str]] = []
        """Each part that was sent, and the token under which."""
        page.on("request", self._note)
        log_in(page, stack, user)
        self.load()
        stack.faults()

    def _note(self, request: Request) -> None:
        number = re.search(r"[?&]partNumber=(\d+)", request.url)
        if request.method == "PUT" and number:
            self.sent.append((int(number[1]), request.headers["x-oss-security-token"]))

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.sent]

    def load(self) -> None:
        self.page.goto(f"{self.stack.site.url}/")
        self.page.add_script_tag(path=SDK)

    def begin(self, name: str, checkpoint: Any = None) -> None:
        self.page.evaluate(BEGIN, {"name": name, "checkpoint": checkpoint})

    def stop_in_the_middle(self, name: str) -> Any:
        """Its third part gets no further; what ali-oss would keep of it over a reload."""
        self.stack.faults(THIRD_IS_STUCK)
        with self.page.expect_request(lambda request: request.method == "PUT" and "partNumber=3&" in request.url):
            self.begin(name)
        return self.page.evaluate("kept")

    def assert_stored(self, name: str) -> None:
        key = self.page.evaluate("prefix") + name
        assert b"".join(self.stack.object_bytes({"bucket": self.stack.oss_server.bucket, "key": key})) == FILE


OpenAliOss = Callable[..., AliOss]


@pytest.fixture
def open_ali_oss(browser: Browser, failing_stack: Stack) -> Iterator[OpenAliOss]:
    contexts = []

    def open_ali_oss(user: str = "demo") -> AliOss:
        contexts.append(browser.new_context(bypass_csp=True))
        return AliOss(contexts[-1].new_page(), failing_stack, user)

    yield open_ali_oss
    for context in contexts:
        context.close()


@pytest.fixture
def ali_oss(open_ali_oss: OpenAliOss) -> AliOss:
    return open_ali_oss()


def test_with_our_options_it_uploads_by_itself_under_its_own_prefix(ali_oss: AliOss) -> None:
    ali_oss.begin("by ali-oss ü.bin")
    assert ali_oss.page.evaluate("ended") == 200
    assert ali_oss.numbers == [1, 2, 3, 4]
    ali_oss.assert_stored("by ali-oss ü.bin")


def test_after_a_reload_it_goes_on_from_its_own_checkpoint(ali_oss: AliOss) -> None:
    checkpoint = ali_oss.stop_in_the_middle("resumed.bin")
    assert [part["number"] for part in checkpoint["doneParts"]] == [1, 2]
    ali_oss.load()
    ali_oss.sent.clear()
    ali_oss.begin("resumed.bin", checkpoint)
    assert ali_oss.page.evaluate("ended") == 200
    assert ali_oss.numbers == [3, 4]
    ali_oss.assert_stored("resumed.bin")


def test_it_aborts_what_it_has_begun(ali_oss: AliOss) -> None:
    checkpoint = ali_oss.stop_in_the_middle("aborted.bin")
    ali_oss.page.evaluate("({ name, uploadId }) => client.abortMultipartUpload(name, uploadId)", checkpoint)
    oss = ali_oss.stack.oss()
    with pytest.raises(OssError, match="NoSuchUpload"):
        oss.list_parts(ali_oss.stack.oss_server.bucket, checkpoint["name"], checkpoint["uploadId"])
    oss.close()


PAUSE = """() => {
  window.pause = (checkpoint) => new Promise((resolve) => {
    if (checkpoint?.doneParts.length !== 2) return resolve();
    window.go = resolve;
  });
}"""


def test_an_upload_that_goes_on_for_longer_uses_fresh_credentials(ali_oss: AliOss) -> None:
    """Five minutes pass between its second part and its third."""
    page, site = ali_oss.page, ali_oss.stack.site
    page.clock.install()
    page.evaluate(PAUSE)
    ali_oss.begin("long.bin")
    page.wait_for_function("!!window.go")
    site.kill()
    site.start()  # It remembers none of what it has lent.
    page.clock.fast_forward("05:00")
    page.evaluate("go()")
    assert page.evaluate("ended") == 200
    first, second, third, fourth = (token for _, token in ali_oss.sent)
    assert (first == second, third == fourth) == (True, True)
    assert second != third
    ali_oss.assert_stored("long.bin")


def test_keys_outside_the_prefix_are_refused(open_ali_oss: OpenAliOss) -> None:
    demo, admin = open_ali_oss(), open_ali_oss("admin")
    for each in (demo, admin):
        each.begin("mine.bin")
        assert each.page.evaluate("ended") == 200
    theirs = admin.page.evaluate("prefix")
    assert theirs != demo.page.evaluate("prefix")
    for key in ("elsewhere.bin", f"{theirs}mine.bin"):
        put = "(key) => client.put(key, new Blob(['x'])).then(() => 'taken', ({ code }) => code)"
        assert demo.page.evaluate(put, key) == "AccessDenied"
    admin.assert_stored("mine.bin")
