"""What the server does before an operation runs: long request lines, bodies that do not come, malformed requests."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.localoss.support import LIMIT_SECONDS, SMALLEST, Wire, answer_on, bytes_of, raw, refused
from uploads.localoss.request import MAX_FIELD_BYTES
from uploads.localoss.worker import IN_A_ROW
from uploads.oss import signing
from uploads.oss.cors import CorsConfiguration, CorsRule, build_cors
from uploads.oss.signing import OssRequest

ORIGIN = "https://page.example"
MUCH = 8 << 20


@pytest.fixture
def open_to_pages(wire: Wire) -> Wire:
    rules = CorsConfiguration((CorsRule((ORIGIN,), ("GET", "PUT", "POST"), ("*",), ("ETag",)),))
    assert wire.call("PUT", "", [("cors", "")], content=build_cors(rules)).status_code == 200
    return wire


@contextmanager
def connected(wire: Wire) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS) as connection:
        yield connection


def head(method: str, target: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


# Long request lines


def test_long_key_with_callback_in_the_query_is_accepted(wire: Wire) -> None:
    key = "视" * 341
    asked = base64.b64encode(json.dumps({"callbackUrl": "http://127.0.0.1:1/", "callbackBody": "b" * 3000}).encode())
    variables = base64.b64encode(json.dumps({"x:a": "v" * 3000}).encode())
    query = [("callback", asked.decode()), ("callback-var", variables.decode())]
    target = wire.presigned("PUT", key, query)
    assert 8192 < len(target) < MAX_FIELD_BYTES
    # 203: the object is stored, and no application is there to call.
    refused(wire.target("PUT", target, {}, b"x"), 203, "CallbackFailed")
    assert wire.call("GET", key).content == b"x"


def test_request_line_has_a_limit_of_16_kib(open_to_pages: Wire) -> None:
    line = f"PUT /{open_to_pages.bucket}/ HTTP/1.1"
    for spare, code in ((0, b"InvalidObjectName"), (-1, b"InvalidRequest")):
        target = f"/{open_to_pages.bucket}/{'k' * (MAX_FIELD_BYTES - len(line) - spare)}"
        with connected(open_to_pages) as connection:
            connection.sendall(head("PUT", target, f"Origin: {ORIGIN}", "Content-Length: 0"))
            answer = answer_on(connection)
        expected = b"AccessDenied" if code == b"InvalidObjectName" else code
        assert b"<Code>" + expected + b"</Code>" in answer
        assert f"Access-Control-Allow-Origin: {ORIGIN}".encode() in answer


# Refusals of the HTTP layer


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["Host: 127.0.0.1", "Content-Length: x"], b"InvalidRequest"),
        (["Host: 127.0.0.1", "Host: 127.0.0.1"], b"InvalidRequest"),
        ([], b"InvalidRequest"),
        (["Host: 127.0.0.1", "Authorization: OSS a:b", "Authorization: OSS c:d"], b"InvalidArgument"),
        (["Host: 127.0.0.1", "x-oss-meta-a: " + "y" * (MAX_FIELD_BYTES + 1)], b"InvalidRequest"),
    ],
    ids=["length", "two hosts", "no host", "two authorizations", "long header"],
)
def test_page_can_read_why_a_request_is_malformed(open_to_pages: Wire, lines: list[str], code: bytes) -> None:
    sent = "\r\n".join([f"PUT /{open_to_pages.bucket}/a HTTP/1.1", f"Origin: {ORIGIN}", *lines, "", ""])
    answer = raw(open_to_pages.server, sent.encode(), end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>" + code + b"</Code>" in answer
    assert f"\r\nAccess-Control-Allow-Origin: {ORIGIN}\r\n".encode() in answer
    assert b"\r\nAccess-Control-Expose-Headers: ETag\r\n" in answer
    assert b"\r\nx-oss-request-id: " in answer


def test_page_of_another_origin_cannot_read_it(open_to_pages: Wire) -> None:
    sent = f"PUT /{open_to_pages.bucket}/a HTTP/1.1\r\nOrigin: https://other.example\r\n\r\n"
    assert b"Access-Control" not in raw(open_to_pages.server, sent.encode(), end=True)


# Bodies


def test_refusal_does_not_wait_for_the_body(wire: Wire) -> None:
    started = time.monotonic()
    with connected(wire) as connection:
        connection.sendall(head("PUT", wire.presigned("PUT", "a") + "0", f"Content-Length: {MUCH}"))
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer_on(connection)
    with connected(wire) as connection:
        connection.sendall(head("GET", wire.presigned("GET", "a"), f"Content-Length: {MUCH}"))
        assert b"<Code>NoSuchKey</Code>" in answer_on(connection)
    assert time.monotonic() - started < LIMIT_SECONDS / 3


def test_connection_is_kept_when_the_refused_body_comes(wire: Wire) -> None:
    with connected(wire) as connection:
        connection.sendall(head("PUT", wire.presigned("PUT", "a") + "0", f"Content-Length: {MUCH}"))
        assert b"\r\nConnection: keep-alive\r\n" in answer_on(connection)
        connection.sendall(bytes(MUCH) + head("PUT", wire.presigned("PUT", "a"), "Content-Length: 1") + b"x")
        assert answer_on(connection).startswith(b"HTTP/1.1 200 ")
    assert wire.call("GET", "a").content == b"x"


def test_one_connection_has_any_number_of_requests(wire: Wire) -> None:
    target = wire.presigned("PUT", "a")
    with connected(wire) as connection:
        for number in range(IN_A_ROW * 2 + 1):
            connection.sendall(head("PUT", target, "Content-Length: 2") + b"%02d" % number)
            assert answer_on(connection).startswith(b"HTTP/1.1 200 ")
    assert wire.call("GET", "a").content == b"%02d" % number


def test_body_is_not_asked_for_when_the_request_is_refused(wire: Wire) -> None:
    with connected(wire) as connection:
        target = wire.presigned("PUT", "a") + "0"
        connection.sendall(head("PUT", target, f"Content-Length: {MUCH}", "Expect: 100-continue"))
        answer = answer_on(connection)
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert connection.recv(1) == b""


def test_chunked_body_may_have_a_content_length(wire: Wire) -> None:
    request = OssRequest("PUT", wire.bucket, "a", [], {"content-length": "99"}, ("content-length",))
    signed = [f"{name}: {value}" for name, value in signing.authorization(wire.context(), request).items()]
    with connected(wire) as connection:
        sent = head("PUT", f"/{wire.bucket}/a", "Transfer-Encoding: chunked", *signed)
        connection.sendall(sent + b"5\r\nhello\r\n0\r\n\r\n")
        answer = answer_on(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert connection.recv(1) == b""
    assert wire.call("GET", "a").content == b"hello"


def test_requests_sent_at_once_are_told_apart(wire: Wire) -> None:
    """What is received with a request's head is its body, and what follows is the next request."""
    contents = [b"", b"x", bytes_of(5000, 2), bytes_of(SMALLEST * 5, 3)]
    sent = b"".join(
        head("PUT", wire.presigned("PUT", f"n{number}"), f"Content-Length: {len(content)}") + content
        for number, content in enumerate(contents)
    )
    with connected(wire) as connection:
        connection.sendall(sent)
        received = b""
        while received.count(b"HTTP/1.1 200 ") < len(contents) and (chunk := connection.recv(65536)):
            received += chunk
    assert [wire.call("GET", f"n{number}").content for number in range(len(contents))] == contents


def test_part_number_without_upload_id_does_not_overwrite(wire: Wire) -> None:
    wire.put("a", b"kept")
    answer = wire.call("PUT", "a", [("partNumber", "1")], content=b"part")
    document = refused(answer, 400, "InvalidArgument")
    assert document.findtext("EC") == "0017-00000219"
    assert document.findtext("ArgumentValue") == "partNumber"
    assert wire.call("GET", "a").content == b"kept"
