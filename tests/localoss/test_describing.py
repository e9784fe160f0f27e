"""ACLs and tags: what is said about buckets and objects after they were made."""

import base64
import hashlib

import httpx
import pytest

from tests.localoss.support import Wire, refused, result


def grant(wire: Wire, key: str = "") -> str | None:
    return result(wire.call("GET", key, [("acl", "")]), "AccessControlPolicy").findtext("AccessControlList/Grant")


def test_the_acl_of_an_object_opens_and_closes_it_for_strangers(wire: Wire) -> None:
    wire.put("a", b"hello")
    assert grant(wire, "a") == "default"
    refused(wire.call("GET", "a", signed=False), 403, "AccessDenied")
    assert wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "public-read"}).status_code == 200
    assert grant(wire, "a") == "public-read"
    assert wire.call("GET", "a", signed=False).content == b"hello"
    assert wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "private"}).status_code == 200
    document = refused(wire.call("GET", "a", signed=False), 403, "AccessDenied")
    assert document.findtext("EC") == "0003-00000005"


def test_objects_inherit_the_acl_of_the_bucket(wire: Wire) -> None:
    wire.put("a", b"hello")
    assert wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "public-read-write"}).status_code == 200
    assert grant(wire) == "public-read-write"
    assert wire.call("GET", "a", signed=False).content == b"hello"
    assert wire.call("PUT", "b", content=b"from a stranger", signed=False).status_code == 200
    assert wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "private"}).status_code == 200
    refused(wire.call("GET", "a", signed=False), 403, "AccessDenied")


def test_wrong_acls_are_refused(wire: Wire) -> None:
    wire.put("a", b"x")
    refused(wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "open"}), 400, "InvalidArgument")
    refused(wire.call("PUT", "a", [("acl", "")]), 400, "InvalidArgument")
    refused(wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "default"}), 400, "InvalidArgument")
    refused(wire.call("PUT", "b", [("acl", "")], {"x-oss-object-acl": "private"}), 404, "NoSuchKey")
    refused(wire.call("GET", "b", [("acl", "")]), 404, "NoSuchKey")


def test_strangers_see_and_set_no_acl(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-object-acl": "public-read-write"})
    refused(wire.call("GET", "a", [("acl", "")], signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "private"}, signed=False), 403, "AccessDenied")


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


def delete_xml(*keys: str, quiet: bool = False) -> bytes:
    inner = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete><Quiet>{str(quiet).lower()}</Quiet>{inner}</Delete>".encode()


def delete(wire: Wire, body: bytes, **query: str) -> httpx.Response:
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    pairs = [("delete", ""), *((name.replace("_", "-"), value) for name, value in query.items())]
    return wire.call("POST", "", pairs, {"Content-MD5": md5}, body)


def test_many_objects_are_deleted_in_one_request(wire: Wire) -> None:
    for key in ("a", "b/ü", "c"):
        wire.put(key, b"x")
    answer = delete(wire, delete_xml("a", "b/ü", "never-there"), encoding_type="url")
    document = result(answer, "DeleteResult")
    assert [element.text for element in document.iterfind("Deleted/Key")] == ["a", "b%2F%C3%BC", "never-there"]
    assert [wire.call("HEAD", key).status_code for key in ("a", "b/ü", "c")] == [404, 404, 200]


def test_a_quiet_deletion_says_nothing(wire: Wire) -> None:
    wire.put("a", b"x")
    answer = delete(wire, delete_xml("a", quiet=True))
    assert (answer.status_code, answer.content) == (200, b"")
    assert wire.call("HEAD", "a").status_code == 404


@pytest.mark.parametrize("body", [delete_xml(), delete_xml(*map(str, range(1001))), delete_xml(""), b"<Delete>", b""])
def test_a_list_that_cannot_be_deletes_nothing(wire: Wire, body: bytes) -> None:
    wire.put("1", b"x")
    refused(delete(wire, body), 400, "MalformedXML")
    assert wire.call("HEAD", "1").status_code == 200


def test_strangers_delete_nothing(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-object-acl": "public-read-write"})
    refused(wire.call("POST", "", [("delete", "")], content=delete_xml("a"), signed=False), 403, "AccessDenied")
    assert wire.call("HEAD", "a").status_code == 200
