"""The ACLs of buckets and of objects."""

from tests.localoss.support import Wire, refused, result


def grant(wire: Wire, key: str = "") -> str | None:
    return result(wire.call("GET", key, [("acl", "")]), "AccessControlPolicy").findtext("AccessControlList/Grant")


def test_the_acl_of_an_object_allows_and_denies_anonymous_reading(wire: Wire) -> None:
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
    assert wire.call("PUT", "b", content=b"anonymous", signed=False).status_code == 200
    assert wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "private"}).status_code == 200
    refused(wire.call("GET", "a", signed=False), 403, "AccessDenied")


def test_wrong_acls_are_refused(wire: Wire) -> None:
    wire.put("a", b"x")
    refused(wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "open"}), 400, "InvalidArgument")
    refused(wire.call("PUT", "a", [("acl", "")]), 400, "InvalidArgument")
    refused(wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "default"}), 400, "InvalidArgument")
    refused(wire.call("PUT", "b", [("acl", "")], {"x-oss-object-acl": "private"}), 404, "NoSuchKey")
    refused(wire.call("GET", "b", [("acl", "")]), 404, "NoSuchKey")


def test_anonymous_requests_see_and_set_no_acl(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-object-acl": "public-read-write"})
    refused(wire.call("GET", "a", [("acl", "")], signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", "a", [("acl", "")], {"x-oss-object-acl": "private"}, signed=False), 403, "AccessDenied")


def test_changing_the_acl_of_a_bucket_answers_its_location(wire: Wire) -> None:
    answer = wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "public-read"})
    assert (answer.status_code, answer.headers["Location"]) == (200, f"/{wire.bucket}")
