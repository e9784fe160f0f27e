"""DeleteMultipleObjects."""

import base64
import hashlib

import httpx
import pytest

from tests.localoss.support import Wire, refused, result


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


def test_anonymous_requests_delete_nothing(wire: Wire) -> None:
    wire.put("a", b"x", {"x-oss-object-acl": "public-read-write"})
    refused(wire.call("POST", "", [("delete", "")], content=delete_xml("a"), signed=False), 403, "AccessDenied")
    assert wire.call("HEAD", "a").status_code == 200
