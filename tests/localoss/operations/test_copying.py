"""CopyObject and UploadPartCopy: metadata, permissions, and that a copy does not depend on its source."""

import hashlib
import secrets

import pytest

from tests.localoss.support import SMALLEST, Wire, bytes_of, encoded, refused, result
from uploads.oss.crc64 import crc64
from uploads.oss.messages import Part, bare, build_complete


def source(wire: Wire, key: str) -> dict[str, str]:
    return {"x-oss-copy-source": f"/{wire.bucket}/{encoded(key)}"}


def test_a_copy_has_the_bytes_and_the_headers_of_its_source(wire: Wire) -> None:
    sent = {"Content-Type": "video/mp4", "Cache-Control": "no-store", "x-oss-meta-who": "ü", "x-oss-tagging": "a=1"}
    wire.put("süd/a b", b"hello", sent)
    answer = wire.call("PUT", "b", headers=source(wire, "süd/a b"))
    document = result(answer, "CopyObjectResult")
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(b"hello"))
    got = wire.call("GET", "b")
    assert got.content == b"hello"
    assert document.findtext("ETag") == got.headers["ETag"]
    kept = ("content-type", "cache-control", "x-oss-meta-who", "x-oss-tagging-count")
    assert [got.headers[name] for name in kept] == ["video/mp4", "no-store", "ü", "1"]


def test_a_copy_outlives_its_source_and_the_other_way_round(wire: Wire) -> None:
    wire.put("a", b"hello")
    wire.call("PUT", "b", headers=source(wire, "a"))
    wire.call("PUT", "c", headers=source(wire, "b"))
    for key in ("a", "c"):
        assert wire.call("DELETE", key).status_code == 204
    assert wire.call("GET", "b").content == b"hello"


def test_a_multipart_object_is_copied_whole(wire: Wire) -> None:
    contents = [bytes_of(SMALLEST, 1), b"the end"]
    upload = wire.initiate("a")
    assert wire.complete("a", upload, build_complete(wire.parts("a", upload, contents))).status_code == 200
    result(wire.call("PUT", "b", headers=source(wire, "a")), "CopyObjectResult")
    assert wire.call("GET", "b").content == b"".join(contents)
    assert wire.call("HEAD", "b").headers["ETag"] == wire.call("HEAD", "a").headers["ETag"]


def test_metadata_and_tags_are_replaced_when_asked_for(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-meta-old": "1", "x-oss-tagging": "old=1", "Content-Type": "text/plain"})
    directives = {"x-oss-metadata-directive": "REPLACE", "x-oss-tagging-directive": "Replace"}
    new = {"x-oss-meta-new": "2", "x-oss-tagging": "new=2&other=3", "x-oss-storage-class": "IA"}
    result(wire.call("PUT", "b", headers={**source(wire, "a"), **directives, **new}), "CopyObjectResult")
    head = wire.call("HEAD", "b").headers
    assert "x-oss-meta-old" not in head
    assert (head["x-oss-meta-new"], head["x-oss-tagging-count"], head["x-oss-storage-class"]) == ("2", "2", "IA")


@pytest.mark.parametrize("key", ["a", "b"])
def test_content_type_stays_when_metadata_is_replaced_without_one(wire: Wire, key: str) -> None:
    wire.put("a", b"x", {"Content-Type": "text/plain"})
    sent = {**source(wire, "a"), "x-oss-metadata-directive": "REPLACE", "x-oss-meta-new": "2"}
    result(wire.call("PUT", key, headers=sent), "CopyObjectResult")
    assert wire.call("HEAD", key).headers["Content-Type"] == "text/plain"
    result(wire.call("PUT", key, headers={**sent, "Content-Type": "text/html"}), "CopyObjectResult")
    assert wire.call("HEAD", key).headers["Content-Type"] == "text/html"


def test_an_object_copied_onto_itself_takes_the_headers_sent(wire: Wire) -> None:
    wire.put("a", b"hello", {"x-oss-meta-old": "1"})
    result(wire.call("PUT", "a", headers={**source(wire, "a"), "x-oss-meta-new": "2"}), "CopyObjectResult")
    got = wire.call("GET", "a")
    assert (got.content, got.headers["x-oss-meta-new"]) == (b"hello", "2")
    assert "x-oss-meta-old" not in got.headers


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("if-match", '"00"', 412, "PreconditionFailed"),
        ("if-unmodified-since", "Thu, 15 Jan 2015 08:30:00 GMT", 412, "PreconditionFailed"),
    ],
)
def test_conditions_on_the_source_hold(wire: Wire, name: str, value: str, status: int, code: str) -> None:
    wire.put("a", b"hello")
    sent = {**source(wire, "a"), f"x-oss-copy-source-{name}": value}
    refused(wire.call("PUT", "b", headers=sent), status, code)
    assert wire.call("HEAD", "b").status_code == 404


def test_an_unchanged_source_is_not_copied_again(wire: Wire) -> None:
    etag = wire.put("a", b"hello").headers["ETag"]
    answer = wire.call("PUT", "b", headers={**source(wire, "a"), "x-oss-copy-source-if-none-match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert wire.call("HEAD", "b").status_code == 404


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        ("bucket/key", 400, "InvalidArgument"),
        ("/", 400, "InvalidArgument"),
        ("/{bucket}/", 400, "InvalidArgument"),
        ("/{bucket}/nothing", 404, "NoSuchKey"),
        ("/no-such-bucket-here/a", 404, "NoSuchBucket"),
        ("/../etc/passwd", 400, "InvalidBucketName"),
        ("/{bucket}/a?versionId=x", 400, "InvalidArgument"),
        ("/{bucket}/%FF", 404, "NoSuchKey"),
    ],
)
def test_sources_that_cannot_be(wire: Wire, value: str, status: int, code: str) -> None:
    wire.put("a", b"x")
    refused(wire.call("PUT", "b", headers={"x-oss-copy-source": value.format(bucket=wire.bucket)}), status, code)


def test_a_copy_does_not_overwrite_when_forbidden(wire: Wire) -> None:
    wire.put("a", b"a")
    wire.put("b", b"b")
    sent = {**source(wire, "a"), "x-oss-forbid-overwrite": "true"}
    refused(wire.call("PUT", "b", headers=sent), 409, "FileAlreadyExists")
    assert wire.call("GET", "b").content == b"b"


def test_parts_are_copied_by_range(wire: Wire) -> None:
    content = secrets.token_bytes(2 * SMALLEST)
    wire.put("a", content)
    upload, done = wire.initiate("b"), []
    for number, (first, last) in enumerate([(SMALLEST, 2 * SMALLEST - 1), (0, 9)], 1):
        sent = {**source(wire, "a"), "x-oss-copy-source-range": f"bytes={first}-{last}"}
        answer = wire.part("b", upload, number, b"", sent)
        document = result(answer, "CopyPartResult")
        piece = content[first : last + 1]
        assert bare(document.findtext("ETag") or "") == hashlib.md5(piece).hexdigest().upper()
        assert answer.headers["ETag"] == document.findtext("ETag")
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
        done.append(Part(number, bare(answer.headers["ETag"])))
    assert wire.complete("b", upload, build_complete(done)).status_code == 200
    assert wire.call("GET", "b").content == content[SMALLEST:] + content[:10]


def test_a_whole_object_is_copied_as_a_part(wire: Wire) -> None:
    wire.put("a", b"hello")
    upload = wire.initiate("b")
    answer = wire.part("b", upload, 1, b"", source(wire, "a"))
    assert "Content-Range" not in answer.headers
    assert wire.complete("b", upload, build_complete([Part(1, bare(answer.headers["ETag"]))])).status_code == 200
    assert wire.call("GET", "b").content == b"hello"


def test_a_range_beyond_the_source_and_an_upload_of_nobody_are_refused(wire: Wire) -> None:
    wire.put("a", b"hello")
    upload = wire.initiate("b")
    beyond = {**source(wire, "a"), "x-oss-copy-source-range": "bytes=3-5"}
    refused(wire.part("b", upload, 1, b"", beyond), 416, "InvalidRange")
    document = refused(wire.part("b", "0" * 32, 1, b"", source(wire, "a")), 404, "NoSuchUpload")
    assert document.findtext("EC") == "0042-00000311"


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [("bytes=5-", 5, 9), ("bytes=-3", 7, 9), ("bytes=-99", 0, 9), ("bytes=0-0", 0, 0)],
    ids=["open", "suffix", "suffix beyond the whole", "one byte"],
)
def test_open_and_suffix_ranges_are_copied(wire: Wire, given: str, first: int, last: int) -> None:
    wire.put("a", b"0123456789")
    upload = wire.initiate("b")
    answer = wire.part("b", upload, 1, b"", {**source(wire, "a"), "x-oss-copy-source-range": given})
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10"
    assert wire.complete("b", upload, build_complete([Part(1, bare(answer.headers["ETag"]))])).status_code == 200
    assert wire.call("GET", "b").content == b"0123456789"[first : last + 1]


@pytest.mark.parametrize("given", ["bytes=0-1,4-5", "bytes=-", "bytes=a-b", "0-1", "chars=0-1"])
def test_whole_object_is_copied_for_a_range_that_does_not_conform(wire: Wire, given: str) -> None:
    """OSS manual, "UploadPartCopy"."""
    wire.put("a", b"0123456789")
    upload = wire.initiate("b")
    answer = wire.part("b", upload, 1, b"", {**source(wire, "a"), "x-oss-copy-source-range": given})
    assert "Content-Range" not in answer.headers
    assert bare(answer.headers["ETag"]) == hashlib.md5(b"0123456789").hexdigest().upper()


@pytest.mark.parametrize("given", ["bytes=10-", "bytes=9-10", "bytes=5-4", "bytes=-0"])
def test_range_outside_the_source_is_refused(wire: Wire, given: str) -> None:
    wire.put("a", b"0123456789")
    sent = {**source(wire, "a"), "x-oss-copy-source-range": given}
    refused(wire.part("b", wire.initiate("b"), 1, b"", sent), 416, "InvalidRange")
