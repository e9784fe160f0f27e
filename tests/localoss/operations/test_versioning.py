"""Versioning as far as uploads meet it: version ids, delete markers, lists of versions, and overwrite rules."""

import httpx
import pytest

from tests.localoss import forms
from tests.localoss.support import SMALLEST, Wire, bytes_of, refused, result

VERSIONING = [("versioning", "")]


def set_versioning(wire: Wire, status: str) -> None:
    body = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
    assert wire.call("PUT", query=VERSIONING, content=body.encode()).status_code == 200


@pytest.fixture
def versioned(wire: Wire) -> Wire:
    set_versioning(wire, "Enabled")
    return wire


def version(answer: httpx.Response) -> str:
    assert answer.is_success, answer.text
    return answer.headers["x-oss-version-id"]


def listed(wire: Wire, **query: str) -> list[tuple[str, str, str, str]]:
    """Tag, key, version and whether it is the latest one."""
    pairs = [("versions", ""), *((name.replace("_", "-"), value) for name, value in query.items())]
    document = result(wire.call("GET", query=pairs), "ListVersionsResult")
    return [
        (element.tag, *(element.findtext(tag) or "" for tag in ("Key", "VersionId", "IsLatest")))
        for element in document
        if element.tag in ("Version", "DeleteMarker")
    ]


def test_the_status_is_kept_and_shown(wire: Wire) -> None:
    assert result(wire.call("GET", query=VERSIONING), "VersioningConfiguration").findtext("Status") is None
    for status in ("Enabled", "Suspended"):
        set_versioning(wire, status)
        assert result(wire.call("GET", query=VERSIONING), "VersioningConfiguration").findtext("Status") == status
        info = result(wire.call("GET", query=[("bucketInfo", "")]), "BucketInfo")
        assert info.findtext("Bucket/Versioning") == status
    body = b"<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>"
    refused(wire.call("PUT", query=VERSIONING, content=body), 400, "MalformedXML")


def test_every_way_to_write_makes_a_version(versioned: Wire) -> None:
    wire = versioned
    first = version(wire.put("a", b"first"))
    upload = wire.initiate("a")
    wire.parts("a", upload, [bytes_of(SMALLEST, 1)])
    second = version(wire.complete("a", upload, b"", {"x-oss-complete-all": "yes"}))
    copied = wire.call("PUT", "a", headers={"x-oss-copy-source": f"/{wire.bucket}/a?versionId={first}"})
    assert copied.headers["x-oss-copy-source-version-id"] == first
    third = version(copied)
    fourth = version(forms.send(wire, forms.v4_form(wire, {"key": "form"}), b"form"))
    assert len({first, second, third, fourth}) == 4
    got = wire.call("GET", "a")
    assert (got.content, version(got)) == (b"first", third)
    assert wire.call("GET", "a", [("versionId", second)]).content == bytes_of(SMALLEST, 1)
    part = wire.call(
        "PUT", "b", [("partNumber", "1"), ("uploadId", wire.initiate("b"))],
        {"x-oss-copy-source": f"/{wire.bucket}/a?versionId={second}"},
    )  # fmt: skip
    assert part.headers["x-oss-copy-source-version-id"] == second
    tags = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    for method, body in (("PUT", tags), ("GET", b""), ("DELETE", b"")):
        assert version(wire.call(method, "a", [("tagging", ""), ("versionId", second)], content=body)) == second
    assert version(wire.call("HEAD", "a", [("versionId", first)])) == first
    assert version(wire.call("HEAD", "a", [("objectMeta", ""), ("versionId", second)])) == second
    assert listed(wire, prefix="a") == [
        ("Version", "a", third, "true"),
        ("Version", "a", second, "false"),
        ("Version", "a", first, "false"),
    ]


def test_a_delete_adds_a_marker_and_a_deleted_marker_brings_the_object_back(versioned: Wire) -> None:
    wire = versioned
    first = version(wire.put("a", b"first"))
    deleted = wire.call("DELETE", "a")
    marker = version(deleted)
    assert (deleted.status_code, deleted.headers["x-oss-delete-marker"]) == (204, "true")
    gone = wire.call("GET", "a")
    refused(gone, 404, "NoSuchKey")
    assert (gone.headers["x-oss-delete-marker"], gone.headers["x-oss-version-id"]) == ("true", marker)
    refused(wire.call("GET", "a", [("versionId", marker)]), 405, "MethodNotAllowed")
    assert result(wire.call("GET"), "ListBucketResult").find("Contents") is None
    assert listed(wire) == [("DeleteMarker", "a", marker, "true"), ("Version", "a", first, "false")]
    refused(wire.call("DELETE"), 409, "BucketNotEmpty")
    again = wire.call("DELETE", "a", [("versionId", marker)])
    assert (version(again), again.headers["x-oss-delete-marker"]) == (marker, "true")
    assert wire.call("GET", "a").content == b"first"
    assert "x-oss-delete-marker" not in wire.call("DELETE", "a", [("versionId", first)]).headers
    assert listed(wire) == []
    assert wire.call("DELETE").status_code == 204


def test_many_are_deleted_with_their_versions(versioned: Wire) -> None:
    wire = versioned
    first, second = version(wire.put("a", b"1")), version(wire.put("a", b"2"))
    body = f"<Delete><Object><Key>a</Key><VersionId>{first}</VersionId></Object><Object><Key>a</Key></Object></Delete>"
    document = result(wire.call("POST", query=[("delete", "")], content=body.encode()), "DeleteResult")
    old, marked = document.findall("Deleted")
    assert (old.findtext("VersionId"), old.find("DeleteMarker")) == (first, None)
    assert marked.findtext("DeleteMarker") == "true"
    marker = marked.findtext("DeleteMarkerVersionId") or ""
    assert listed(wire) == [("DeleteMarker", "a", marker, "true"), ("Version", "a", second, "false")]


def test_suspended_versioning_replaces_the_version_null_alone(wire: Wire) -> None:
    wire.put("a", b"before")
    set_versioning(wire, "Enabled")
    kept = version(wire.put("a", b"enabled"))
    assert wire.call("GET", "a", [("versionId", "null")]).content == b"before"
    set_versioning(wire, "Suspended")
    for content in (b"one", b"two"):
        assert version(wire.put("a", content)) == "null"
    assert listed(wire) == [("Version", "a", "null", "true"), ("Version", "a", kept, "false")]
    assert wire.call("GET", "a").content == b"two"
    assert version(wire.call("DELETE", "a")) == "null"
    assert listed(wire) == [("DeleteMarker", "a", "null", "true"), ("Version", "a", kept, "false")]
    assert version(wire.put("a", b"three")) == "null"
    assert listed(wire) == [("Version", "a", "null", "true"), ("Version", "a", kept, "false")]


def test_versioning_makes_forbid_overwrite_void(versioned: Wire) -> None:
    """OSS manual: "PutObject": the header is ignored when versioning is enabled or suspended."""
    wire, forbid = versioned, {"x-oss-forbid-overwrite": "true"}
    wire.put("a", b"1")
    wire.put("a", b"2", forbid)
    upload = wire.initiate("a", forbid)
    wire.parts("a", upload, [b"3"])
    assert wire.complete("a", upload, b"", {"x-oss-complete-all": "yes", **forbid}).status_code == 200
    set_versioning(wire, "Suspended")
    wire.put("a", b"4", forbid)
    assert wire.call("GET", "a").content == b"4"


def test_an_unversioned_bucket_has_the_version_null(wire: Wire) -> None:
    assert "x-oss-version-id" not in wire.put("a", b"x").headers
    wire.put("b", b"y")
    assert listed(wire) == [("Version", "a", "null", "true"), ("Version", "b", "null", "true")]
    assert wire.call("GET", "a", [("versionId", "null")]).content == b"x"
    assert wire.call("HEAD", "a", [("versionId", "null")]).status_code == 200
    refused(wire.call("GET", "never", [("versionId", "null")]), 404, "NoSuchKey")
    refused(wire.call("GET", "a", [("versionId", "")]), 400, "InvalidArgument")
    refused(wire.call("GET", "a", [("versionId", "nonsense!")]), 400, "InvalidArgument")
    refused(wire.call("GET", "a", [("versionId", "CAEQ" + "0" * 60)]), 404, "NoSuchVersion")
    assert wire.call("DELETE", "a", [("versionId", "null")]).status_code == 204
    refused(wire.call("GET", "a"), 404, "NoSuchKey")


def test_tags_and_acls_belong_to_a_version(versioned: Wire) -> None:
    wire = versioned
    first = version(wire.put("a", b"1"))
    wire.put("a", b"2")
    body = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    query = [("tagging", ""), ("versionId", first)]
    assert wire.call("PUT", "a", query, content=body).status_code == 200
    assert wire.call("PUT", "a", [("acl", ""), ("versionId", first)], {"x-oss-object-acl": "private"}).is_success
    assert "<Key>k</Key>" in wire.call("GET", "a", query).text
    assert "<Key>k</Key>" not in wire.call("GET", "a", [("tagging", "")]).text
    assert "private" in wire.call("GET", "a", [("acl", ""), ("versionId", first)]).text
    assert "default" in wire.call("GET", "a", [("acl", "")]).text


def test_versions_come_in_pages(versioned: Wire) -> None:
    wire = versioned
    for key in ("a", "dir/b", "dir/c", "z"):
        for content in (b"1", b"2", b"3"):
            wire.put(key, content)
    wire.call("DELETE", "z")
    everything = listed(wire)
    assert len(everything) == 13
    assert everything[0][3] == "true"
    found: list[tuple[str, str, str, str]] = []
    markers: dict[str, str] = {}
    while True:
        found += listed(wire, max_keys="2", **markers)
        pairs = [
            ("versions", ""),
            ("max-keys", "2"),
            *((name.replace("_", "-"), text) for name, text in markers.items()),
        ]
        document = result(wire.call("GET", query=pairs), "ListVersionsResult")
        if document.findtext("IsTruncated") == "false":
            break
        markers = {
            "key_marker": document.findtext("NextKeyMarker") or "",
            "version_id_marker": document.findtext("NextVersionIdMarker") or "",
        }
    assert found == everything
    grouped = wire.call("GET", query=[("versions", ""), ("delimiter", "/"), ("max-keys", "100")])
    document = result(grouped, "ListVersionsResult")
    assert [common.text for common in document.iterfind("CommonPrefixes/Prefix")] == ["dir/"]
    assert {element.text for element in document.iterfind("Version/Key")} == {"a", "z"}
