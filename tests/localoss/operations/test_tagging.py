"""The tags of objects."""

import pytest

from tests.localoss.support import Wire, refused, result


def tags(wire: Wire, key: str) -> dict[str | None, str | None]:
    document = result(wire.call("GET", key, [("tagging", "")]), "Tagging")
    return {tag.findtext("Key"): tag.findtext("Value") for tag in document.iterfind("TagSet/Tag")}


def tag_xml(pairs: dict[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in pairs.items())
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()


def test_tags_come_with_the_object_or_later_and_go(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-tagging": "team=a%2Fb&empty="})
    assert tags(wire, "a") == {"team": "a/b", "empty": ""}
    assert wire.call("PUT", "a", [("tagging", "")], content=tag_xml({"new one": "1"})).status_code == 200
    assert tags(wire, "a") == {"new one": "1"}
    assert wire.call("HEAD", "a").headers["x-oss-tagging-count"] == "1"
    assert wire.call("DELETE", "a", [("tagging", "")]).status_code == 204
    assert tags(wire, "a") == {}
    assert wire.call("GET", "a").content == b"x"


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ({f"k{number}": "" for number in range(11)}, "InvalidArgument"),
        ({"k" * 129: ""}, "InvalidTag"),
        ({"k": "v" * 257}, "InvalidTag"),
        ({"": "v"}, "InvalidTag"),
        ({"k": "a?b"}, "InvalidTag"),
    ],
)
def test_tags_have_limits(wire: Wire, pairs: dict[str, str], code: str) -> None:
    wire.put("a", b"x")
    refused(wire.call("PUT", "a", [("tagging", "")], content=tag_xml(pairs)), 400, code)
    assert tags(wire, "a") == {}


def test_tags_need_an_object_and_xml(wire: Wire) -> None:
    refused(wire.call("GET", "a", [("tagging", "")]), 404, "NoSuchKey")
    refused(wire.call("PUT", "a", [("tagging", "")], content=tag_xml({"k": "v"})), 404, "NoSuchKey")
    refused(wire.call("DELETE", "a", [("tagging", "")]), 404, "NoSuchKey")
    refused(wire.call("PUT", "a", [("tagging", "")], content=b"{}"), 400, "MalformedXML")
