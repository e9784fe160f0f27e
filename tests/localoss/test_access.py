"""Authorization of anonymous requests by ACLs."""

from tests.localoss.support import Wire, refused


def test_anonymous_requests_are_refused_everywhere(wire: Wire) -> None:
    wire.put("a", b"x")
    upload = wire.initiate("a")
    for method, key, query in (
        ("GET", "a", []),
        ("HEAD", "a", []),
        ("PUT", "a", []),
        ("DELETE", "a", []),
        ("POST", "a", [("uploads", "")]),
        ("PUT", "a", [("partNumber", "1"), ("uploadId", upload)]),
        ("POST", "a", [("uploadId", upload)]),
        ("DELETE", "a", [("uploadId", upload)]),
        ("GET", "a", [("uploadId", upload)]),
        ("GET", "", [("uploads", "")]),
        ("PUT", "", [("cors", "")]),
        ("GET", "", [("cors", "")]),
        ("DELETE", "", [("cors", "")]),
        ("DELETE", "", []),
    ):
        refused(wire.call(method, key, query, signed=False), 403, "AccessDenied")
    refused(wire.call("GET", bucket="", signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", bucket="made-anonymously", signed=False), 403, "AccessDenied")
    refused(wire.call("GET", bucket="made-anonymously"), 404, "NoSuchBucket")
    assert wire.call("GET", "a").content == b"x"


def test_public_read_allows_anonymous_reading_only(wire: Wire) -> None:
    assert wire.call("PUT", headers={"x-oss-acl": "public-read"}).status_code == 200
    wire.put("a", b"x")
    wire.put("own", b"x", {"x-oss-object-acl": "private"})
    assert wire.call("GET", "a", signed=False).content == b"x"
    refused(wire.call("GET", "own", signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", "a", signed=False, content=b"y"), 403, "AccessDenied")
