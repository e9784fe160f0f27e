"""Buckets and keys in host names and paths. No name reaches the file system."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.localoss.support import Wire, check_disk, refused, result
from tests.stack import client_for
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


def test_spellings_of_dot_segments_are_one_object(private: Wire) -> None:
    """The client encodes the dots, because HTTP libraries drop such segments. The signature is that of the key."""
    target = private.presigned("PUT", "a/../b")
    assert private.target("PUT", target, {}, b"x").status_code == 200
    target = private.presigned("GET", "a/../b")
    for spelling in ("a/../b", "a/%2E%2E/b", "a/.%2e/b"):
        answer = private.target("GET", target.replace("a/../b", spelling), {})
        assert (answer.status_code, answer.content) == (200, b"x"), spelling
    with client_for(private.server) as oss:
        assert oss.head(private.bucket, "a/../b").size == 1
        oss.delete_object(private.bucket, "a/../b")
        assert private.target("GET", target, {}).status_code == 404


def test_bucket_of_dots_is_no_directory(private: Wire) -> None:
    for target in ("/../../etc/passwd", "/%2e%2e/a", "/./a", "/%2Fetc/passwd", "/%00/a"):
        refused(private.target("GET", target, {}), 400, "InvalidBucketName")
    check_disk(private)


@pytest.mark.parametrize("domain", ["oss.test", "oss.localhost"])
def test_buckets_have_host_names(domain: str, tmp_path: Path) -> None:
    with LocalServer(tmp_path, ["--base-domain", domain, "--bucket", "demo-bucket"]) as server:
        wire = Wire(server, "demo-bucket")
        with wire:
            wire.put("a/b", b"x")
            target = wire.presigned("GET", "a/b").removeprefix("/demo-bucket")
            for host in (f"demo-bucket.{domain}", f"DEMO-bucket.{domain}:9000", "demo-bucket.localhost:1"):
                answer = wire.target("GET", target, {"Host": host})
                assert (answer.status_code, answer.content) == (200, b"x"), answer.text
            direct = wire.target("GET", wire.presigned("GET", "a/b"), {"Host": domain})
            assert direct.content == b"x"
