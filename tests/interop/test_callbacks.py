"""Upload callbacks as the vendor's clients ask for them, and what these make of the answer."""

import base64
import json
from urllib.parse import parse_qs

import alibabacloud_oss_v2 as v2
import oss2
import oss2.models
import pytest

from tests.callback_app import CallbackApp, answer
from tests.interop.support import Place, drive
from uploads.localoss.testing import LocalServer

BODY = "object=${object}&size=${size}&uid=${x:uid}"


def asking(url: str) -> tuple[str, str]:
    callback = {"callbackUrl": url, "callbackBody": BODY, "callbackBodyType": "application/x-www-form-urlencoded"}
    first, second = (base64.b64encode(json.dumps(text).encode()).decode() for text in (callback, {"x:uid": "7"}))
    return first, second


def parameters(app: CallbackApp) -> list[dict[str, list[str]]]:
    return [parse_qs(call.body.decode()) for call in app.calls]


def test_oss2(old: oss2.Bucket) -> None:
    with CallbackApp() as app, CallbackApp(answer(500)) as failing:
        headers = dict(zip(("x-oss-callback", "x-oss-callback-var"), asking(app.url), strict=True))
        done = old.put_object("put.bin", b"hello", headers=headers)
        assert (done.status, done.resp.read()) == (200, b'{"ok":true}')
        upload = old.init_multipart_upload("parts.bin").upload_id
        part = old.upload_part("parts.bin", upload, 1, b"hello")
        done = old.complete_multipart_upload("parts.bin", upload, [oss2.models.PartInfo(1, part.etag)], headers=headers)
        assert (done.status, done.resp.read()) == (200, b'{"ok":true}')
        assert parameters(app) == [{"object": [key], "size": ["5"], "uid": ["7"]} for key in ("put.bin", "parts.bin")]
        headers["x-oss-callback"] = asking(failing.url)[0]
        done = old.put_object("kept.bin", b"hello", headers=headers)
        assert (done.status, done.etag) == (203, old.head_object("kept.bin").etag)
        assert b"CallbackFailed" in done.resp.read()
        with pytest.raises(oss2.exceptions.InvalidArgument):
            old.put_object("never.bin", b"hello", headers={"x-oss-callback": "e30="})


def test_v2(new: v2.Client, place: Place) -> None:
    with CallbackApp() as app:
        callback, variables = asking(app.url)
        done = new.put_object(
            v2.PutObjectRequest(
                bucket=place.bucket, key="put.bin", body=b"hello", callback=callback, callback_var=variables
            )
        )
        assert done.callback_result == '{"ok":true}'
        upload = new.initiate_multipart_upload(
            v2.InitiateMultipartUploadRequest(bucket=place.bucket, key="parts.bin")
        ).upload_id
        new.upload_part(
            v2.UploadPartRequest(bucket=place.bucket, key="parts.bin", upload_id=upload, part_number=1, body=b"hello")
        )
        finished = new.complete_multipart_upload(
            v2.CompleteMultipartUploadRequest(
                bucket=place.bucket,
                key="parts.bin",
                upload_id=upload,
                complete_all="yes",
                callback=callback,
                callback_var=variables,
            )
        )
        assert finished.callback_result == '{"ok":true}'
        assert parameters(app) == [{"object": [key], "size": ["5"], "uid": ["7"]} for key in ("put.bin", "parts.bin")]


@pytest.mark.parametrize("v4", [True, False])
def test_ali_oss(oss_server: LocalServer, v4: bool) -> None:
    with CallbackApp() as app, CallbackApp(answer(500)) as failing:
        seen = drive(oss_server, "ali-oss-callback.mjs", v4=v4, good=app.url, bad=failing.url)
        assert seen["put"] == seen["multipart"] == {"ok": True}
        assert seen["refused"]["status"] == 203
        assert "CallbackFailed" in seen["refused"].values()
        assert seen["kept"] == "hello"
        sizes = {"put.bin": "5", "parts.bin": "300000"}
        assert parameters(app) == [{"object": [key], "size": [size], "uid": ["7"]} for key, size in sizes.items()]
