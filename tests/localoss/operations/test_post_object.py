"""PostObject: what a form stores, and malformed forms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import http
from tests.callback_app import CallbackApp
from tests.localoss.forms import BOUNDARY, TYPE, body_of, send, signed, stored, v4_form
from tests.localoss.support import Wire, raw, refused
from uploads.localoss.testing import LocalServer
from uploads.oss import callback, markup
from uploads.oss.callback import CallbackParameters

# Storing


@pytest.mark.parametrize("version", [1, 4])
def test_a_form_stores_its_file(wire: Wire, version: int) -> None:
    content = bytes(range(256)) * 3000 + f"\r\n--{BOUNDARY[:-1]}".encode()
    answer = send(wire, signed(wire, {"bucket": wire.bucket}, version=version, key="a/视频 1.mp4"), content)
    assert (answer.status_code, answer.content) == (204, b"")
    got = stored(wire, "a/视频 1.mp4")
    assert got.content == content
    assert got.headers["Content-Type"] == "video/mp4"
    for name in ("ETag", "x-oss-hash-crc64ecma", "Content-MD5"):
        assert got.headers[name] == answer.headers[name]
    assert answer.headers["Location"] == f"{wire.server.url}/{wire.bucket}/a/%E8%A7%86%E9%A2%91%201.mp4"


def test_what_our_own_builder_makes_is_taken_for_these_bytes_alone(wire: Wire) -> None:
    fields = {
        "key": "own/a b.bin",
        "x-oss-content-type": "text/x-own",
        "Cache-Control": "no-cache",
        "Content-Disposition": 'attachment; filename="a b.bin"',
        "x-oss-meta-uid": "7",
        "x-oss-object-acl": "public-read",
        "x-oss-storage-class": "IA",
        "x-oss-server-side-encryption": "AES256",
        "success_action_status": "200",
    }
    form = v4_form(wire, fields, (5, 5))
    answer = send(wire, form)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-oss-server-side-encryption"] == "AES256"
    got = stored(wire, "own/a b.bin")
    shown = {
        "Content-Type": "text/x-own", "Cache-Control": "no-cache", "x-oss-meta-uid": "7", "x-oss-storage-class": "IA",
        "Content-Disposition": 'attachment; filename="a b.bin"',
    }  # fmt: skip
    assert {name: got.headers[name] for name in shown} == shown
    assert http.get(f"{wire.server.url}/{wire.bucket}/own/a%20b.bin").text == "hello"
    refused(send(wire, form, b"hell"), 400, "EntityTooSmall")
    refused(send(wire, form, b"hello!"), 400, "EntityTooLarge")
    for name in fields:
        document = refused(send(wire, {**form, name: "200x"}), 403, "AccessDenied")
        assert "Policy Condition failed" in (document.findtext("Message") or "")
    assert stored(wire, "own/a b.bin").content == b"hello"


@pytest.mark.parametrize(("asked", "status"), [("200", 200), ("204", 204), ("201", 201), ("500", 204), ("", 204)])
def test_the_status_that_is_asked_for(wire: Wire, asked: str, status: int) -> None:
    answer = send(wire, signed(wire, key="a&b", success_action_status=asked))
    assert answer.status_code == status
    if status != 201:
        assert answer.content == b""
        return
    document = markup.parse(answer.content)
    assert document.tag == "PostResponse"
    assert [(child.tag, child.text) for child in document] == [
        ("Bucket", wire.bucket),
        ("ETag", answer.headers["ETag"]),
        ("Key", "a&b"),
        ("Location", f"{wire.server.url}/{wire.bucket}/a%26b"),
    ]


def test_a_redirect(wire: Wire) -> None:
    url = "https://app.example.com/done?x=1"
    answer = send(wire, signed(wire, key="ä", success_action_redirect=url))
    assert answer.status_code == 303
    etag = answer.headers["ETag"].strip('"')
    assert answer.headers["Location"] == f"{url}&bucket={wire.bucket}&etag=%22{etag}%22&key=%C3%A4"
    for bad in ("javascript:alert(1)", "//evil.example", "https://a/\r\nX: y"):
        refused(send(wire, signed(wire, key="a", success_action_redirect=bad)), 400, "InvalidArgument")


@pytest.mark.parametrize(
    ("filename", "key"),
    [("film.mp4", "u/film.mp4"), ("../../etc/passwd", "u/passwd"), ("C:\\\\films\\\\a.mp4", "u/a.mp4"), ("", "u/")],
)
def test_the_files_name_may_be_part_of_the_key(wire: Wire, filename: str, key: str) -> None:
    form = signed(wire, ["starts-with", "$key", "u/"], key="u/${filename}")
    assert send(wire, form, filename=filename).status_code == 204
    assert stored(wire, key).content == b"hello"


def test_without_a_type_it_is_bytes(wire: Wire) -> None:
    assert send(wire, signed(wire, key="a"), mime="").status_code == 204
    assert stored(wire, "a").headers["Content-Type"] == "application/octet-stream"


def test_what_comes_after_the_file_is_ignored(wire: Wire) -> None:
    late = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="x-oss-meta-late"\r\n\r\n1\r\n'.encode()
    assert send(wire, signed(wire, key="a"), after=late).status_code == 204
    assert "x-oss-meta-late" not in stored(wire, "a").headers


def test_overwriting_can_be_forbidden(wire: Wire) -> None:
    form = signed(wire, key="once", **{"x-oss-forbid-overwrite": "true"})
    assert send(wire, form).status_code == 204
    refused(send(wire, form, b"other"), 409, "FileAlreadyExists")
    assert stored(wire, "once").content == b"hello"


def test_a_callback_comes_with_its_variables_as_fields(wire: Wire) -> None:
    with CallbackApp() as app:
        asked, _ = callback.encode(CallbackParameters((app.url,), "${operation} ${object} ${x:uid} ${contentMd5}"))
        answer = send(wire, signed(wire, key="a", callback=asked, **{"x:uid": "7 7", "success_action_status": "200"}))
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        md5 = answer.headers["Content-MD5"].replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")
        assert app.calls[0].body.decode() == f"PostObject a 7%207 {md5}"
    refused(send(wire, signed(wire, key="a", callback="!")), 400, "InvalidArgument")


def test_a_virtual_host_takes_forms_too(wire: Wire) -> None:
    host = f"{wire.bucket}.localhost:{wire.server.port}"
    answer = wire.target("POST", "/", {"Host": host, "Content-Type": TYPE}, body_of(signed(wire, key="a"), b"x"))
    assert answer.status_code == 204
    assert answer.headers["Location"] == f"http://{host}/a"


# Malformed forms


def test_no_file_no_key_no_form(fresh: Wire) -> None:
    refused(send(fresh, signed(fresh, key="never"), None), 400, "IncorrectNumberOfFilesInPOSTRequest")
    refused(send(fresh, signed(fresh)), 400, "InvalidArgument")
    for key in ("/a", "\\a", "ä" * 512):
        refused(send(fresh, signed(fresh, key=key)), 400, "InvalidObjectName")
    for kind in (
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
    ):
        body = body_of(signed(fresh, key="never"), b"x")
        answer = fresh.target("POST", f"/{fresh.bucket}", {"Content-Type": kind}, body)
        assert answer.status_code == 400
        assert b"POSTRequest</Code>" in answer.content


@pytest.mark.parametrize("cut", ["the end", "the last boundary", "in the file"])
def test_a_form_that_is_cut_off_stores_nothing(fresh: Wire, cut: str) -> None:
    body = body_of(signed(fresh, key="never"), b"hello" * 100)
    ends = {"the end": len(body) - 4, "the last boundary": len(body) - 20, "in the file": len(body) - 200}
    answer = fresh.target("POST", f"/{fresh.bucket}", {"Content-Type": TYPE}, body[: ends[cut]])
    refused(answer, 400, "MalformedPOSTRequest")


def test_a_connection_that_ends_within_the_file_stores_nothing(fresh: Wire) -> None:
    body = body_of(signed(fresh, key="never"), b"hello" * 100)
    lines = f"Host: 127.0.0.1\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    head = f"POST /{fresh.bucket} HTTP/1.1\r\n{lines}".encode()
    assert b"IncompleteBody" in raw(fresh.server, head + body[:-200], end=True)


def test_fields_have_their_limits(fresh: Wire) -> None:
    form = signed(fresh, key="never")
    refused(send(fresh, {**form, "x-oss-meta-a": "a" * (2 * 1024 * 1024 + 1)}), 400, "FieldItemTooLong")
    many = {f"f{number}": "a" * 2_000_000 for number in range(5)}
    refused(send(fresh, {**form, **many}), 400, "MalformedPOSTRequest")
    refused(send(fresh, {**form, **{f"f{number}": "" for number in range(1100)}}), 400, "MalformedPOSTRequest")
    refused(send(fresh, {**form, "x-oss-meta-a": "a\r\nX: y"}), 400, "InvalidArgument")
    refused(send(fresh, {**form, "x-oss-meta-a": "a" * 9000}), 400, "InvalidArgument")
    refused(send(fresh, {**form, "x-oss-object-acl": "mine"}), 400, "InvalidArgument")
    refused(send(fresh, {**form, "x-oss-traffic-limit": "1"}), 400, "InvalidArgument")


def test_memory_does_not_grow_with_the_file() -> None:
    """64 MiB in one form: the process may not have held it."""
    size = 64 << 20
    with LocalServer() as server, Wire(server, server.bucket) as wire:
        head, _, tail = body_of(signed(wire, key="big"), b"\0").partition(b"\0")

        def pieces() -> Iterator[bytes]:
            yield head
            for _ in range(64):
                yield bytes(1 << 20)
            yield tail

        headers = {"Content-Type": TYPE, "Content-Length": str(len(head) + size + len(tail))}
        assert wire.target("POST", f"/{wire.bucket}", headers, pieces()).status_code == 204
        assert wire.call("HEAD", "big").headers["Content-Length"] == str(size)
        assert server.process is not None
        process = Path(f"/proc/{server.process.pid}")
        (worker,) = (process / f"task/{server.process.pid}/children").read_text().split()
        lines = Path(f"/proc/{worker}/status").read_text().splitlines()
        (peak,) = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    assert peak < 110 * 1024
