"""Block Public Access: of a bucket, and of the account."""

from collections.abc import Iterator

import pytest

from tests.localoss.support import Wire, refused, result

BLOCK = [("publicAccessBlock", "")]


def document(value: str) -> bytes:
    root = "PublicAccessBlockConfiguration"
    return f"<{root}><BlockPublicAccess>{value}</BlockPublicAccess></{root}>".encode()


@pytest.fixture(params=["bucket", "account"])
def place(request: pytest.FixtureRequest, private: Wire) -> Iterator[str]:
    """The name that the setting is sent to: the bucket's, or none for the account."""
    name = private.bucket if request.param == "bucket" else ""
    yield name
    private.call("DELETE", query=BLOCK, bucket=name)
    private.call("PUT", query=[("acl", "")], headers={"x-oss-acl": "private"})


def test_public_acls_are_ignored_while_public_access_is_blocked(private: Wire, place: str) -> None:
    wire = private
    assert wire.call("PUT", query=[("acl", "")], headers={"x-oss-acl": "public-read-write"}).status_code == 200
    wire.put("a", b"x")
    wire.put("own", b"x", {"x-oss-object-acl": "public-read"})
    for key in ("a", "own"):
        assert wire.call("GET", key, signed=False).status_code == 200
    assert wire.call("PUT", query=BLOCK, content=document("true"), bucket=place).status_code == 200
    for key in ("a", "own"):
        refused(wire.call("GET", key, signed=False), 403, "AccessDenied")
        assert wire.call("GET", key).status_code == 200, "signed requests are not concerned"
    refused(wire.call("PUT", "a", content=b"y", signed=False), 403, "AccessDenied")
    assert wire.call("DELETE", query=BLOCK, bucket=place).status_code == 204
    assert wire.call("GET", "a", signed=False).status_code == 200


def test_no_acl_becomes_public_while_public_access_is_blocked(private: Wire, place: str) -> None:
    wire, public = private, {"x-oss-object-acl": "public-read"}
    wire.put("a", b"x")
    assert wire.call("PUT", query=BLOCK, content=document("true"), bucket=place).status_code == 200
    refusal = refused(wire.call("PUT", query=[("acl", "")], headers={"x-oss-acl": "public-read"}), 403, "AccessDenied")
    assert refusal.findtext("Message") == "Put public bucket acl is not allowed"
    refusal = refused(wire.call("PUT", "b", headers=public, content=b"x"), 403, "AccessDenied")
    assert refusal.findtext("Message") == "Put public object acl is not allowed"
    assert refusal.findtext("EC") == "0016-00000901"
    refused(wire.call("PUT", "a", [("acl", "")], public), 403, "AccessDenied")
    refused(wire.call("PUT", "b", headers={"x-oss-copy-source": f"/{wire.bucket}/a", **public}), 403, "AccessDenied")
    upload = wire.initiate("b")
    wire.parts("b", upload, [b"x"])
    refused(wire.complete("b", upload, b"", {"x-oss-complete-all": "yes", **public}), 403, "AccessDenied")
    assert wire.call("GET", "b", [("uploadId", upload)]).status_code == 200, "the upload stays"
    assert wire.complete("b", upload, b"", {"x-oss-complete-all": "yes", "x-oss-object-acl": "private"}).is_success


def test_the_setting_is_kept_shown_and_deleted(private: Wire, place: str) -> None:
    def shown() -> str | None:
        answer = private.call("GET", query=BLOCK, bucket=place)
        return result(answer, "PublicAccessBlockConfiguration").findtext("BlockPublicAccess")

    assert shown() == "false"
    for value in ("true", "false"):
        private.call("PUT", query=BLOCK, content=document(value), bucket=place)
        assert shown() == value
    refused(private.call("PUT", query=BLOCK, content=document("yes"), bucket=place), 400, "MalformedXML")
