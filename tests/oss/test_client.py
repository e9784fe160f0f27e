"""The OSS client: which requests it repeats, and the errors it raises."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stamina

from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Busy, Malformed, NotFound, Unreachable
from uploads.oss.messages import CorsConfiguration, Part
from uploads.oss.responses import MAX_CALLBACK_BYTES
from uploads.oss.signing import Credentials
from uploads.oss.transport import ATTEMPTS, Call

Handler = Callable[[httpx.Request], httpx.Response]
BUSY = httpx.Response(503, content=b"<Error><Code>ServiceUnavailable</Code><RequestId>R</RequestId></Error>")
GONE = httpx.Response(404, content=b"<Error><Code>NoSuchUpload</Code></Error>")


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def client_of(*answers: httpx.Response | Exception) -> tuple[OssClient, list[httpx.Request]]:
    """A client whose OSS gives these answers one after another, and what was sent to it."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = answers[min(len(sent), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.Client(transport=httpx.MockTransport(handle))
    now = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    endpoint = Endpoint.parse("oss-cn-hangzhou.aliyuncs.com")
    return OssClient(endpoint, "cn-hangzhou", Credentials("id", "secret"), http=http, now=lambda: now), sent


def test_a_safe_request_is_repeated() -> None:
    head = httpx.Response(200, headers={"ETag": '"E"', "Content-Length": "0", "x-oss-hash-crc64ecma": "7"})
    client, sent = client_of(BUSY, httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), head)
    assert client.head("b", "k").crc64 == 7
    assert [request.method for request in sent] == ["HEAD"] * 4


def test_the_last_error_of_oss_is_raised() -> None:
    client, sent = client_of(BUSY)
    with pytest.raises(Busy) as caught:
        client.list_parts("b", "k", "U")
    assert (len(sent), caught.value.code, caught.value.request_id) == (ATTEMPTS, "ServiceUnavailable", "R")
    assert caught.value.operation == "ListParts"


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), httpx.WriteError("cut")])
def test_a_complete_whose_response_was_lost_is_not_repeated(lost: Exception) -> None:
    client, sent = client_of(lost)
    with pytest.raises(Unreachable) as caught:
        client.complete("b", "k", "U", [Part(1, "AB")])
    assert caught.value.sent
    assert len(sent) == 1


def test_a_preflight_without_a_response_is_unreachable() -> None:
    client, _ = client_of(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable):
        client.exposed_headers("b", "https://app.example")


def test_a_complete_that_was_not_sent_is_repeated() -> None:
    done = b"<CompleteMultipartUploadResult><Location>l</Location><ETag>E-1</ETag></CompleteMultipartUploadResult>"
    client, sent = client_of(httpx.ConnectError("refused"), BUSY, httpx.Response(200, content=done))
    assert client.complete("b", "k", "U", [Part(1, "AB")]).etag == "E-1"
    assert len(sent) == 3


def test_a_refused_request_is_not_repeated() -> None:
    client, sent = client_of(GONE)
    with pytest.raises(NotFound):
        client.list_parts("b", "k", "U")
    assert len(sent) == 1


def test_aborting_an_upload_that_is_gone_is_no_error() -> None:
    client, _ = client_of(GONE)
    client.abort("b", "k", "U")


def test_a_bucket_without_cors_rules_is_no_error() -> None:
    client, _ = client_of(httpx.Response(404, content=b"<Error><Code>NoSuchCORSConfiguration</Code></Error>"))
    assert client.get_cors("b") == CorsConfiguration()


def test_the_page_of_a_proxy_is_malformed() -> None:
    client, _ = client_of(httpx.Response(200, content=b"<html>Log in to the hotel</html>"))
    with pytest.raises(Malformed):
        client.initiate("b", "k")


def test_a_redirect_is_not_followed() -> None:
    client, sent = client_of(httpx.Response(302, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(Exception, match="302"):
        client.head("b", "k")
    assert len(sent) == 1


def test_the_request_is_that_of_the_manual() -> None:
    answer = b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
    client, sent = client_of(httpx.Response(200, content=answer))
    assert client.initiate("b", "视频 a+b%.mp4", {"Content-Type": "video/mp4", "x-oss-meta-title": "片"}) == "U"
    (request,) = sent
    path = "/%E8%A7%86%E9%A2%91%20a%2Bb%25.mp4?uploads"
    assert str(request.url) == f"https://b.oss-cn-hangzhou.aliyuncs.com{path}"
    assert request.headers["x-oss-date"] == "20260115T083000Z"
    assert request.headers["Authorization"].startswith("OSS4-HMAC-SHA256 Credential=id/20260115/cn-hangzhou/oss/")


def test_each_request_is_reported_with_its_status_or_oss_code() -> None:
    seen: list[Call] = []
    answers = iter([GONE, httpx.ReadTimeout("slow"), httpx.Response(204, headers={"x-oss-request-id": "R"})])

    def handle(request: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    endpoint = Endpoint.parse("oss-cn-hangzhou.aliyuncs.com")
    http = httpx.Client(transport=httpx.MockTransport(handle))
    client = OssClient(endpoint, "cn-hangzhou", Credentials("id", "secret"), http=http, observe=seen.append)
    client.abort("b", "k", "U")
    client.delete_object("b", "k")
    assert [(call.operation, call.code, call.request_id) for call in seen] == [
        ("AbortMultipartUpload", "NoSuchUpload", ""),
        ("DeleteObject", "Unreachable", ""),
        ("DeleteObject", "204", "R"),
    ]


CALLBACK = {"x-oss-callback": "Y2FsbGJhY2s="}


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        (httpx.Response(200, content=b'{"ok":true}'), {"ok": True, "body": {"ok": True}}),
        (httpx.Response(200, content=b"<ok/>"), {"ok": True, "body": "<ok/>"}),
        (httpx.Response(200, content=b"1" * (MAX_CALLBACK_BYTES + 1)), {"ok": True, "body": None}),
        (
            httpx.Response(203, content=b"<Error><Code>CallbackFailed</Code><Message>502</Message></Error>"),
            {"ok": False, "code": "CallbackFailed", "message": "502", "request_id": ""},
        ),
    ],
)
def test_the_result_of_a_callback_is_reported(answer: httpx.Response, report: dict[str, Any]) -> None:
    client, sent = client_of(answer)
    assert client.complete("b", "k", "U", [Part(1, "AB")], CALLBACK).callback == report
    assert client.put_object("b", "k", b"x", CALLBACK).callback == report
    assert [request.headers["x-oss-callback"] for request in sent] == [*CALLBACK.values()] * 2
