"""Upload callbacks: the request to the application, and the response to the uploader."""

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import http
from tests.callback_app import CallbackApp, answer, dripping, raw, silence
from tests.localoss.support import SMALLEST, Wire, bytes_of, refused, result
from uploads.localoss.answers import Answer
from uploads.localoss.callbacks import CallbackClient, Event
from uploads.localoss.testing import LocalServer
from uploads.oss.callback import CallbackParameters, encode, key_url, verify
from uploads.oss.messages import build_complete

JSON = "application/json"
FORM_BODY = (
    "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&type=${mimeType}&crc=${crc64}&md5=${contentMd5}"
)
ALL = FORM_BODY + "&op=${operation}&ip=${clientIp}&id=${reqId}&vpc=${vpcId}&secret=${x:secret}&none=${x:none}"


@pytest.fixture
def app() -> Iterator[CallbackApp]:
    with CallbackApp() as running:
        yield running


def asking(*urls: str, body: str = ALL, body_type: str = "", secret: str = "s&1", host: str = "") -> dict[str, str]:
    parameters = CallbackParameters(
        urls, body, host, *([body_type] if body_type else []), variables={"x:secret": secret}
    )
    callback, variables = encode(parameters)
    return {"x-oss-callback": callback, "x-oss-callback-var": variables}


def uploaded(wire: Wire, key: str, headers: dict[str, str]) -> httpx.Response:
    """A multipart upload of two parts, to its end."""
    upload = wire.initiate(key, {"Content-Type": "video/mp4"})
    parts = wire.parts(key, upload, [bytes_of(SMALLEST, 1), b"end"])
    return wire.complete(key, upload, build_complete(parts), headers)


def failed(response: httpx.Response) -> str:
    """A 203, with all that says that the object is stored; its message."""
    document = refused(response, 203, "CallbackFailed")
    assert response.headers["Content-Type"] == "application/xml"
    assert response.headers["x-oss-ec"] == document.findtext("EC") == "0007-00000203"
    assert {"etag", "x-oss-hash-crc64ecma"} <= set(response.headers)
    return document.findtext("Message") or ""


# The request to the application


def test_a_put_tells_the_application_everything(wire: Wire, app: CallbackApp) -> None:
    key = "raw/視頻 a+b.mov"
    response = wire.put(key, b"hello", {"Content-Type": "video/quicktime", **asking(app.url)})
    (call,) = app.calls
    assert call.method == "POST"
    assert call.target == "/oss/call%20back?tenant=7&a=%2F"
    md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode().replace("+", "%2B").replace("/", "%2F")
    assert call.body.decode() == (
        f"bucket={wire.bucket}&object=raw%2F%E8%A6%96%E9%A0%BB%20a%2Bb.mov&etag=5D41402ABC4B2A76B9719D911017C592&size=5"
        f"&type=video%2Fquicktime&crc={response.headers['x-oss-hash-crc64ecma']}&md5={md5.replace('=', '%3D')}"
        f"&op=PutObject&ip=127.0.0.1&id={response.headers['x-oss-request-id']}&vpc=&secret=s%261&none="
    )
    assert response.headers["Content-Type"] == JSON
    assert response.content == b'{"ok":true}'
    assert response.headers["ETag"] == '"5D41402ABC4B2A76B9719D911017C592"'


def test_the_call_is_made_and_signed_as_oss_does(wire: Wire, app: CallbackApp) -> None:
    response = wire.put("a", b"hello", asking(app.url))
    (call,) = app.calls
    sent = call.headers
    assert sent["host"] == f"127.0.0.1:{app.port}"
    assert sent["connection"] == "close"
    assert sent["content-type"] == "application/x-www-form-urlencoded"
    assert sent["content-md5"] == base64.b64encode(hashlib.md5(call.body).digest()).decode()
    assert sent["user-agent"] == "aliyun-oss-callback"
    assert sent["x-oss-bucket"] == wire.bucket
    assert sent["x-oss-request-id"] == response.headers["x-oss-request-id"]
    assert sent["x-oss-requester"].isdigit()
    assert (sent["x-oss-signature-version"], sent["x-oss-tag"]) == ("1.0", "CALLBACK")
    url = key_url(sent["x-oss-pub-key-url"], [wire.server.url])
    assert url == f"{wire.server.url}/-/callback_pub_key.pem"
    pem = http.get(url).content
    assert verify(pem, sent["authorization"], call.target, call.body)
    assert not verify(pem, sent["authorization"], call.target, call.body + b" ")


def test_custom_variables_of_other_names_are_dropped(wire: Wire, app: CallbackApp) -> None:
    sent = asking(app.url)
    variables = b64('{"x:secret": "s", "var1": "a", "x:Upper": "b", "my_var": 1}')
    assert wire.put("a", b"hello", {**sent, "x-oss-callback-var": variables}).content == b'{"ok":true}'
    reported = dict(httpx.QueryParams(app.calls[0].body.decode()))
    assert (reported["secret"], reported["none"]) == ("s", "")


def test_a_complete_tells_of_the_whole_object(wire: Wire, app: CallbackApp) -> None:
    response = uploaded(wire, "v.mp4", asking(app.url))
    assert response.status_code == 200
    assert response.json() == {"ok": True}
    reported = dict(httpx.QueryParams(app.calls[0].body.decode()))
    head = wire.call("HEAD", "v.mp4")
    assert reported["size"] == head.headers["Content-Length"] == str(SMALLEST + 3)
    assert f'"{reported["etag"]}"' == head.headers["ETag"] == response.headers["ETag"]
    assert reported["crc"] == head.headers["x-oss-hash-crc64ecma"] == response.headers["x-oss-hash-crc64ecma"]
    assert (reported["op"], reported["md5"], reported["type"]) == ("CompleteMultipartUpload", "", "video/mp4")


def test_a_json_body(wire: Wire, app: CallbackApp) -> None:
    template = (
        '{"object":${object},"size":${size},"height":${imageInfo.height},"kind":${imageInfo.format},"s":${x:secret}}'
    )
    wire.put('a "quoted" 名', b"hello", asking(app.url, body=template, body_type=JSON, secret='"\\'))
    (call,) = app.calls
    assert call.headers["content-type"] == JSON
    assert httpx.Response(200, content=call.body).json() == {
        "object": 'a "quoted" 名', "size": 5, "height": None, "kind": None, "s": '"\\',
    }  # fmt: skip


def png(width: int, height: int) -> bytes:
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content)) + bytes(64)


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (png(640, 480), "480x640 png"),
        (b"GIF89a" + struct.pack("<HH", 3, 2) + bytes(20), "2x3 gif"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5), "x "),
        (b"\xff\xd8\xff" + b"\xff" * 500, "x "),
        (b"no image", "x "),
        (b"", "x "),
    ],
)
def test_images_are_described(wire: Wire, app: CallbackApp, content: bytes, reported: str) -> None:
    template = "${imageInfo.height}x${imageInfo.width} ${imageInfo.format}"
    wire.put("image", content, asking(app.url, body=template))
    assert app.calls[0].body.decode() == reported


def test_the_url_may_carry_the_callback_and_the_host_be_named(wire: Wire, app: CallbackApp) -> None:
    headers = asking(app.url, host="app.example.com")
    query = [("callback", headers["x-oss-callback"]), ("callback-var", headers["x-oss-callback-var"])]
    response = wire.target("PUT", wire.presigned("PUT", "a", query), {}, b"hello")
    assert response.json() == {"ok": True}
    assert app.calls[0].headers["host"] == "app.example.com"
    assert b"secret=s%261" in app.calls[0].body


# What the uploader hears


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (answer(400), "Error status : 400."),
        (answer(201), "Error status : 201."),
        (answer(204, b""), "Error status : 204."),
        (answer(301, headers="Location: /elsewhere\r\n"), "Error status : 301."),
        (answer(body=b"ok"), "Response body is not valid json format."),
        (answer(body=b""), "Response body is not valid json format."),
        (answer(body=b'\xef\xbb\xbf{"bom":1}'), "Response body is not valid json format."),
        (answer(body=b'{"a":NaN}'), "Response body is not valid json format."),
        (answer(body=b"[" * 100_000), "Response body is not valid json format."),
        (answer(body=b"\xff"), "Response body is not valid json format."),
        (answer(body=b'"' + b"a" * (1 << 20) + b'"'), "Response body is too large."),
        (raw(b'HTTP/1.1 200 OK\r\n\r\n{"ok":true}'), "Response has no Content-Length."),
        (raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":true}'), "Error status : 502."),
        (raw(b"garbage"), "Error status : 502."),
        (raw(b""), "Error status : 502."),
    ],
)
def test_a_bad_answer_is_a_203_and_the_object_stays(wire: Wire, behaviour: object, message: str) -> None:
    with CallbackApp(behaviour) as app:
        assert failed(wire.call("PUT", "kept", headers=asking(app.url), content=b"hello")) == message
        assert wire.call("GET", "kept").content == b"hello"
        assert len(app.calls) == 1


def test_a_complete_whose_callback_failed_is_complete(wire: Wire) -> None:
    with CallbackApp(answer(500)) as app:
        response = uploaded(wire, "kept", asking(app.url))
    assert failed(response) == "Error status : 500."
    assert wire.call("HEAD", "kept").headers["ETag"] == response.headers["ETag"]


def test_xml_is_an_answer_too(wire: Wire) -> None:
    sent = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 4\r\n\r\n"
    with CallbackApp(raw(sent + b"<a/>")) as app:
        response = wire.put("a", b"", asking(app.url))
    assert (response.headers["Content-Type"], response.content) == ("application/xml", b"<a/>")
    with CallbackApp(raw(sent + b"<a<>")) as app:
        assert "not valid" in failed(wire.call("PUT", "a", headers=asking(app.url)))


def test_nobody_there(wire: Wire, app: CallbackApp) -> None:
    with CallbackApp() as gone:
        pass
    message = failed(wire.call("PUT", "a", headers=asking(gone.url)))
    assert message == "Error status : -1. OSS can not connect to your callbackUrl, please check it."
    assert wire.put("a", b"", asking(gone.url, app.url)).json() == {"ok": True}


def test_addresses_are_tried_in_their_order_until_one_does(wire: Wire, app: CallbackApp) -> None:
    with CallbackApp(answer(500)) as bad, CallbackApp() as spare:
        assert wire.put("a", b"", asking(bad.url, app.url, spare.url)).json() == {"ok": True}
        assert [len(one.calls) for one in (bad, app, spare)] == [1, 1, 0]
        with CallbackApp(answer(404)) as last:
            assert failed(wire.call("PUT", "a", headers=asking(bad.url, last.url))) == "Error status : 404."


def test_only_this_machine_is_called(wire: Wire) -> None:
    for host in ("192.0.2.1", "0.0.0.0", "169.254.169.254", "2130706433.nowhere.invalid"):
        message = failed(wire.call("PUT", "a", headers=asking(f"http://{host}:9/")))
        assert "--allow-callbacks-anywhere" in message or "can not connect" in message
    assert "--allow" in failed(wire.call("PUT", "a", headers=asking("http://192.0.2.1/")))


@pytest.mark.parametrize("behaviour", [silence, dripping])
def test_a_callback_has_a_time_limit(behaviour: object, tmp_path: Path) -> None:
    client = CallbackClient(tmp_path, "http://127.0.0.1:1", seconds=0.3)
    with CallbackApp(behaviour) as app:
        parameters, event = CallbackParameters((app.url,), "a=1"), Event("b", "1", "ID", {})
        answer = client.relay(parameters, event, Answer(headers={"ETag": '"E"'}), "h")
    assert answer.status == 203
    assert f"127.0.0.1:{app.port} reply timeout, cost:300ms, timeout:300ms".encode() in answer.body
    assert answer.headers["ETag"] == '"E"'


def test_the_limit_is_five_seconds_for_everybody_else(tmp_path: Path) -> None:
    assert CallbackClient(tmp_path, "").seconds == 5.0


# What is refused, before anything is stored


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "argument", "message"),
    [
        ({"x-oss-callback": "no base64!"}, "callback", "The callback configuration is not base64 encoded."),
        ({"x-oss-callback": b64("{")}, "callback", "The callback configuration is not json format."),
        ({"x-oss-callback": b64('{"callbackUrl":"http://127.0.0.1/"}')}, "callback", "callbackBody is empty."),
        (
            {**asking("http://127.0.0.1/"), "x-oss-callback-var": b64("[]")},
            "callback-var",
            "The callback configuration is not json format.",
        ),
        (
            {**asking("http://127.0.0.1/"), "x-oss-callback-var": b64('{"x:a":"' + "a" * 10_000 + '"}')},
            "callback-var",
            "The length of callback var exceed max value.",
        ),
    ],
)
def test_a_callback_that_cannot_be_is_refused_first(
    wire: Wire, headers: dict[str, str], argument: str, message: str
) -> None:
    for response in (wire.call("PUT", "never", headers=headers, content=b"x"), uploaded(wire, "never", headers)):
        document = refused(response, 400, "InvalidArgument")
        assert (document.findtext("ArgumentName"), document.findtext("Message")) == (argument, message)
    refused(wire.call("HEAD", "never"), 404, "NoSuchKey")


def test_both_ways_at_once_are_refused(wire: Wire) -> None:
    headers = asking("http://127.0.0.1/")
    response = wire.call("PUT", "never", [("callback", headers["x-oss-callback"])], headers, b"x")
    assert "not both" in (refused(response, 400, "InvalidArgument").findtext("Message") or "")
    refused(wire.call("HEAD", "never"), 404, "NoSuchKey")


def test_an_upload_refused_for_its_callback_can_still_be_completed(wire: Wire) -> None:
    upload = wire.initiate("a")
    parts = wire.parts("a", upload, [b"x"])
    refused(wire.complete("a", upload, build_complete(parts), {"x-oss-callback": "!"}), 400, "InvalidArgument")
    result(wire.complete("a", upload, build_complete(parts)), "CompleteMultipartUploadResult")


# The key


def test_the_key_outlives_the_server_and_is_nobody_elses(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with LocalServer(tmp_path) as server:
            keys.append(http.get(f"{server.url}/-/callback_pub_key.pem").content)
    assert keys[0] == keys[1]
    assert keys[0].startswith(b"-----BEGIN PUBLIC KEY-----")
    assert (tmp_path / "callback.key").stat().st_mode & 0o077 == 0
