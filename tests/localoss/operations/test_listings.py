"""ListParts and ListMultipartUploads: pages and markers."""

import hashlib
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import pytest

from tests.localoss.support import Wire, refused, result
from uploads.oss.crc64 import crc64

KEY = "raw/film ä+b.mov"


def numbers(document: Element) -> list[int]:
    return [int(text.text or "") for text in document.iterfind("Part/PartNumber")]


def test_parts_are_listed_in_pages(wire: Wire) -> None:
    upload = wire.initiate(KEY, {"x-oss-storage-class": "IA"})
    for number in (9, 2, 10_000, 5, 7):
        assert wire.part(KEY, upload, number, b"x" * number).status_code == 200
    seen: list[int] = []
    marker = "0"
    for expected in ([2, 5], [7, 9], [10_000]):
        query = [("uploadId", upload), ("max-parts", "2"), ("part-number-marker", marker)]
        document = result(wire.call("GET", KEY, query), "ListPartsResult")
        assert numbers(document) == expected
        assert document.findtext("PartNumberMarker") == marker
        assert document.findtext("IsTruncated") == ("true" if expected != [10_000] else "false")
        marker = document.findtext("NextPartNumberMarker") or ""
        assert marker == str(expected[-1])
        seen += numbers(document)
    assert seen == [2, 5, 7, 9, 10_000]
    document = result(wire.call("GET", KEY, [("uploadId", upload)]), "ListPartsResult")
    assert document.findtext("MaxParts") == "1000"
    assert document.findtext("StorageClass") == "IA"
    first = document.find("Part")
    assert first is not None
    assert first.findtext("Size") == "2"
    assert first.findtext("ETag") == f'"{hashlib.md5(b"xx").hexdigest().upper()}"'
    assert first.findtext("HashCrc64ecma") == str(crc64(b"xx"))
    assert (first.findtext("LastModified") or "").endswith(".000Z")


def test_page_without_parts_still_has_its_markers(wire: Wire) -> None:
    """oss2 fails where the element is missing."""
    query = [("uploadId", wire.initiate("a")), ("part-number-marker", "")]
    document = result(wire.call("GET", "a", query), "ListPartsResult")
    assert document.findtext("NextPartNumberMarker") == ""
    assert document.findtext("IsTruncated") == "false"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max-parts", "1001"),
        ("max-parts", "0"),
        ("max-parts", "x"),
        ("part-number-marker", "-1"),
        ("part-number-marker", "x"),
        ("encoding-type", "base64"),
    ],
)
def test_bad_paging_of_parts_is_named(wire: Wire, name: str, value: str) -> None:
    query = [("uploadId", wire.initiate("a")), (name, value)]
    document = refused(wire.call("GET", "a", query), 400, "InvalidArgument")
    assert (document.findtext("ArgumentName"), document.findtext("ArgumentValue")) == (name, value)


def listed(document: Element) -> list[tuple[str, str]]:
    return [(entry.findtext("Key") or "", entry.findtext("UploadId") or "") for entry in document.iterfind("Upload")]


def prefixes(document: Element) -> list[str]:
    return [entry.text or "" for entry in document.iterfind("CommonPrefixes/Prefix")]


def uploads(wire: Wire, *query: tuple[str, str]) -> Element:
    return result(wire.call("GET", query=[("uploads", ""), *query]), "ListMultipartUploadsResult")


def test_uploads_are_listed_by_key_and_then_id(wire: Wire) -> None:
    keys = ["b", "a/2", "ä", "a", "a/1", "Z", "a", "𝄞", "\uffee"]
    begun = [(key, wire.initiate(key)) for key in keys]
    expected = sorted(begun, key=lambda entry: (entry[0].encode(), entry[1]))
    assert listed(uploads(wire)) == expected
    seen: list[tuple[str, str]] = []
    key, identifier, truncated = "", "", "true"
    while truncated == "true":
        document = uploads(wire, ("max-uploads", "2"), ("key-marker", key), ("upload-id-marker", identifier))
        key, identifier = document.findtext("NextKeyMarker") or "", document.findtext("NextUploadIdMarker") or ""
        truncated = document.findtext("IsTruncated")
        assert len(listed(document)) <= 2
        assert (key, identifier) == listed(document)[-1]
        seen += listed(document)
        assert len(seen) <= len(expected), "it never ends"
    assert seen == expected


def test_markers_of_uploads(wire: Wire) -> None:
    one, two = sorted([wire.initiate("a"), wire.initiate("a")])
    other = wire.initiate("b")
    assert listed(uploads(wire, ("key-marker", "a"))) == [("b", other)]
    assert listed(uploads(wire, ("key-marker", "a"), ("upload-id-marker", one))) == [("a", two), ("b", other)]
    assert len(listed(uploads(wire, ("upload-id-marker", two)))) == 3
    assert uploads(wire, ("key-marker", "z")).findtext("NextKeyMarker") == ""


def test_common_prefixes_stand_once_and_count(wire: Wire) -> None:
    for key in ("raw/1/a", "raw/1/b", "raw/2/a", "raw/x", "other/y", "top"):
        wire.initiate(key)
    document = uploads(wire, ("delimiter", "/"))
    assert prefixes(document) == ["other/", "raw/"]
    assert [key for key, _ in listed(document)] == ["top"]
    document = uploads(wire, ("delimiter", "/"), ("prefix", "raw/"))
    assert prefixes(document) == ["raw/1/", "raw/2/"]
    assert [key for key, _ in listed(document)] == ["raw/x"]
    seen, marker, truncated = [], "", "true"
    while truncated == "true":
        document = uploads(wire, ("delimiter", "/"), ("prefix", "raw/"), ("max-uploads", "1"), ("key-marker", marker))
        seen += prefixes(document) + [key for key, _ in listed(document)]
        assert len(seen) <= 3, "it never ends"
        marker, truncated = document.findtext("NextKeyMarker") or "", document.findtext("IsTruncated")
    assert seen == ["raw/1/", "raw/2/", "raw/x"]


def test_uploads_encode_their_keys_when_asked(wire: Wire) -> None:
    key = "a\x01 +%/ü&<"
    upload = wire.initiate(key)
    document = uploads(wire, ("encoding-type", "url"), ("prefix", "a\x01"))
    assert document.findtext("EncodingType") == "url"
    assert [(unquote(name), identifier) for name, identifier in listed(document)] == [(key, upload)]
    assert "/" not in listed(document)[0][0]
    assert unquote(document.findtext("Prefix") or "") == "a\x01"
    assert unquote(document.findtext("NextKeyMarker") or "") == key
    assert uploads(wire).findtext("EncodingType") is None
    refused(wire.call("GET", query=[("uploads", ""), ("encoding-type", "gzip")]), 400, "InvalidArgument")
    refused(wire.call("GET", query=[("uploads", ""), ("max-uploads", "1001")]), 400, "InvalidArgument")
