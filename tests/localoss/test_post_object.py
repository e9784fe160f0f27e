"""PostObject at the local OSS: forms as browsers send them, held to their policy."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.callback_app import CallbackApp
from tests.localoss.support import Wire, raw, refused
from tests.localoss.test_sts import lend
from uploads.localoss import signing_v1
from uploads.localoss.testing import LocalServer
from uploads.oss import callback, markup, policy, post
from uploads.oss.callback import CallbackParameters
from uploads.oss.signing import ALGORITHM, Credentials, timestamp

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def body_of(fields: dict[str, str], content: bytes | None, filename: str = "film.mp4", mime: str = "video/mp4",
            after: bytes = b"", end: bytes = b"--") -> bytes:  # fmt: skip
    """The form in bytes; without a content, without a file."""
    pieces = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if content is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        kind = f"Content-Type: {mime}\r\n" if mime else ""
        pieces.append(f"{head}{kind}\r\n".encode() + content + b"\r\n")
    return b"".join(pieces) + after + f"--{BOUNDARY}".encode() + end + b"\r\n"


def send(wire: Wire, fields: dict[str, str], content: bytes | None = b"hello", **more: Any) -> httpx.Response:
    return wire.target("POST", f"/{wire.bucket}", {"Content-Type": TYPE}, body_of(fields, content, **more))


def v4_form(wire: Wire, fields: dict[str, str], sizes: tuple[int, int] = (0, 1000), *, expires: int = 60,
            now: datetime | None = None, credentials: Credentials | None = None) -> dict[str, str]:  # fmt: skip
    return post.signed_fields(wire.context(now, credentials), wire.bucket, fields, sizes, expires)


def signed(wire: Wire, *conditions: object, version: int = 4, expires: float = 60, **fields: str) -> dict[str, str]:
    """A form with these conditions and no others but those that must be."""
    now = datetime.now(UTC)
    end = (now + timedelta(seconds=expires)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if version == 1:
        policy = post.encode(end, conditions)
        mark = signing_v1.signature(wire.credentials.access_key_secret, policy)
        return {"OSSAccessKeyId": wire.credentials.access_key_id, "policy": policy, "Signature": mark, **fields}
    scope = wire.context(now).scope
    proof = {
        "x-oss-signature-version": ALGORITHM,
        "x-oss-credential": f"{wire.credentials.access_key_id}/{scope}",
        "x-oss-date": timestamp(now),
    }
    policy = post.encode(end, [*({name: value} for name, value in proof.items()), *conditions])
    mark = post.signature(wire.credentials.access_key_secret, scope, policy)
    return {**proof, "policy": policy, "x-oss-signature": mark, **fields}


def stored(wire: Wire, key: str) -> httpx.Response:
    answer = wire.call("GET", key)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
def fresh(wire: Wire) -> Iterator[Wire]:
    """Nothing under `never` before or after."""
    yield wire
    refused(wire.call("HEAD", "never"), 404, "NoSuchKey")


# What is stored, and what is said


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
    assert httpx.get(f"{wire.server.url}/{wire.bucket}/own/a%20b.bin").text == "hello"
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


# Who may


def message(answer: httpx.Response, code: str = "AccessDenied", status: int = 403) -> str:
    return refused(answer, status, code).findtext("Message") or ""


@pytest.mark.parametrize(
    "condition",
    [
        {"bucket": "other"},
        ["eq", "$key", "other"],
        ["starts-with", "$key", "other"],
        ["in", "$content-type", ["image/png"]],
        ["not-in", "$content-type", ["video/mp4"]],
        {"x-oss-object-acl": "private"},
        {"success_action_status": "201"},
    ],
)
@pytest.mark.parametrize("version", [1, 4])
def test_every_condition_is_enforced(fresh: Wire, condition: object, version: int) -> None:
    assert "Invalid according to Policy: Policy Condition failed: [" in message(
        send(fresh, signed(fresh, condition, version=version, key="never"))
    )


@pytest.mark.parametrize(("sizes", "code"), [((6, 9), "EntityTooSmall"), ((0, 4), "EntityTooLarge")])
@pytest.mark.parametrize("version", [1, 4])
def test_the_size_is_enforced(fresh: Wire, sizes: tuple[int, int], code: str, version: int) -> None:
    refused(send(fresh, signed(fresh, ["content-length-range", *sizes], version=version, key="never")), 400, code)


@pytest.mark.parametrize("version", [1, 4])
def test_a_policy_ends(fresh: Wire, version: int) -> None:
    answer = send(fresh, signed(fresh, version=version, expires=-2, key="never"))
    assert message(answer) == "Invalid according to Policy: Policy expired."
    assert answer.headers["x-oss-ec"] == "0006-00000213"


@pytest.mark.parametrize("version", [1, 4])
def test_tampering_shows(fresh: Wire, version: int) -> None:
    form = signed(fresh, version=version, key="never")
    mark = "x-oss-signature" if version == 4 else "Signature"
    for changed in ({mark: form[mark][:-2] + "00"}, {"policy": form["policy"].replace("e", "f", 1)}):
        document = refused(send(fresh, {**form, **changed}), 403, "SignatureDoesNotMatch")
        assert document.findtext("StringToSign") == {**form, **changed}["policy"]
    for name in {"OSSAccessKeyId", "policy", "x-oss-credential", "x-oss-date", mark} & form.keys():
        refused(send(fresh, {key: value for key, value in form.items() if key != name}), 400, "InvalidArgument")


def test_keys_that_are_not_ours(fresh: Wire) -> None:
    unknown = Credentials("nobody", "secret")
    refused(send(fresh, v4_form(fresh, {"key": "never"}, credentials=unknown)), 403, "InvalidAccessKeyId")
    refused(
        send(fresh, {**signed(fresh, version=1, key="never"), "OSSAccessKeyId": "nobody"}), 403, "InvalidAccessKeyId"
    )
    wrong = Credentials(fresh.credentials.access_key_id, "wrong")
    refused(send(fresh, v4_form(fresh, {"key": "never"}, credentials=wrong)), 403, "SignatureDoesNotMatch")


def test_v4_proof_is_checked(fresh: Wire) -> None:
    form = v4_form(fresh, {"key": "never"})
    for name, value, code in (
        ("x-oss-signature-version", "OSS2", "InvalidArgument"),
        ("x-oss-credential", form["x-oss-credential"].replace("hangzhou", "beijing"), "InvalidArgument"),
        ("x-oss-date", "yesterday", "InvalidArgument"),
    ):
        refused(send(fresh, {**form, name: value}), 400, code)
    now = datetime.now(UTC)
    assert "not valid yet" in message(send(fresh, v4_form(fresh, {"key": "never"}, now=now + timedelta(minutes=20))))
    old = v4_form(fresh, {"key": "never"}, now=now - timedelta(days=8), expires=700_000 + 86_400 * 8)
    assert "expired" in message(send(fresh, old))


def test_the_proof_of_v4_must_be_in_the_policy(fresh: Wire) -> None:
    form = v4_form(fresh, {"key": "never"})
    content = json.loads(base64.b64decode(form["policy"]))
    for name in ("x-oss-date", "x-oss-credential", "x-oss-signature-version"):
        kept = [condition for condition in content["conditions"] if f"${name}" not in condition]
        policy = post.encode(content["expiration"], kept)
        scope = fresh.context().scope
        mark = post.signature(fresh.credentials.access_key_secret, scope, policy)
        assert name in message(send(fresh, {**form, "policy": policy, "x-oss-signature": mark}))


def test_an_unreadable_policy(fresh: Wire) -> None:
    policy = base64.b64encode(b"{").decode()
    mark = signing_v1.signature(fresh.credentials.access_key_secret, policy)
    form = {"OSSAccessKeyId": fresh.credentials.access_key_id, "policy": policy, "Signature": mark, "key": "never"}
    refused(send(fresh, form), 400, "InvalidPolicyDocument")


def test_lent_credentials_are_held_to_their_policy(wire: Wire) -> None:
    mine = policy.allow(["oss:PutObject"], [policy.object_resource(wire.bucket, "mine/") + "*"])
    credentials = lend(wire.server, policy.document([mine]))
    assert send(wire, v4_form(wire, {"key": "mine/a"}, credentials=credentials)).status_code == 204
    assert "policy" in message(send(wire, v4_form(wire, {"key": "other/a"}, credentials=credentials)))
    form = v4_form(wire, {"key": "mine/b"}, credentials=credentials)
    del form["x-oss-security-token"]
    refused(send(wire, form), 403, "InvalidAccessKeyId")


def test_strangers_may_where_the_bucket_lets_them(wire: Wire) -> None:
    assert "bucket acl" in message(send(wire, {"key": "never"}))
    assert wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "public-read-write"}).status_code == 200
    try:
        assert send(wire, {"key": "a"}).status_code == 204
    finally:
        wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "private"})


# What no browser sends


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
