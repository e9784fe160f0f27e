"""The OSS client: which requests it repeats, and the errors it raises."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
import stamina

from uploads.oss.client import OssClient
from uploads.oss.clock import ServerClock
from uploads.oss.cors import CorsConfiguration
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Busy, Denied, Malformed, NotFound, NotOss, StorageError, Unreachable
from uploads.oss.messages import Part
from uploads.oss.repetition import ATTEMPTS, may_repeat, repeated
from uploads.oss.responses import MAX_CALLBACK_BYTES
from uploads.oss.signing import Credentials
from uploads.oss.transport import Call

Handler = Callable[[httpx.Request], httpx.Response]
BUSY = httpx.Response(503, content=b"<Error><Code>ServiceUnavailable</Code><RequestId>R</RequestId></Error>")
INITIATED = b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
GONE = httpx.Response(404, headers={"x-oss-request-id": "G"}, content=b"<Error><Code>NoSuchUpload</Code></Error>")


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def client_of(*answers: httpx.Response | Exception, by: str = "OSS") -> tuple[OssClient, list[httpx.Request]]:
    """A client that gets these answers one after another, and what it sent. OSS gives each of its a request id."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = answers[min(len(sent), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if by == "OSS":
            answer.headers.setdefault("x-oss-request-id", "R")
        return answer

    http = httpx.Client(transport=httpx.MockTransport(handle))
    now = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    endpoint = Endpoint.parse("oss-cn-hangzhou.aliyuncs.com")
    credentials, clock = Credentials("id", "secret"), ServerClock(lambda: now)
    return OssClient(endpoint, "cn-hangzhou", credentials, http=http, clock=clock), sent


def test_a_safe_request_is_repeated() -> None:
    head = httpx.Response(200, headers={"ETag": '"E"', "Content-Length": "0", "x-oss-hash-crc64ecma": "7"})
    client, sent = client_of(BUSY, httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), head)
    assert client.head("b", "k").crc64 == 7
    assert [request.method for request in sent] == ["HEAD"] * 4


def test_a_request_is_sent_as_it_is_signed() -> None:
    """With what the client adds to each, but without a cookie: a proxy sets them."""
    client, sent = client_of(httpx.Response(204, headers={"Set-Cookie": "session=1; Path=/"}))
    client.delete_object("b", "k")
    client.delete_object("b", "k")
    names = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    signed = {"x-oss-date", "x-oss-content-sha256", "authorization"}
    assert [set(request.headers) for request in sent] == [names | signed] * 2


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("u/x/../y.html", b"/u/x/%2E%2E/y.html"),
        ("../.", b"/%2E%2E/%2E"),
        ("a/./..", b"/a/%2E/%2E%2E"),
        (".../.a/b../c.d/", b"/.../.a/b../c.d/"),
        ("a//b", b"/a//b"),
        ("%2e%2E/a?b/../c", b"/%252e%252E/a%3Fb/%2E%2E/c"),
    ],
)
def test_the_path_of_a_request_is_not_rewritten(key: str, path: bytes) -> None:
    """OSS decodes it, and compares the signature with the key. httpx would drop dot segments."""
    client, sent = client_of(httpx.Response(204, headers={"ETag": '"E"', "Content-Length": "0"}))
    client.put_object("b", key, b"x", {})
    client.head("b", key)
    client.delete_object("b", key)
    client.abort("b", key, "../U")
    assert [request.url.raw_path.partition(b"?")[0] for request in sent] == [path] * 4
    assert sent[-1].url.query == b"uploadId=..%2FU"


def test_no_time_is_left_for_a_second_attempt() -> None:
    attempts: list[float] = []

    def fails() -> None:
        attempts.append(monotonic())
        raise Unreachable("", sent=False)

    with pytest.raises(Unreachable):
        repeated(fails, may_repeat, seconds=0)
    assert len(attempts) == 1


def test_the_last_error_of_oss_is_raised() -> None:
    client, sent = client_of(BUSY)
    with pytest.raises(Busy) as caught:
        client.list_parts("b", "k", "U")
    assert (len(sent), caught.value.code, caught.value.request_id) == (ATTEMPTS, "ServiceUnavailable", "R")
    assert caught.value.operation == "ListParts"


def test_a_client_with_a_deadline_sends_each_request_once_and_in_time() -> None:
    client, sent = client_of(BUSY)
    with pytest.raises(Busy):
        client.until(monotonic() + 60).list_parts("b", "k", "U")
    (request,) = sent
    assert sum(request.extensions["timeout"].values()) <= 60, "pool, TCP and TLS, write, read"
    with pytest.raises(Unreachable, match="No time was left"):
        client.until(monotonic()).delete_object("b", "k")
    assert len(sent) == 1
    with pytest.raises(Busy):
        client.list_parts("b", "k", "U")
    assert len(sent) == 1 + ATTEMPTS, "the client itself got the deadline"


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), httpx.WriteError("cut")])
def test_a_complete_whose_response_was_lost_is_not_repeated(lost: Exception) -> None:
    client, sent = client_of(lost)
    with pytest.raises(Unreachable) as caught:
        client.complete("b", "k", "U", [Part(1, "AB")])
    assert caught.value.sent
    assert len(sent) == 1


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


def test_an_answer_without_a_document_is_malformed() -> None:
    client, _ = client_of(httpx.Response(200, content=b"<html></html>"))
    with pytest.raises(Malformed):
        client.initiate("b", "k")


@pytest.mark.parametrize("status", [200, 204, 302, 304, 400, 403, 404, 409, 412, 429, 500, 502, 503])
@pytest.mark.parametrize(
    ("call", "attempts"),
    [
        (lambda client: client.head("b", "k"), ATTEMPTS),
        (lambda client: client.head("b", "k", quick=True), 1),
        (lambda client: client.list_parts("b", "k", "U"), ATTEMPTS),
        (lambda client: list(client.list_objects("b", "")), ATTEMPTS),
        (lambda client: client.delete_object("b", "k"), ATTEMPTS),
        (lambda client: client.abort("b", "k", "U"), ATTEMPTS),
        (lambda client: client.put_object("b", "k", b"x"), ATTEMPTS),
        (lambda client: client.get_cors("b"), ATTEMPTS),
        (lambda client: client.initiate("b", "k"), 1),
        (lambda client: client.complete("b", "k", "U", [Part(1, "AB")]), 1),
    ],
)
def test_the_answer_of_another_server_says_nothing_about_the_bucket(
    status: int, call: Callable[[OssClient], Any], attempts: int
) -> None:
    """A 404 of a proxy is no "no such object", its 204 no deletion, and its 504 comes after a request that was sent."""
    headers = {"ETag": '"E"', "Content-Length": "0", "Location": "https://hotel.example/"}
    client, sent = client_of(httpx.Response(status, headers=headers), by="a proxy")
    with pytest.raises(NotOss, match=f"status {status}") as caught:
        call(client)
    assert (caught.value.retryable, caught.value.sent, len(sent)) == (True, True, attempts)


def test_a_document_of_another_server_is_not_believed_either() -> None:
    """Such as that of another storage with the same protocol."""
    for code in ("NoSuchUpload", "NoSuchKey", "NoSuchBucket"):
        body = f"<Error><Code>{code}</Code><RequestId>R</RequestId></Error>".encode()
        client, _ = client_of(httpx.Response(404, content=body), by="a proxy")
        with pytest.raises(NotOss):
            client.list_parts("b", "k", "U")


def test_oss_is_asked_again_after_the_answer_of_another_server() -> None:
    found = httpx.Response(200, headers={"ETag": '"E"', "Content-Length": "0", "x-oss-request-id": "R"})
    client, sent = client_of(httpx.Response(404), found, by="a proxy, then OSS")
    assert (client.head("b", "k").etag, len(sent)) == ("E", 2)


def test_a_redirect_is_not_followed() -> None:
    client, sent = client_of(httpx.Response(302, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(StorageError, match="302"):
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
        ("AbortMultipartUpload", "NoSuchUpload", "G"),
        ("DeleteObject", "Unreachable", ""),
        ("DeleteObject", "204", "R"),
    ]


CALLBACK = {"x-oss-callback": "Y2FsbGJhY2s="}


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        (httpx.Response(200, content=b'{"ok":true}'), {"ok": True, "body": {"ok": True}}),
        (httpx.Response(200, content=b"<ok/>"), {"ok": True, "body": "<ok/>"}),
        (httpx.Response(200, content=b'"\\ud800"'), {"ok": True, "body": '"\\ud800"'}),
        (httpx.Response(200, content=b"a\0b\xff"), {"ok": True, "body": "a\ufffdb\ufffd"}),
        (httpx.Response(200, content=b"[" * 17 + b"]" * 17), {"ok": True, "body": "[" * 17 + "]" * 17}),
        (httpx.Response(200, content=b"1" * (MAX_CALLBACK_BYTES + 1)), {"ok": True, "body": None}),
        (
            httpx.Response(203, content=b"<Error><Code>CallbackFailed</Code><Message>502</Message></Error>"),
            {"ok": False, "code": "CallbackFailed", "message": "502", "request_id": "R"},
        ),
    ],
)
def test_the_result_of_a_callback_is_reported(answer: httpx.Response, report: dict[str, Any]) -> None:
    client, sent = client_of(answer)
    assert client.complete("b", "k", "U", [Part(1, "AB")], CALLBACK).callback == report
    assert client.put_object("b", "k", b"x", CALLBACK).callback == report
    assert [request.headers["x-oss-callback"] for request in sent] == [*CALLBACK.values()] * 2


# The clock


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the clock logs. The pure tests run without pytest's `caplog`."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("uploads.clock")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def skewed(server_time: str = "2026-01-16T07:30:00.000Z") -> httpx.Response:
    """What OSS answers when the signature is 23 hours early."""
    body = f"<Error><Code>RequestTimeTooSkewed</Code><ServerTime>{server_time}</ServerTime></Error>"
    return httpx.Response(403, headers={"x-oss-request-id": "R"}, content=body.encode())


def dated(date: str, **headers: str) -> httpx.Response:
    return httpx.Response(200, headers={"Date": date, "x-oss-request-id": "R", "Content-Length": "0", **headers})


def signed_at(request: httpx.Request) -> str:
    return request.headers["x-oss-date"]


def test_a_refusal_for_the_wrong_time_is_repeated_once_at_the_right_one(logged: list[logging.LogRecord]) -> None:
    client, sent = client_of(skewed(), dated("Fri, 16 Jan 2026 07:30:00 GMT"))
    client.head("b", "k")
    client.head("b", "k")
    assert [signed_at(request) for request in sent] == ["20260115T083000Z", "20260116T073000Z", "20260116T073000Z"]
    (record,) = logged
    assert record.levelname == "WARNING"
    assert "82800 s behind" in record.getMessage()


def test_a_second_refusal_for_the_wrong_time_is_the_error() -> None:
    client, sent = client_of(skewed(), skewed())
    with pytest.raises(Denied) as caught:
        client.head("b", "k")
    assert (caught.value.code, len(sent)) == ("RequestTimeTooSkewed", 2)


def test_a_request_that_must_not_be_done_twice_is_repeated_too() -> None:
    client, sent = client_of(skewed(), httpx.Response(200, content=INITIATED))
    assert client.initiate("b", "k") == "U"
    assert len(sent) == 2


def test_a_difference_above_24_hours_is_not_believed(logged: list[logging.LogRecord]) -> None:
    client, sent = client_of(skewed("2026-01-16T09:30:00.000Z"))
    with pytest.raises(Denied):
        client.head("b", "k")
    assert (len(sent), client.clock.offset) == (1, timedelta())
    assert "24 hours" in logged[0].getMessage()


def test_every_answer_of_oss_tells_the_time_and_a_proxys_does_not() -> None:
    client, _ = client_of(dated("Thu, 15 Jan 2026 09:00:00 GMT"), dated("Thu, 15 Jan 2026 09:00:03 GMT"))
    for _ in range(2):
        client.head("b", "k")
    assert client.clock.offset == timedelta(minutes=30), "a few seconds are no reason to change"
    headers = {"Date": "Thu, 15 Jan 2026 09:00:00 GMT", "Content-Length": "0"}
    proxy, _ = client_of(httpx.Response(200, headers=headers), by="a proxy")
    with pytest.raises(NotOss):
        proxy.head("b", "k")
    assert proxy.clock.offset == timedelta()


def test_a_clock_that_was_corrected_is_believed_again() -> None:
    client, _ = client_of(dated("Thu, 15 Jan 2026 09:00:00 GMT"), dated("Thu, 15 Jan 2026 08:30:00 GMT"))
    for _ in range(2):
        client.head("b", "k")
    assert client.clock.offset == timedelta()


def test_a_slow_answer_does_not_move_the_clock() -> None:
    clock = ServerClock()
    sent = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    assert not clock.learn(sent + timedelta(seconds=1), sent, sent + timedelta(seconds=25))
    assert not clock.learn(sent + timedelta(seconds=24), sent, sent + timedelta(seconds=25))
    assert clock.learn(sent + timedelta(seconds=60), sent, sent + timedelta(seconds=25))


def test_a_difference_that_is_not_believed_is_told() -> None:
    client, _ = client_of(dated("Sun, 15 Jan 2023 08:30:00 GMT"))
    assert client.synchronize() == timedelta(days=-1096)
    assert client.clock.offset == timedelta()


def test_the_time_is_asked_for_without_a_signature_at_the_endpoint_itself() -> None:
    """With virtual addressing an empty bucket would make a host that does not exist."""
    client, sent = client_of(dated("Thu, 15 Jan 2026 09:00:00 GMT"))
    assert client.synchronize() == timedelta(minutes=30)
    assert client.clock.offset == timedelta(minutes=30)
    assert (str(sent[0].url), "Authorization" in sent[0].headers) == ("https://oss-cn-hangzhou.aliyuncs.com/", False)
