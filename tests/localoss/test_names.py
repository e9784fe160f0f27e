"""Names that others stumble over: each comes back as it was, or is refused; none reaches the file system."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.localoss.support import Wire, raw, refused, result
from uploads.localoss.testing import LocalServer

KEYS = [
    "..",
    "../../../../etc/passwd",
    "a/../../b",
    "./a/./b",
    "a//b",
    "a/",
    "nul\x00byte",
    "bell\x07 and \x1b[31m",
    "line\nfeed\r\nHost: evil",
    "what?uploads",
    "a%2Fb",
    "%2e%2e/%2e%2e",
    "100%",
    "a+b c",
    "#fragment",
    "a&b=c;d",
    "<Key>&amp;\"'",
    "C:\\Windows",
    "~/.ssh/authorized_keys",
    "üñ𝄞/測試/🎬.mp4",
    "e\u0301 is not \u00e9",
    "\u202egnp.exe",
    "\ufffe\uffff",
    "x" * 1023,
    "ü" * 511,
    " leading and trailing ",
    "uploads",
    "index.sqlite3",
]


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server whose root lies in a directory that is looked at afterwards."""
    around = tmp_path_factory.mktemp("around")
    with LocalServer(around / "deep" / "er" / "root") as server, Wire(server, server.bucket) as wire:
        yield wire


def check_disk(wire: Wire) -> None:
    """Only our own names, only in the root."""
    root = wire.server.root
    around = root.parent.parent.parent
    for path in (path for path in around.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        assert re.fullmatch(
            r"lock|(?:sts|callback)\.key|index\.sqlite3(-wal|-shm)?|blobs/([0-9a-f]{2})/\2[0-9a-f]{30}", name
        ), name


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_key_comes_back_as_it_was(private: Wire, key: str) -> None:
    content = key.encode()
    private.put(key, content)
    assert private.call("GET", key).content == content
    assert private.call("HEAD", key).status_code == 200
    assert private.target("GET", private.presigned("GET", key), {}).content == content
    upload = private.initiate(key)
    query = [("uploads", ""), ("encoding-type", "url"), ("prefix", key)]
    document = result(private.call("GET", query=query), "ListMultipartUploadsResult")
    assert [unquote(text.text or "") for text in document.iterfind("Upload/Key")] == [key]
    plain = result(private.call("GET", query=[("uploads", "")]), "ListMultipartUploadsResult")
    assert len(plain.findall("Upload")) == 1, "readable, whatever the key holds"
    assert private.part(key, upload, 1, b"part").status_code == 200
    done = private.complete(key, upload, b"", {"x-oss-complete-all": "yes"})
    assert done.status_code == 200
    assert private.call("GET", key).content == b"part"
    assert private.call("DELETE", key).status_code == 204
    refused(private.call("GET", key), 404, "NoSuchKey")
    check_disk(private)


@pytest.mark.parametrize("key", ["/a", "//", "\\a", "/../a", "x" * 1024, "ü" * 512], ids=ascii)
def test_name_that_oss_does_not_take(private: Wire, key: str) -> None:
    refused(private.call("PUT", key, content=b"x"), 400, "InvalidObjectName")
    refused(private.call("POST", key, [("uploads", "")]), 400, "InvalidObjectName")
    check_disk(private)


def test_bytes_that_are_no_text_are_no_name(private: Wire) -> None:
    target = private.presigned("PUT", "a").replace("/a?", "/%FF%FE?")
    refused(private.target("PUT", target, {}, b"x"), 400, "InvalidObjectName")


def test_spellings_of_one_name_are_one_object(private: Wire) -> None:
    private.put("dir/a b~", b"x")
    target = private.presigned("GET", "dir/a b~")
    for spelling in ("dir%2Fa%20b~", "dir%2fa%20b%7E", "%64ir/a%20b~"):
        answer = private.target("GET", target.replace("dir/a%20b~", spelling), {})
        assert (answer.status_code, answer.content) == (200, b"x"), spelling


def test_bucket_of_dots_is_no_directory(private: Wire) -> None:
    for target in ("/../../etc/passwd", "/%2e%2e/a", "/./a", "/%2Fetc/passwd", "/%00/a"):
        refused(private.target("GET", target, {}), 400, "InvalidBucketName")
    check_disk(private)


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:100]
    return int(found[1])


METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"])
NAMES = st.sampled_from(
    "uploads uploadId partNumber cors acl max-parts part-number-marker max-uploads key-marker upload-id-marker "
    "encoding-type prefix delimiter bucketInfo objectMeta response-expires max-keys marker x-oss-date list-type".split()
)
VALUES = st.one_of(
    st.sampled_from(["", "0", "1", "1000", "url", "a/", "-1", "9" * 30, "\x00"]),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
HEADER_NAMES = st.sampled_from(
    "content-type content-md5 x-oss-meta-a x-oss-object-acl x-oss-acl x-oss-tagging x-oss-forbid-overwrite range "
    "x-oss-storage-class x-oss-complete-all if-match if-none-match if-modified-since if-unmodified-since origin "
    "x-oss-server-side-encryption x-oss-range-behavior access-control-request-method x-oss-security-token".split()
)
HEADER_VALUES = st.one_of(
    st.sampled_from(["", "yes", "true", "bytes=0-", "bytes=-0", "*", "AES256", "a=b", "Fri, 99 Foo 0000 99:99:99 GMT"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip),
)
BODIES = st.one_of(
    st.binary(max_size=64),
    st.sampled_from(
        [
            b"<CORSConfiguration/>",
            b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>",
            b"<CreateBucketConfiguration><StorageClass/></CreateBucketConfiguration>",
        ]
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    method=METHODS,
    key=st.text(st.characters(codec="utf-8"), max_size=30),
    query=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3),
    body=BODIES,
)
def test_whatever_is_signed_is_answered(
    private: Wire, method: str, key: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    answer = private.call(method, key, query, headers, body)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    assert answer.headers["x-oss-request-id"]


PIECES = st.one_of(
    st.sampled_from([b"/", b"?", b"&", b"=", b"%", b"%2F", b"%00", b"..", b"//", b"#", b"demo-bucket", b"uploads"]),
    st.binary(max_size=4).map(lambda piece: quote(piece, safe="").encode()),
    st.binary(max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(
    method=METHODS,
    pieces=st.lists(PIECES, max_size=12),
    lines=st.lists(st.binary(max_size=30), max_size=3),
    host=st.sampled_from([b"127.0.0.1", b"demo-bucket.localhost", b"", b"[::1", b"\xff", b"a..b:x"]),
    body=st.binary(max_size=40),
)
def test_whatever_comes_over_the_wire_is_answered(
    private: Wire, method: str, pieces: list[bytes], lines: list[bytes], host: bytes, body: bytes
) -> None:
    head = [method.encode() + b" /" + b"".join(pieces) + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *lines]
    answer = raw(private.server, b"\r\n".join(head) + b"\r\n\r\n" + body, end=True)
    status = status_of(answer)
    assert status < 500 or status == 501, answer


def test_nothing_was_written_elsewhere(private: Wire) -> None:
    """After all of the above."""
    private.put("a", b"x")
    check_disk(private)


def test_log_holds_no_secrets(tmp_path: Path, capfd: Any) -> None:
    with LocalServer(tmp_path) as server, Wire(server, server.bucket) as wire:
        wire.put("a", b"x")
        refused(wire.target("GET", wire.presigned("GET", "a") + "0", {}), 403, "SignatureDoesNotMatch")
        raw(server, b"GET /secret-nonsense\r\n\r\n", end=True)
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "signature" not in printed.out
