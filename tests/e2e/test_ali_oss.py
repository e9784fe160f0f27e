"""The vendor's JavaScript client in a real Chromium against the local OSS, on another origin."""

import hashlib
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import log_in
from tests.stack import ROOT, Stack

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


ADAPTER = """async () => {
  const { prefix, ...options } = await ossUploads.aliOssOptions();
  let refreshed = 0;
  const client = new OSS({
    ...options,
    sldEnable: true,
    refreshSTSTokenInterval: 0,
    refreshSTSToken: () => { refreshed += 1; return options.refreshSTSToken(); },
  });
  const file = new File([new Uint8Array(3_000_000)], "film.bin");
  const done = await client.multipartUpload(`${prefix}by ali-oss ü.bin`, file, { partSize: 1024 * 1024, parallel: 1 });
  const refused = await client.put("elsewhere.bin", new Blob(["x"])).then(() => "taken", ({ code }) => code);
  return { status: done.res.status, refused, refreshed, interval: options.refreshSTSTokenInterval };
}"""


def test_with_our_options_it_uploads_by_itself_under_its_own_prefix(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    log_in(page, stack)
    page.add_script_tag(path=SDK)
    result = page.evaluate(ADAPTER)
    assert (result["status"], result["refused"]) == (200, "AccessDenied")
    assert result["refreshed"] > 0
    assert 60_000 <= result["interval"] <= 3_600_000
    context.close()
