"""After SIGKILL at any moment, the server has all data that it acknowledged, and no other."""

import hashlib
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.localoss.support import LIMIT_SECONDS, SMALLEST, Unfinished, Wire, answer_on, bytes_of, refused
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket, StoredPart, Upload
from uploads.localoss.store.uploads import Choice
from uploads.localoss.store.versions import FREE
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.messages import Part, build_complete

TOTAL = 40


def content(number: int) -> bytes:
    return bytes_of(SMALLEST + number, number)


def etag(number: int) -> str:
    return hashlib.md5(content(number)).hexdigest().upper()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "root") as server:
        yield server


def blobs(server: LocalServer) -> dict[str, tuple[int, int]]:
    """Every file of bytes: its inode and when it was last written."""
    found = (path for path in (server.root / "blobs").rglob("*") if path.is_file())
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def listed(wire: Wire, key: str, upload: str) -> list[Part]:
    client = OssClient(Endpoint.parse(wire.server.url, "path"), wire.server.region, wire.credentials)
    try:
        return client.list_parts(wire.bucket, key, upload)
    finally:
        client.close()


def finish(wire: Wire, upload: str, missing: set[int]) -> None:
    """Upload the missing parts and complete; the object must have the bytes of all parts."""
    for number in missing:
        assert wire.part("film", upload, number, content(number)).status_code == 200
    whole = [Part(number, etag(number)) for number in range(1, TOTAL + 1)]
    assert wire.complete("film", upload, build_complete(whole)).status_code == 200
    assert wire.call("GET", "film").content == b"".join(content(number) for number in range(1, TOTAL + 1))


@pytest.mark.parametrize("acknowledged", [1, 20])
def test_every_acknowledged_part_survives_a_kill(server: LocalServer, acknowledged: int) -> None:
    wire = Wire(server, server.bucket)
    upload = wire.initiate("film")
    half = Unfinished(wire, "film", [("partNumber", "9999"), ("uploadId", upload)])
    killed, lock = threading.Event(), threading.Lock()
    done: list[int] = []

    def send(number: int) -> None:
        if killed.is_set():
            return
        try:
            answer = wire.part("film", upload, number, content(number))
        except httpx.TransportError:
            return
        assert answer.headers["ETag"] == f'"{etag(number)}"'
        with lock:
            done.append(number)
            if len(done) == acknowledged:
                server.kill()
                killed.set()

    with wire, half, ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(1, TOTAL + 1)))
    assert killed.is_set()
    assert acknowledged <= len(done) < TOTAL
    left_behind = len(blobs(server))
    port = server.port

    server.start()
    assert server.port == port
    with Wire(server, server.bucket) as wire:
        parts = listed(wire, "film", upload)
        numbers = {part.number for part in parts}
        assert numbers >= set(done)
        assert 9999 not in numbers
        for part in parts:
            assert (part.etag, part.size) == (etag(part.number), len(content(part.number)))
        assert len(blobs(server)) == len(parts) < left_behind, "what no part owns has been swept"
        finish(wire, upload, set(range(1, TOTAL + 1)) - numbers)


def test_completed_object_and_rules_survive_a_kill(server: LocalServer) -> None:
    rules = (
        b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
        b"</CORSRule></CORSConfiguration>"
    )
    with Wire(server, server.bucket) as wire:
        wire.put("small", b"x")
        upload = wire.initiate("film")
        parts = wire.parts("film", upload, [content(1), content(2)])
        done = wire.complete("film", upload, build_complete(parts))
        assert wire.call("PUT", query=[("cors", "")], content=rules).status_code == 200
        open_upload = wire.initiate("other")
    server.kill()
    server.start()
    with Wire(server, server.bucket) as wire:
        got = wire.call("GET", "film")
        assert got.content == content(1) + content(2)
        assert got.headers["ETag"] == done.headers["ETag"]
        assert got.headers["x-oss-hash-crc64ecma"] == done.headers["x-oss-hash-crc64ecma"]
        assert wire.call("GET", "small").content == b"x"
        assert b"<AllowedMethod>PUT" in wire.call("GET", query=[("cors", "")]).content
        refused(wire.complete("film", upload, build_complete(parts)), 404, "NoSuchUpload")
        assert listed(wire, "other", open_upload) == []


def test_half_an_upload_of_an_object_leaves_the_old_one(server: LocalServer) -> None:
    with Wire(server, server.bucket) as wire:
        wire.put("a", b"old")
        with Unfinished(wire, "a"):
            assert len(blobs(server)) == 2
            server.kill()
    server.start()
    with Wire(server, server.bucket) as wire:
        assert wire.call("GET", "a").content == b"old"
    assert len(blobs(server)) == 1


def test_completing_copies_no_bytes(server: LocalServer) -> None:
    with Wire(server, server.bucket) as wire:
        upload = wire.initiate("film")
        parts = wire.parts("film", upload, [content(number) for number in range(1, 6)])
        before = blobs(server)
        assert len(before) == 5
        assert wire.complete("film", upload, build_complete(parts)).status_code == 200
        assert blobs(server) == before
        assert wire.call("GET", "film").content == b"".join(content(number) for number in range(1, 6))


def test_unreferenced_blobs_are_removed(server: LocalServer) -> None:
    with Wire(server, server.bucket) as wire:
        upload = wire.initiate("a")
        parts = wire.parts("a", upload, [content(1), content(2), content(3)])
        wire.part("a", upload, 1, content(1))
        assert len(blobs(server)) == 3, "a replaced part is gone"
        wire.complete("a", upload, build_complete([parts[0], parts[2]]))
        assert len(blobs(server)) == 2, "a part not listed is gone"
        wire.put("a", b"x")
        assert len(blobs(server)) == 1, "a replaced object is gone"
        wire.call("DELETE", "a")
        assert len(blobs(server)) == 0
        upload = wire.initiate("a")
        wire.parts("a", upload, [content(1)])
        assert wire.call("DELETE", "a", [("uploadId", upload)]).status_code == 204
        assert len(blobs(server)) == 0, "an aborted upload is gone"


def test_refused_blobs_are_removed(server: LocalServer) -> None:
    with Wire(server, server.bucket) as wire:
        upload = wire.initiate("a")
        refused(wire.part("a", upload, 1, b"x", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}), 400, "InvalidDigest")
        assert blobs(server) == {}


def test_stop_ends_every_process_and_frees_the_port(server: LocalServer) -> None:
    port = server.port
    server.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    server.start()
    with Wire(server, server.bucket) as wire:
        wire.put("a", b"x")


def test_worker_ends_with_its_parent(server: LocalServer) -> None:
    """Whoever started it may be killed alone; then nothing may hold the port or the root."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert answer_on(connection).startswith(b"HTTP/1.1 403 ")
        assert server.process is not None
        server.process.kill()
        assert connection.recv(1) == b""
    server.stop()
    server.start()
    with Wire(server, server.bucket) as wire:
        wire.put("a", b"x")


def test_upload_that_ended_meanwhile_is_not_completed_twice(tmp_path: Path) -> None:
    """What two requests that look at the same moment rely on: the transaction looks again."""
    store = Store(tmp_path)
    store.prepare()
    store.buckets.create(Bucket("bucket", 0))
    upload = Upload("ID", "bucket", "a", 0)
    store.uploads.create(upload)
    assert store.uploads.abort("bucket", "a", "ID")

    def choose(parts: list[StoredPart]) -> Choice:
        raise AssertionError("there is nothing to choose from")

    assert store.uploads.complete(upload, choose, FREE) is None
    with store.blobs.receive([b"x"]) as blob:
        assert not store.uploads.put_part(upload, 1, blob, 0)
    store.close()


def test_an_index_of_an_earlier_version_is_migrated(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    store.close()
    old = sqlite3.connect(tmp_path / "index.sqlite3")
    old.executescript(
        "ALTER TABLE buckets DROP COLUMN overwrite; ALTER TABLE buckets DROP COLUMN lifecycle;"
        "ALTER TABLE uploads DROP COLUMN sequential; ALTER TABLE buckets DROP COLUMN settings;"
        "ALTER TABLE objects DROP COLUMN version; DROP TABLE versions; DROP TABLE account;"
        "PRAGMA user_version = 0;"
        "INSERT INTO buckets VALUES ('some-bucket', 1, 'private', 'Standard', NULL);"
        "INSERT INTO uploads VALUES ('some-bucket', x'61', 'id', 1, '{}');"
    )
    old.close()
    for _ in range(2):
        store = Store(tmp_path)
        store.prepare()
        assert store.buckets.get("some-bucket") == Bucket("some-bucket", 1)
        assert store.uploads.get("some-bucket", "a", "id") is not None
        store.close()
