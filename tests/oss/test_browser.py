"""Requests as a page sends them: what a browser would refuse is an error with its reason."""

from collections.abc import Callable

import httpx
import pytest

from uploads.oss.browser import CorsRefused, Page
from uploads.oss.errors import Denied, NotOss, Unreachable

ORIGIN = "https://app.example"
URL = "https://b.oss.example/k?x-oss-signature=s"
OF_OSS = {"x-oss-request-id": "R"}
ALLOWED = {**OF_OSS, "Access-Control-Allow-Origin": ORIGIN}
Answer = Callable[[httpx.Request], httpx.Response]


def page_of(answer: Answer, origin: str = ORIGIN) -> tuple[Page, list[httpx.Request]]:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer(request)

    return Page(origin, http=httpx.Client(transport=httpx.MockTransport(handle))), sent


def allow(request: httpx.Request) -> httpx.Response:
    headers = {**ALLOWED, "ETag": '"E"', "x-oss-hash-crc64ecma": "1", "Access-Control-Expose-Headers": "ETag"}
    return httpx.Response(200, headers=headers)


def test_a_put_is_preceded_by_one_preflight() -> None:
    page, sent = page_of(allow)
    for _ in range(2):
        page.send("UploadPart", "PUT", URL, {"Content-MD5": "m"}, b"x")
    assert [request.method for request in sent] == ["OPTIONS", "PUT", "PUT"]
    assert sent[0].headers["Access-Control-Request-Method"] == "PUT"
    assert sent[0].headers["Access-Control-Request-Headers"] == "content-md5"
    assert {request.headers["Origin"] for request in sent} == {ORIGIN}


def test_reads_and_forms_need_none() -> None:
    page, sent = page_of(allow)
    page.send("GetObject", "GET", URL, {"Range": "bytes=0-1"})
    page.send_form(URL, {"key": "k", "policy": "p"}, b"content")
    assert [request.method for request in sent] == ["GET", "POST"]
    body = sent[1].content
    assert body.index(b'name="key"') < body.index(b'name="policy"') < body.index(b'name="file"')
    assert b"content\r\n--" in body


def test_a_page_reads_the_exposed_headers_only() -> None:
    page, _ = page_of(allow)
    headers = page.send("UploadPart", "PUT", URL).headers
    assert headers["etag"] == '"E"'
    assert "x-oss-hash-crc64ecma" not in headers
    free, _ = page_of(allow, "")
    assert "x-oss-hash-crc64ecma" in free.send("UploadPart", "PUT", URL).headers


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(403 if request.method == "OPTIONS" else 200, headers=ALLOWED),
        lambda request: httpx.Response(200, headers=ALLOWED if request.method == "OPTIONS" else OF_OSS),
        lambda request: httpx.Response(200, headers={**OF_OSS, "Access-Control-Allow-Origin": "https://other.example"}),
    ],
)
def test_what_a_browser_refuses_is_told(answer: Answer) -> None:
    page, _ = page_of(answer)
    with pytest.raises(CorsRefused):
        page.send("UploadPart", "PUT", URL)


def test_a_refusal_of_oss_is_told_even_if_a_page_cannot_read_it() -> None:
    refusal = b"<Error><Code>AccessDenied</Code></Error>"
    page, _ = page_of(lambda request: httpx.Response(403, headers=OF_OSS, content=refusal))
    with pytest.raises(Denied) as caught:
        page.send("GetObject", "GET", URL)
    assert (caught.value.code, caught.value.operation) == ("AccessDenied", "GetObject")


def test_an_address_that_is_not_oss_or_not_there() -> None:
    page, _ = page_of(lambda request: httpx.Response(200, content=b"<html>"))
    with pytest.raises(NotOss):
        page.probe("https://b.oss.example/")
    everything = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    page, _ = page_of(lambda request: httpx.Response(200, headers=everything))
    with pytest.raises(NotOss):
        page.send("UploadPart", "PUT", URL, {}, b"x")

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known")

    page, _ = page_of(refuse)
    with pytest.raises(
        Unreachable, match=r"https://b\.oss\.example cannot be reached: Name or service not known"
    ) as caught:
        page.probe(URL)
    assert "signature" not in str(caught.value)
