"""AppendObject: positions, checksums, and what cannot be appended to."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.localoss.support import Wire, refused, result
from uploads.oss.crc64 import crc64


def append(wire: Wire, key: str, position: object, content: bytes, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire.call("POST", key, [("append", ""), ("position", str(position))], sent, content)


def test_an_object_grows_and_its_checksum_with_it(wire: Wire) -> None:
    first = append(
        wire, "log", 0, b"hello ", content_type="text/plain", x_oss_meta_a="1", x_oss_object_acl="public-read"
    )
    assert (first.status_code, first.headers["x-oss-next-append-position"]) == (200, "6")
    assert first.headers["x-oss-hash-crc64ecma"] == str(crc64(b"hello "))
    second = append(wire, "log", 6, b"world", content_type="video/mp4")
    assert second.headers["x-oss-next-append-position"] == "11"
    assert second.headers["x-oss-hash-crc64ecma"] == str(crc64(b"hello world"))
    assert second.headers["ETag"] != first.headers["ETag"]
    assert append(wire, "log", 11, b"").headers["x-oss-next-append-position"] == "11"
    assert append(wire, "log", 11, b"!").headers["x-oss-next-append-position"] == "12"
    head = wire.call("HEAD", "log")
    expected = {
        "x-oss-object-type": "Appendable", "x-oss-next-append-position": "12", "Content-Length": "12",
        "Content-Type": "text/plain", "x-oss-meta-a": "1", "x-oss-hash-crc64ecma": str(crc64(b"hello world!")),
    }  # fmt: skip
    assert {name: head.headers[name] for name in expected} == expected
    assert wire.call("GET", "log", signed=False).content == b"hello world!"
    assert wire.call("GET", "log", headers={"Range": "bytes=4-8"}).content == b"o wor"
    listed = result(wire.call("GET"), "ListBucketResult")
    assert (listed.findtext("Contents/Type"), listed.findtext("Contents/Size")) == ("Appendable", "12")


def test_a_wrong_position_is_refused_with_the_right_one(wire: Wire) -> None:
    wrong = append(wire, "log", 1, b"x")
    refused(wrong, 409, "PositionNotEqualToLength")
    assert wrong.headers["x-oss-next-append-position"] == "0"
    append(wire, "log", 0, b"hello")
    for position in (0, 4, 6):
        wrong = append(wire, "log", position, b"x")
        refused(wrong, 409, "PositionNotEqualToLength")
        assert wrong.headers["x-oss-next-append-position"] == "5"
    assert wire.call("GET", "log").content == b"hello"
    for position in ("", "-1", "x"):
        refused(append(wire, "log", position, b"x"), 400, "InvalidArgument")
    missing = refused(wire.call("POST", "log", [("append", "")], content=b"x"), 400, "InvalidArgument")
    assert missing.findtext("EC") == "0016-00000501"


def test_of_two_that_append_at_once_one_is_refused(wire: Wire) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda number: append(wire, "log", 0, b"%d" % number).status_code, range(4)))
    assert sorted(statuses) == [200, 409, 409, 409]
    assert len(wire.call("GET", "log").content) == 1


def test_other_objects_cannot_be_appended_to(wire: Wire) -> None:
    wire.put("normal", b"x")
    refused(append(wire, "normal", 1, b"y"), 409, "ObjectNotAppendable")
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    wire.call("PUT", query=[("versioning", "")], content=body)
    wire.call("DELETE", "normal")
    refused(append(wire, "normal", 1, b"y"), 409, "ObjectNotAppendable")
    assert append(wire, "normal", 0, b"y").status_code == 200, "a delete marker is current, and a new object begins"
    assert append(wire, "normal", 1, b"z").status_code == 200
    assert append(wire, "log", 0, b"a").status_code == 200
    assert append(wire, "log", 1, b"b").status_code == 200
    document = result(wire.call("GET", query=[("versions", ""), ("prefix", "log")]), "ListVersionsResult")
    assert len(document.findall("Version")) == 1, "appending makes no version"
    wire.put("log", b"new")
    refused(append(wire, "log", 3, b"c"), 409, "ObjectNotAppendable")


def test_nothing_is_appended_in_retention_or_with_a_wrong_checksum(wire: Wire) -> None:
    append(wire, "log", 0, b"hello")
    refused(append(wire, "log", 5, b"x", content_md5="1B2M2Y8AsgTpgAmY7PhCfg=="), 400, "InvalidDigest")
    key = {"x_oss_server_side_encryption": "KMS", "x_oss_server_side_encryption_key_id": "k"}
    refused(append(wire, "other", 0, b"x", **key), 400, "InvalidArgument")
    body = b"<InitiateWormConfiguration><RetentionPeriodInDays>1</RetentionPeriodInDays></InitiateWormConfiguration>"
    wire.call("POST", query=[("worm", "")], content=body)
    refused(append(wire, "log", 5, b"x"), 409, "FileImmutable")
    assert wire.call("DELETE", query=[("worm", "")]).status_code == 204
    assert append(wire, "log", 5, b"x").status_code == 200


def test_of_a_later_append_only_the_acl_counts(wire: Wire) -> None:
    for position, acl in ((0, "public-read-write"), (1, "public-read")):
        sent = {"x_oss_object_acl": acl, "x_oss_meta_my": f"meta-{position}"}
        assert append(wire, "log", position, b"a", **sent).status_code == 200
    assert result(wire.call("GET", "log", [("acl", "")]), "AccessControlPolicy").findtext(".//Grant") == "public-read"
    assert append(wire, "log", 2, b"a").status_code == 200
    assert result(wire.call("GET", "log", [("acl", "")]), "AccessControlPolicy").findtext(".//Grant") == "public-read"
    assert wire.call("HEAD", "log").headers["x-oss-meta-my"] == "meta-0"


def test_an_object_that_begins_at_a_null_marker_replaces_it(wire: Wire) -> None:
    body = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
    wire.call("PUT", query=[("versioning", "")], content=body)
    wire.call("DELETE", "log")
    assert append(wire, "log", 0, b"a").status_code == 200
    listed = result(wire.call("GET", query=[("versions", "")]), "ListVersionsResult")
    assert [child.tag for child in listed if child.tag in ("Version", "DeleteMarker")] == ["Version"]
