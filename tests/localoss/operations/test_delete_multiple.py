"""DeleteMultipleObjects."""

import base64
import hashlib
from urllib.parse import unquote

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


CONTROLS = "".join(chr(number) for number in range(1, 32) if chr(number) not in "\r")


@pytest.mark.parametrize(
    "written",
    [
        "".join(f"&#x{ord(character):02X};" for character in CONTROLS),
        "".join(f"&#{ord(c)};" for c in CONTROLS),
        CONTROLS,
    ],
    ids=["hexadecimal", "decimal", "raw"],
)
def test_keys_may_hold_control_characters(wire: Wire, written: str) -> None:
    """As the Go SDK V1 and oss2 send them, though XML 1.0 has no such characters."""
    others = ["\U000f0001 &amp; &#xF0021;", "plain&#10;line"]
    keys = [f"a{CONTROLS}b", "\U000f0001 & \U000f0021", "plain\nline"]
    for key in keys:
        wire.put(key, b"x")
    answer = delete(wire, delete_xml(f"a{written}b", *others), encoding_type="url")
    listed = result(answer, "DeleteResult").iterfind("Deleted/Key")
    assert [unquote(element.text or "") for element in listed] == keys
    assert [wire.call("HEAD", key).status_code for key in keys] == [404] * 3


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
