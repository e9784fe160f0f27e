"""The vendor's JavaScript client in a real Chromium against the local OSS, on another origin."""

import hashlib
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.stack import ROOT, Stack

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
