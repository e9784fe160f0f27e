"""ListObjects and ListObjectsV2: every key is on exactly one page."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest

from tests.localoss.support import Wire, refused, result

KEYS = sorted(
    ["a", "a/1", "a/2", "a/b/1", "b", "b/1", "c/1", "c/2", "c/3", "d", "z//x", "ü/1", "日本/語"], key=str.encode
)


@pytest.fixture
def full(wire: Wire) -> Wire:
    for key in KEYS:
        wire.put(key, key.encode())
    return wire


def listed(wire: Wire, **parameters: str) -> Element:
    query = [(name.replace("_", "-"), value) for name, value in parameters.items()]
    return result(wire.call("GET", "", query), "ListBucketResult")


def pages(wire: Wire, *, version: int, size: int, **parameters: str) -> Iterator[Element]:
    """All of them, each begun where the one before said."""
    marker, asked, next_marker = (
        ("marker", {}, "NextMarker")
        if version == 1
        else ("continuation_token", {"list_type": "2"}, "NextContinuationToken")
    )
    while True:
        page = listed(wire, **asked, max_keys=str(size), **parameters)
        yield page
        if page.findtext("IsTruncated") == "false":
            return
        asked = {**asked, marker: page.findtext(next_marker) or ""}


def keys(page: Element) -> list[str]:
    return [element.text or "" for element in page.iterfind("Contents/Key")]


def prefixes(page: Element) -> list[str]:
    return [element.text or "" for element in page.iterfind("CommonPrefixes/Prefix")]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_pages_hold_every_key_once_in_the_order_of_its_bytes(full: Wire, version: int, size: int) -> None:
    found = [key for page in pages(full, version=version, size=size) for key in keys(page)]
    assert found == KEYS


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_common_prefix_stands_on_one_page_only(full: Wire, version: int, size: int) -> None:
    found = list(pages(full, version=version, size=size, delimiter="/"))
    assert [key for page in found for key in keys(page)] == ["a", "b", "d"]
    assert [name for page in found for name in prefixes(page)] == ["a/", "b/", "c/", "z/", "ü/", "日本/"]
    assert all(len(keys(page)) + len(prefixes(page)) <= size for page in found)


def test_a_prefix_and_a_delimiter_show_one_folder(full: Wire) -> None:
    page = listed(full, prefix="a/", delimiter="/")
    assert (keys(page), prefixes(page)) == (["a/1", "a/2"], ["a/b/"])


def test_the_second_version_counts_and_starts_after(full: Wire) -> None:
    page = listed(full, list_type="2", start_after="c/2", max_keys="3")
    assert keys(page) == ["c/3", "d", "z//x"]
    assert (page.findtext("KeyCount"), page.findtext("StartAfter")) == ("3", "c/2")
    assert page.find("Contents/Owner") is None
    assert listed(full, list_type="2", fetch_owner="true").find("Contents/Owner/ID") is not None


def test_an_entry_tells_what_head_tells(wire: Wire) -> None:
    wire.put("a", b"hello", {"x-oss-storage-class": "IA"})
    (entry,) = listed(wire).iterfind("Contents")
    listed_as = {child.tag: child.text for child in entry if child.tag != "Owner"}
    head = wire.call("HEAD", "a").headers
    assert listed_as["ETag"] == head["ETag"]
    assert (listed_as["Size"], listed_as["Type"], listed_as["StorageClass"]) == ("5", "Normal", "IA")
    assert (listed_as["LastModified"] or "").endswith(".000Z")


def test_keys_are_url_encoded_when_asked_for(full: Wire) -> None:
    page = listed(full, encoding_type="url", prefix="ü/", delimiter="/")
    assert page.findtext("EncodingType") == "url"
    assert (page.findtext("Prefix"), keys(page)) == ("%C3%BC%2F", ["%C3%BC%2F1"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("max-keys", "0"), ("max-keys", "1001"), ("max-keys", "x"), ("encoding-type", "base64")],
)
def test_wrong_parameters_are_named(wire: Wire, name: str, value: str) -> None:
    assert refused(wire.call("GET", "", [(name, value)]), 400, "InvalidArgument").findtext("ArgumentName") == name


@pytest.mark.parametrize("token", ["%%%", "ü", "/w==", "a"])
def test_wrong_continuation_token_is_refused(wire: Wire, token: str) -> None:
    query = [("list-type", "2"), ("continuation-token", token)]
    refused(wire.call("GET", "", query), 400, "InvalidArgument")


def test_anonymous_requests_list_a_public_bucket_only(full: Wire) -> None:
    refused(full.call("GET", "", signed=False), 403, "AccessDenied")
    assert full.call("PUT", "", [("acl", "")], {"x-oss-acl": "public-read"}).status_code == 200
    assert keys(result(full.call("GET", "", signed=False), "ListBucketResult")) == KEYS
