"""Multipart uploads: limits, order of parts, errors."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.localoss.support import SMALLEST, Unfinished, Wire, bytes_of, refused, result
from uploads.oss.crc64 import crc64
from uploads.oss.messages import Part, bare, build_complete, multipart_etag

KEY = "raw/film ä+b.mov"


def test_object_is_made_of_its_parts(wire: Wire) -> None:
    upload = wire.initiate(KEY, {"Content-Type": "video/quicktime", "x-oss-meta-owner": "Ann"})
    contents = [bytes_of(SMALLEST, 1), bytes_of(SMALLEST + 5, 2), b"end"]
    parts = wire.parts(KEY, upload, contents)
    answer = wire.complete(KEY, upload, build_complete(parts))
    document = result(answer, "CompleteMultipartUploadResult")
    etag = f'"{multipart_etag(part.etag for part in parts)}"'
    whole = b"".join(contents)
    assert (document.findtext("ETag"), answer.headers["ETag"]) == (etag, etag)
    assert document.findtext("Key") == KEY
    assert document.findtext("Bucket") == wire.bucket
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(whole))
    got = wire.call("GET", KEY)
    assert got.content == whole
    assert got.headers["Content-Type"] == "video/quicktime"
    assert got.headers["x-oss-meta-owner"] == "Ann"
    assert got.headers["x-oss-object-type"] == "Multipart"
    assert got.headers["x-oss-hash-crc64ecma"] == str(crc64(whole))
    assert (document.findtext("Location") or "").startswith(f"{wire.server.url}/{wire.bucket}/raw/")


def test_range_runs_across_parts(wire: Wire) -> None:
    upload = wire.initiate("a")
    contents = [bytes_of(SMALLEST, 1), bytes_of(SMALLEST, 2), bytes_of(10, 3)]
    wire.complete("a", upload, build_complete(wire.parts("a", upload, contents)))
    whole = b"".join(contents)
    answer = wire.call("GET", "a", headers={"Range": f"bytes={SMALLEST - 3}-{2 * SMALLEST + 2}"})
    assert answer.status_code == 206
    assert answer.content == whole[SMALLEST - 3 : 2 * SMALLEST + 3]
    assert answer.headers["Content-Range"] == f"bytes {SMALLEST - 3}-{2 * SMALLEST + 2}/{len(whole)}"


def test_part_answers_what_arrived(wire: Wire) -> None:
    content = bytes_of(1000, 9)
    answer = wire.part("a", wire.initiate("a"), 1, content)
    digest = hashlib.md5(content)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["ETag"] == f'"{digest.hexdigest().upper()}"'
    assert answer.headers["Content-MD5"] == base64.b64encode(digest.digest()).decode()
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(content))


@pytest.mark.parametrize("number", ["0", "10001", "abc", "", "-1", "1.5", "99999999999999999999", "١"])
def test_part_number_out_of_range_is_refused(wire: Wire, number: str) -> None:
    document = refused(wire.part("a", wire.initiate("a"), number, b"x"), 400, "InvalidArgument")
    # OSS's pages "0017-00000219" and "0017-00000220".
    expected = ("PartNumber", number, "0017-00000220") if number else ("ResourceType", "partNumber", "0017-00000219")
    assert tuple(map(document.findtext, ("ArgumentName", "ArgumentValue", "EC"))) == expected
    message = "Part number must be an integer between 1 and 10000, inclusive."
    assert document.findtext("Message") == (message if number else "Unexpected query string parameter")


def test_first_and_last_part_number_make_an_object(wire: Wire) -> None:
    upload = wire.initiate("a")
    first, last = wire.part("a", upload, 1, bytes_of(SMALLEST, 1)), wire.part("a", upload, 10_000, b"end")
    assert (first.status_code, last.status_code) == (200, 200)
    body = build_complete([Part(1, first.headers["ETag"].strip('"')), Part(10_000, last.headers["ETag"].strip('"'))])
    assert wire.complete("a", upload, body).status_code == 200
    assert wire.call("GET", "a").content == bytes_of(SMALLEST, 1) + b"end"


def test_same_number_again_replaces_the_part(wire: Wire) -> None:
    upload = wire.initiate("a")
    [old] = wire.parts("a", upload, [b"old"])
    [new] = wire.parts("a", upload, [b"new"])
    refused(wire.complete("a", upload, build_complete([old])), 400, "InvalidPart")
    assert wire.complete("a", upload, build_complete([new])).status_code == 200
    assert wire.call("GET", "a").content == b"new"


def test_two_uploads_of_one_key_are_independent(wire: Wire) -> None:
    one, two = wire.initiate("a"), wire.initiate("a")
    first, second = wire.parts("a", one, [b"one"]), wire.parts("a", two, [b"two"])
    assert one != two
    assert wire.complete("a", one, build_complete(first)).status_code == 200
    assert wire.call("GET", "a").content == b"one"
    assert wire.complete("a", two, build_complete(second)).status_code == 200
    assert wire.call("GET", "a").content == b"two"


def test_small_part_before_the_last_is_refused_at_complete_alone(wire: Wire) -> None:
    upload = wire.initiate("a")
    parts = wire.parts("a", upload, [bytes_of(SMALLEST, 1), bytes_of(SMALLEST - 1, 2), b"end"])
    document = refused(wire.complete("a", upload, build_complete(parts)), 400, "EntityTooSmall")
    given = [document.findtext(name) for name in ("MinSizeAllowed", "ProposedSize", "PartNumber", "ETag", "EC")]
    assert given == ["102400", "102399", "2", f'"{parts[1].etag}"', "0042-00000213"]
    # Nothing has happened: the part can be replaced, and the upload completed.
    answer = wire.part("a", upload, 2, bytes_of(SMALLEST, 2))
    parts[1] = Part(2, answer.headers["ETag"].strip('"'))
    assert wire.complete("a", upload, build_complete(parts)).status_code == 200


def test_parts_not_listed_are_dropped(wire: Wire) -> None:
    upload = wire.initiate("a")
    parts = wire.parts("a", upload, [bytes_of(SMALLEST, 1), b"small", b"end"])
    assert wire.complete("a", upload, build_complete([parts[0], parts[2]])).status_code == 200
    assert wire.call("GET", "a").content == bytes_of(SMALLEST, 1) + b"end"


def test_order_and_duplicates_are_refused(wire: Wire) -> None:
    upload = wire.initiate("a")
    one, two = wire.parts("a", upload, [bytes_of(SMALLEST, 1), bytes_of(SMALLEST, 2)])
    for listed in ([two, one], [one, one], [one, two, two]):
        document = refused(wire.complete("a", upload, build_complete(listed)), 400, "InvalidPartOrder")
        assert document.findtext("EC") == "0042-00000209"
    assert wire.complete("a", upload, build_complete([one, two])).status_code == 200


def test_wrong_etag_and_missing_part_are_refused(wire: Wire) -> None:
    upload = wire.initiate("a")
    [part] = wire.parts("a", upload, [b"x"])
    refused(wire.complete("a", upload, build_complete([Part(1, "0" * 32)])), 400, "InvalidPart")
    refused(wire.complete("a", upload, build_complete([part, Part(2, part.etag)])), 400, "InvalidPart")
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


@pytest.mark.parametrize("quote", ['"', "", "&#34;", "&quot;"])
def test_etag_is_taken_with_and_without_quotes(wire: Wire, quote: str) -> None:
    upload = wire.initiate("a")
    [part] = wire.parts("a", upload, [b"x"])
    body = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{quote}{part.etag.lower()}{quote}</ETag></Part></CompleteMultipartUpload>"
    )
    assert wire.complete("a", upload, body.encode()).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<CompleteMultipartUpload></CompleteMultipartUpload>",
        b"<Other><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></Other>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>',
        b'<?xml version="1.0" encoding="no-such"?><CompleteMultipartUpload/>',
        b'<?xml version="1.0" encoding="big5"?><CompleteMultipartUpload/>',
        b"<a>" * 1000,
    ],
)
def test_unreadable_list_is_malformed(wire: Wire, body: bytes) -> None:
    upload = wire.initiate("a")
    wire.parts("a", upload, [b"x"])
    document = refused(wire.complete("a", upload, body), 400, "MalformedXML")
    assert document.findtext("EC") == "0042-00000205"


def test_an_empty_list_makes_an_empty_object_of_an_upload_without_parts(wire: Wire) -> None:
    empty = b"<CompleteMultipartUpload></CompleteMultipartUpload>"
    assert wire.complete("a", wire.initiate("a"), empty).status_code == 200
    assert wire.call("HEAD", "a").headers["Content-Length"] == "0"
    upload = wire.initiate("b")
    wire.parts("b", upload, [b"x"])
    refused(wire.complete("b", upload, empty), 400, "MalformedXML")
    assert wire.call("HEAD", "b").status_code == 404


def test_unknown_upload_and_that_of_another_key_do_not_exist(wire: Wire) -> None:
    upload = wire.initiate("a")
    [part] = wire.parts("a", upload, [b"x"])
    for key, identifier in (("a", "0" * 32), ("b", upload), ("a", upload.lower())):
        query = [("uploadId", identifier)]
        document = refused(wire.part(key, identifier, 2, b"y"), 404, "NoSuchUpload")
        assert document.findtext("EC") == "0042-00000104"
        assert document.findtext("UploadId") == identifier
        refused(wire.complete(key, identifier, build_complete([part])), 404, "NoSuchUpload")
        refused(wire.call("GET", key, query), 404, "NoSuchUpload")
        document = refused(wire.call("DELETE", key, query), 404, "NoSuchUpload")
        assert document.findtext("EC") == "0042-00000002"
    assert wire.complete("a", upload, build_complete([part])).status_code == 200


def test_completed_upload_no_longer_exists(wire: Wire) -> None:
    upload = wire.initiate("a")
    parts = wire.parts("a", upload, [b"x"])
    body = build_complete(parts)
    assert wire.complete("a", upload, body).status_code == 200
    refused(wire.complete("a", upload, body), 404, "NoSuchUpload")
    refused(wire.part("a", upload, 1, b"y"), 404, "NoSuchUpload")
    refused(wire.call("GET", "a", [("uploadId", upload)]), 404, "NoSuchUpload")
    assert wire.call("GET", "a").content == b"x"


def test_completing_twice_at_once_succeeds_once(wire: Wire) -> None:
    upload = wire.initiate("a")
    body = build_complete(wire.parts("a", upload, [bytes_of(SMALLEST, 1), b"x"]))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: wire.complete("a", upload, body).status_code, range(4)))
    assert sorted(answers) == [200, 404, 404, 404]


def test_aborted_upload_no_longer_exists(wire: Wire) -> None:
    upload = wire.initiate("a")
    wire.parts("a", upload, [b"x"])
    query = [("uploadId", upload)]
    answer = wire.call("DELETE", "a", query)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(wire.call("DELETE", "a", query), 404, "NoSuchUpload")
    refused(wire.part("a", upload, 1, b"y"), 404, "NoSuchUpload")
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


def test_part_in_flight_when_its_upload_is_aborted_is_refused(wire: Wire) -> None:
    upload = wire.initiate("a")
    with Unfinished(wire, "a", [("partNumber", "1"), ("uploadId", upload)]) as part:
        with Wire(wire.server, wire.bucket) as other:
            assert other.call("DELETE", "a", [("uploadId", upload)]).status_code == 204
        answer = part.finish()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"<Code>NoSuchUpload</Code>" in answer


def test_complete_all_takes_every_part_in_order(wire: Wire) -> None:
    upload = wire.initiate("a")
    for number, content in ((7, b"end"), (2, bytes_of(SMALLEST, 2)), (5, bytes_of(SMALLEST, 5))):
        assert wire.part("a", upload, number, content).status_code == 200
    everything = {"x-oss-complete-all": "yes"}
    both = refused(wire.complete("a", upload, build_complete([Part(7, "0" * 32)]), everything), 400, "InvalidArgument")
    assert both.findtext("EC") == "0042-00000216"
    refused(wire.complete("a", upload, b"", {"x-oss-complete-all": "maybe"}), 400, "InvalidArgument")
    result(wire.complete("a", upload, b"", everything), "CompleteMultipartUploadResult")
    assert wire.call("GET", "a").content == bytes_of(SMALLEST, 2) + bytes_of(SMALLEST, 5) + b"end"


def test_forbid_overwrite_protects_at_initiate_and_at_complete(wire: Wire) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    upload = wire.initiate("a", forbid)
    body = build_complete(wire.parts("a", upload, [b"late"]))
    wire.put("a", b"first")
    refused(wire.call("POST", "a", [("uploads", "")], forbid), 409, "FileAlreadyExists")
    refused(wire.complete("a", upload, body, forbid), 409, "FileAlreadyExists")
    assert wire.call("GET", "a").content == b"first"
    # The upload stays open, and without the header it replaces.
    assert wire.complete("a", upload, body).status_code == 200
    assert wire.call("GET", "a").content == b"late"


def test_headers_of_initiate_are_checked_and_those_of_parts_ignored(wire: Wire) -> None:
    refused(wire.call("POST", "a", [("uploads", "")], {"x-oss-storage-class": "Glass"}), 400, "InvalidArgument")
    encryption = {"x-oss-server-side-encryption": "ROT13"}
    refused(wire.call("POST", "a", [("uploads", "")], encryption), 400, "InvalidEncryptionAlgorithmError")
    upload = wire.initiate("a")
    copied = {"x-oss-meta-owner": "Ann", "x-oss-tagging": "a=b", "x-oss-forbid-overwrite": "true"}
    assert wire.part("a", upload, 1, b"x", copied).status_code == 200
    refused(wire.part("a", upload, 1, b"x", {"x-oss-server-side-encryption": "AES256"}), 400, "InvalidArgument")


def test_bucket_with_open_uploads_is_not_deleted(wire: Wire) -> None:
    upload = wire.initiate("a")
    refused(wire.call("DELETE"), 409, "BucketNotEmpty")
    assert wire.call("DELETE", "a", [("uploadId", upload)]).status_code == 204
    assert wire.call("DELETE").status_code == 204
    refused(wire.call("GET", query=[("uploads", "")]), 404, "NoSuchBucket")


def test_parts_of_a_sequential_upload_come_in_their_order(wire: Wire) -> None:
    query = [("uploads", ""), ("sequential", "")]
    upload = result(wire.call("POST", "a", query), "InitiateMultipartUploadResult").findtext("UploadId") or ""
    refused(wire.part("a", upload, 2, b"two"), 400, "PartNotSequential")
    first = bytes_of(SMALLEST, 1)
    assert wire.part("a", upload, 1, first).status_code == 200
    assert wire.part("a", upload, 1, first).status_code == 200, "its answer may have been lost"
    refused(wire.part("a", upload, 3, b"three"), 400, "PartNotSequential")
    done = [Part(1, bare(wire.part("a", upload, 1, first).headers["ETag"]))]
    done.append(Part(2, bare(wire.part("a", upload, 2, b"the end").headers["ETag"])))
    assert wire.complete("a", upload, build_complete(done)).status_code == 200
    assert wire.call("GET", "a").content == first + b"the end"


@pytest.mark.parametrize("name", ["x-oss-server-side-encryption", "x-oss-storage-class"])
def test_what_belongs_to_the_object_is_refused_after_initiate(wire: Wire, name: str) -> None:
    sent = {name: "AES256" if "encryption" in name else "IA"}
    upload = wire.initiate("a", sent)
    assert refused(wire.part("a", upload, 1, b"x", sent), 400, "InvalidArgument").findtext("ArgumentName") == name
    done = wire.parts("a", upload, [b"x"])
    refused(wire.complete("a", upload, build_complete(done), sent), 400, "InvalidArgument")
    assert wire.complete("a", upload, build_complete(done)).status_code == 200
