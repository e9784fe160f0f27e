"""The OSS client: what it repeats, what it must not, and what it tells when OSS is not to be had."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
import stamina

from uploads.oss.client import ATTEMPTS, OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Busy, Malformed, NotFound, Unreachable
from uploads.oss.messages import CorsConfiguration, CorsRule, Part
from uploads.oss.signing import Credentials

Handler = Callable[[httpx.Request], httpx.Response]
BUSY = httpx.Response(503, content=b"<Error><Code>ServiceUnavailable</Code><RequestId>R</RequestId></Error>")
GONE = httpx.Response(404, content=b"<Error><Code>NoSuchUpload</Code></Error>")


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
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


def test_what_is_safe_is_repeated() -> None:
    head = httpx.Response(200, headers={"ETag": '"E"', "Content-Length": "0", "x-oss-hash-crc64ecma": "7"})
    client, sent = client_of(BUSY, httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), head)
    assert client.head("b", "k").crc64 == 7
    assert [request.method for request in sent] == ["HEAD"] * 4


def test_patience_ends_with_osss_words() -> None:
    client, sent = client_of(BUSY)
    with pytest.raises(Busy) as caught:
        client.list_parts("b", "k", "U")
    assert (len(sent), caught.value.code, caught.value.request_id) == (ATTEMPTS, "ServiceUnavailable", "R")
    assert caught.value.operation == "ListParts"


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), httpx.WriteError("cut")])
def test_a_complete_whose_answer_was_lost_is_not_repeated(lost: Exception) -> None:
    client, sent = client_of(lost)
    with pytest.raises(Unreachable) as caught:
        client.complete("b", "k", "U", [Part(1, "AB")])
    assert caught.value.sent
    assert len(sent) == 1


def test_a_preflight_without_an_answer_is_told_as_such() -> None:
    client, _ = client_of(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable):
        client.exposed_headers("b", "https://app.example")


def test_a_complete_that_never_left_is_repeated() -> None:
    done = b"<CompleteMultipartUploadResult><Location>l</Location><ETag>E-1</ETag></CompleteMultipartUploadResult>"
    client, sent = client_of(httpx.ConnectError("refused"), BUSY, httpx.Response(200, content=done))
    assert client.complete("b", "k", "U", [Part(1, "AB")]).etag == "E-1"
    assert len(sent) == 3


def test_a_refusal_is_not_repeated() -> None:
    client, sent = client_of(GONE)
    with pytest.raises(NotFound):
        client.list_parts("b", "k", "U")
    assert len(sent) == 1


def test_abort_of_what_is_gone_is_done() -> None:
    client, _ = client_of(GONE)
    client.abort("b", "k", "U")


def test_no_rules_is_no_error() -> None:
    client, _ = client_of(httpx.Response(404, content=b"<Error><Code>NoSuchCORSConfiguration</Code></Error>"))
    assert client.get_cors("b") == CorsConfiguration()


def test_a_proxys_page_is_not_an_answer() -> None:
    client, _ = client_of(httpx.Response(200, content=b"<html>Log in to the hotel</html>"))
    with pytest.raises(Malformed):
        client.initiate("b", "k")


def test_a_redirect_is_not_followed() -> None:
    client, sent = client_of(httpx.Response(302, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(Exception, match="302"):
        client.head("b", "k")
    assert len(sent) == 1


def test_the_wire_is_as_osss_manual_says() -> None:
    answer = b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
    client, (sent) = client_of(httpx.Response(200, content=answer))
    assert client.initiate("b", "视频 a+b%.mp4", {"Content-Type": "video/mp4", "x-oss-meta-title": "片"}) == "U"
    (request,) = sent
    path = "/%E8%A7%86%E9%A2%91%20a%2Bb%25.mp4?uploads"
    assert str(request.url) == f"https://b.oss-cn-hangzhou.aliyuncs.com{path}"
    assert request.headers["x-oss-date"] == "20260115T083000Z"
    assert request.headers["Authorization"].startswith("OSS4-HMAC-SHA256 Credential=id/20260115/cn-hangzhou/oss/")


@pytest.mark.parametrize(
    ("text", "addressing", "url"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", "virtual", "https://b.oss-cn-hangzhou.aliyuncs.com/a%20b/c"),
        ("http://127.0.0.1:9000/", "path", "http://127.0.0.1:9000/b/a%20b/c"),
        ("https://media.example.com", "cname", "https://media.example.com/a%20b/c"),
    ],
)
def test_addresses(text: str, addressing: str, url: str) -> None:
    assert Endpoint.parse(text, addressing).url_of("b", "a b/c") == url  # type: ignore[arg-type]


# Against the local server, for real


def test_every_call_for_real(oss: OssClient) -> None:
    bucket, key = "demo-bucket", "odd/视频 a+b%2F(1)'~.mp4"
    upload_id = oss.initiate(bucket, key, {"Content-Type": "video/mp4"})
    assert oss.list_parts(bucket, key, upload_id) == []
    oss.abort(bucket, key, upload_id)
    oss.abort(bucket, key, upload_id)
    put = oss.put_object(bucket, key, b"hello", {"Content-Type": "text/plain"})
    head = oss.head(bucket, key)
    assert (head.etag, head.crc64, head.size) == (put.etag, put.crc64, 5)
    oss.delete_object(bucket, key)
    with pytest.raises(NotFound):
        oss.head(bucket, key)
    rules = CorsConfiguration((CorsRule(("https://a.example",), ("PUT",), ("*",), ("ETag",), 60),))
    oss.put_cors(bucket, rules)
    assert oss.get_cors(bucket) == rules
