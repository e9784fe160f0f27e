"""Single objects: storing, reading in whole and by ranges, and conditions."""

import base64
import hashlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from tests.localoss.support import LARGE, LIMIT_SECONDS, Unfinished, Wire, answer_on, refused
from uploads.oss.crc64 import crc64
from uploads.oss.messages import build_complete

CONTENT = b"0123456789"


def test_object_comes_back_with_its_headers(wire: Wire) -> None:
    sent = {
        "Content-Type": "video/mp4",
        "Cache-Control": "max-age=60",
        "Content-Disposition": 'attachment; filename="a b.mp4"',
        "x-oss-meta-Owner": "Jörg",
        "x-oss-storage-class": "IA",
        "x-oss-tagging": "a=1&b=2",
    }
    answer = wire.put("film.mp4", CONTENT, sent)
    digest = hashlib.md5(CONTENT)
    assert answer.content == b""
    assert answer.headers["ETag"] == f'"{digest.hexdigest().upper()}"'
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(CONTENT))
    got, head = wire.call("GET", "film.mp4"), wire.call("HEAD", "film.mp4")
    assert (got.status_code, got.content) == (200, CONTENT)
    assert (head.status_code, head.content) == (200, b"")
    for given in (got, head):
        described = given.headers
        assert described["Content-Length"] == "10"
        assert described["Content-Type"] == "video/mp4"
        assert described["Cache-Control"] == "max-age=60"
        assert described["Content-Disposition"] == sent["Content-Disposition"]
        assert dict(described.raw)[b"x-oss-meta-owner"].decode() == "Jörg"
        assert described["x-oss-storage-class"] == "IA"
        assert described["x-oss-tagging-count"] == "2"
        assert described["x-oss-object-type"] == "Normal"
        assert described["Accept-Ranges"] == "bytes"
        assert described["ETag"] == answer.headers["ETag"]
        assert described["Content-MD5"] == base64.b64encode(digest.digest()).decode()
        assert described["x-oss-hash-crc64ecma"] == str(crc64(CONTENT))
        assert abs(datetime.now(UTC) - parsedate_to_datetime(described["Last-Modified"])) < timedelta(minutes=1)
    meta = wire.call("HEAD", "film.mp4", [("objectMeta", "")])
    assert meta.headers["Content-Length"] == "10"
    assert meta.headers["x-oss-hash-crc64ecma"] == str(crc64(CONTENT))
    assert "x-oss-storage-class" not in meta.headers


def test_type_defaults_and_encoded_body_stays_as_sent(wire: Wire) -> None:
    wire.put("a", b"not really gzip", {"Content-Encoding": "gzip"})
    with wire.http.stream("GET", wire.server.url, extensions={"target": wire.presigned("GET", "a").encode()}) as answer:
        assert b"".join(answer.iter_raw()) == b"not really gzip"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "application/octet-stream"


def test_empty_object(wire: Wire) -> None:
    wire.put("a", b"")
    answer = wire.call("GET", "a")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
    assert answer.headers["x-oss-hash-crc64ecma"] == "0"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-oss-meta-a": "x" * 5000, "x-oss-meta-b": "x" * 3191}, "InvalidArgument"),
        ({"x-oss-storage-class": "Glass"}, "InvalidArgument"),
        ({"x-oss-tagging": "a=1&a=2"}, "InvalidArgument"),
        ({"x-oss-tagging": "&".join(f"k{number}=v" for number in range(11))}, "InvalidArgument"),
        ({"x-oss-tagging": f"a={'x' * 257}"}, "InvalidTag"),
        ({"x-oss-tagging": f"{'x' * 129}=a"}, "InvalidTag"),
        ({"x-oss-forbid-overwrite": "perhaps"}, "InvalidArgument"),
        ({"x-oss-server-side-encryption": "ROT13"}, "InvalidEncryptionAlgorithmError"),
        ({"x-oss-server-side-encryption": "AES256", "x-oss-server-side-encryption-key-id": "k"}, "InvalidArgument"),
    ],
    ids=["metadata", "class", "tag twice", "tags", "tag's value", "tag's name", "overwrite", "encryption", "key id"],
)
def test_header_that_oss_refuses(wire: Wire, headers: dict[str, str], code: str) -> None:
    refused(wire.call("PUT", "a", headers=headers, content=b"x"), 400, code)
    refused(wire.call("POST", "a", [("uploads", "")], headers), 400, code)
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")
    wire.put("a", b"x", {"x-oss-meta-a": "x" * 5000, "x-oss-meta-b": "x" * 3190})


def test_object_acl_must_be_one(wire: Wire) -> None:
    refused(wire.call("PUT", "a", headers={"x-oss-object-acl": "mine"}, content=b"x"), 400, "InvalidArgument")


def test_overwrite_replaces_unless_forbidden(wire: Wire) -> None:
    wire.put("a", b"one", {"x-oss-meta-a": "1"})
    forbid = {"x-oss-forbid-overwrite": "true"}
    refused(wire.call("PUT", "a", headers=forbid, content=b"two"), 409, "FileAlreadyExists")
    assert wire.call("GET", "a").content == b"one"
    wire.put("a", b"three")
    answer = wire.call("GET", "a")
    assert answer.content == b"three"
    assert "x-oss-meta-a" not in answer.headers
    wire.put("b", b"new", forbid)


def test_deleted_object_is_gone_and_may_be_deleted_again(wire: Wire) -> None:
    wire.put("a", CONTENT)
    assert [wire.call("DELETE", "a").status_code for _ in range(2)] == [204, 204]
    document = refused(wire.call("GET", "a"), 404, "NoSuchKey")
    assert document.findtext("Key") == "a"
    assert document.findtext("EC") == "0026-00000001"


@pytest.mark.parametrize(
    ("wanted", "expected", "shown"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-5", b"2345", "bytes 2-5/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-9", CONTENT, "bytes 0-9/10"),
    ],
)
def test_range_within_the_object(wire: Wire, wanted: str, expected: bytes, shown: str) -> None:
    wire.put("a", CONTENT)
    answer = wire.call("GET", "a", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["Content-Range"] == shown
    assert answer.headers["Content-Length"] == str(len(expected))
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(CONTENT)), "always that of the whole"


@pytest.mark.parametrize("wanted", ["bytes=10-12", "bytes=5-10", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2"])
def test_range_outside_the_object_is_ignored(wire: Wire, wanted: str) -> None:
    wire.put("a", CONTENT)
    answer = wire.call("GET", "a", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_standard_range_behaviour_is_opt_in(wire: Wire) -> None:
    wire.put("a", CONTENT)
    standard = {"x-oss-range-behavior": "standard"}
    refused(wire.call("GET", "a", headers={"Range": "bytes=10-12", **standard}), 416, "InvalidRange")
    answer = wire.call("GET", "a", headers={"Range": "bytes=8-20", **standard})
    assert (answer.status_code, answer.content) == (206, b"89")


def test_conditions(wire: Wire) -> None:
    etag = wire.put("a", CONTENT).headers["ETag"]
    other, past, future = '"0"', datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    yesterday, tomorrow = format_datetime(past, usegmt=True), format_datetime(future, usegmt=True)
    expected = [
        ({"If-Match": etag}, 200),
        ({"If-Match": other}, 412),
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": other}, 200),
        ({"If-Modified-Since": yesterday}, 200),
        ({"If-Modified-Since": tomorrow}, 304),
        ({"If-Unmodified-Since": yesterday}, 412),
        ({"If-Unmodified-Since": tomorrow}, 200),
        ({"If-Modified-Since": "no date"}, 200),
    ]
    for headers, status in expected:
        for method in ("GET", "HEAD"):
            answer = wire.call(method, "a", headers=headers)
            assert answer.status_code == status, (method, headers)
            if status == 304:
                assert answer.content == b""
                assert answer.headers["ETag"] == etag
    document = refused(wire.call("GET", "a", headers={"If-Match": other}), 412, "PreconditionFailed")
    assert document.findtext("EC") == "0017-00001001"


def test_url_may_override_headers_of_the_answer(wire: Wire) -> None:
    wire.put("a", CONTENT)
    wanted = [("response-content-disposition", "attachment"), ("response-content-type", "text/x-own")]
    answer = wire.target("GET", wire.presigned("GET", "a", wanted), {})
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Content-Type"] == "text/x-own"
    smuggled = [("response-content-type", "a\r\nx-own: b")]
    refused(wire.target("GET", wire.presigned("GET", "a", smuggled), {}), 400, "InvalidArgument")


def test_content_md5_protects_objects_and_parts(wire: Wire) -> None:
    right = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    upload = wire.initiate("part")
    for value in (wrong, "not base64!", right[:-4]):
        refused(wire.call("PUT", "a", headers={"Content-MD5": value}, content=CONTENT), 400, "InvalidDigest")
        refused(wire.part("part", upload, 1, CONTENT, {"Content-MD5": value}), 400, "InvalidDigest")
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")
    listed = wire.call("GET", "part", [("uploadId", upload)])
    assert b"<Part>" not in listed.content
    wire.put("a", CONTENT, {"Content-MD5": right})
    assert wire.part("part", upload, 1, CONTENT, {"Content-MD5": right}).status_code == 200


def test_chunked_body_is_taken(wire: Wire) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"one, "
        yield b"two"

    assert wire.call("PUT", "a", content=chunks()).status_code == 200
    assert wire.call("GET", "a").content == b"one, two"
    upload = wire.initiate("b")
    query = [("partNumber", "1"), ("uploadId", upload)]
    assert wire.call("PUT", "b", query, content=chunks()).headers["ETag"] == wire.call("HEAD", "a").headers["ETag"]


def test_body_without_a_length_is_refused(wire: Wire) -> None:
    head = f"PUT {wire.presigned('PUT', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = spoken(wire, head.encode())
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"<Code>MissingContentLength</Code>" in answer


def test_body_too_long_is_refused_before_it_is_sent(wire: Wire) -> None:
    length = 5 * 1024**3 + 1
    head = f"PUT {wire.presigned('PUT', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n"
    answer = spoken(wire, head.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge</Code>" in answer


@pytest.mark.parametrize("of", ["object", "part"])
def test_half_a_body_leaves_nothing(wire: Wire, of: str) -> None:
    upload = wire.initiate("a")
    query = [("partNumber", "1"), ("uploadId", upload)] if of == "part" else []
    target = wire.presigned("PUT", "a", query)
    sent = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nonly this much"
    answer = spoken(wire, sent.encode(), end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>IncompleteBody</Code>" in answer
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")
    assert b"<Part>" not in wire.call("GET", "a", [("uploadId", upload)]).content


def spoken(wire: Wire, sent: bytes, *, end: bool = False) -> bytes:
    """The first answer to these bytes."""
    with socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while b"</Error>" not in received and (chunk := connection.recv(65536)):
            received += chunk
    return received


def test_refused_upload_is_heard_though_its_body_is_long(wire: Wire) -> None:
    """An early answer and a closed connection would be a network failure to a browser, not our 403."""
    wire.put("b", CONTENT)
    with Unfinished(wire, "a", headers={"x-oss-object-acl": "nonsense"}) as upload:
        answer = upload.finish()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"<ArgumentName>x-oss-object-acl</ArgumentName>" in answer
        again = f"GET {wire.presigned('GET', 'b')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        upload.connection.sendall(again.encode())
        assert answer_on(upload.connection).endswith(CONTENT), "the connection lives on"


def test_object_put_meanwhile_is_not_overwritten(wire: Wire) -> None:
    with Unfinished(wire, "a", headers={"x-oss-forbid-overwrite": "true"}) as late:
        with Wire(wire.server, wire.bucket) as other:
            other.put("a", b"first")
        assert b"<Code>FileAlreadyExists</Code>" in late.finish()
    assert wire.call("GET", "a").content == b"first"


@pytest.mark.parametrize("how", ["delete", "overwrite"])
def test_object_being_read_stays_until_it_is_read(wire: Wire, how: str) -> None:
    """The first part fills every buffer on the way, so the second is opened only after the object is gone."""
    upload = wire.initiate("a")
    first, second = bytes(LARGE // 2), b"the end"
    wire.complete("a", upload, build_complete(wire.parts("a", upload, [first, second])))
    with wire.http.stream("GET", wire.server.url, extensions={"target": wire.presigned("GET", "a").encode()}) as answer:
        pieces = answer.iter_raw(65536)
        size = len(next(pieces))
        with Wire(wire.server, wire.bucket) as other:
            if how == "delete":
                assert other.call("DELETE", "a").status_code == 204
                refused(other.call("GET", "a"), 404, "NoSuchKey")
            else:
                other.put("a", b"new")
                assert other.call("GET", "a").content == b"new"
        last = b""
        for piece in pieces:
            size, last = size + len(piece), (last + piece)[-len(second) :]
    assert (size, last) == (len(first) + len(second), second)


def test_what_is_not_built_says_so_and_changes_nothing(wire: Wire) -> None:
    wire.put("a", CONTENT)
    refused(wire.call("PUT", "a", [("symlink", "")], content=b"x"), 501, "NotImplemented")
    refused(wire.call("POST", "a", [("x-oss-process", "")]), 501, "NotImplemented")
    assert wire.call("GET", "a").content == CONTENT
