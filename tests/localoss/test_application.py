"""The headers of every response, and the errors of every operation."""

import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.localoss.support import LIMIT_SECONDS, Wire, raw, refused
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import NotFound


def answers(wire: Wire) -> list[httpx.Response]:
    wire.put("a", b"x")
    return [
        wire.call("GET", "a"),
        wire.call("HEAD", "a"),
        wire.call("GET", "b"),
        wire.call("HEAD", "b"),
        wire.call("DELETE", "a"),
        wire.call("PUT", "a", content=b"x", signed=False),
        wire.call("OPTIONS", "a", signed=False),
        wire.call("GET", bucket="UPPER"),
    ]


def test_every_response_has_server_date_and_request_id(wire: Wire) -> None:
    given = answers(wire)
    identifiers = [answer.headers["x-oss-request-id"] for answer in given]
    assert all(re.fullmatch("[0-9A-F]{24}", identifier) for identifier in identifiers)
    assert len(set(identifiers)) == len(identifiers)
    for answer in given:
        assert answer.headers["Server"] == "AliyunOSS"
        assert abs(parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
        assert answer.headers["x-oss-server-time"].isdigit()
        assert len(answer.headers.get_list("Date")) == len(answer.headers.get_list("Server")) == 1


def test_connection_is_kept_over_errors(wire: Wire) -> None:
    """A new connection for each part would cost a browser its speed."""
    paths = [wire.presigned("GET", "no"), wire.presigned("GET", "no"), f"/{wire.bucket}/no"]
    with socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS) as connection:
        reader = connection.makefile("rb")
        for path in paths:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            length = 0
            assert reader.readline().startswith(b"HTTP/1.1 40")
            while (line := reader.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert b"<Error>" in reader.read(length)
        reader.close()


def test_error_of_head_is_in_its_header(wire: Wire) -> None:
    answer = wire.call("HEAD", "missing")
    document = refused(answer, 404, "NoSuchKey")
    assert answer.content == b""
    assert answer.headers["x-oss-ec"] == document.findtext("EC") == "0026-00000001"
    assert document.findtext("HostId") == wire.server.url.removeprefix("http://")


def test_projects_own_client_uses_it(wire: Wire) -> None:
    client = OssClient(Endpoint.parse(wire.server.url, "path"), wire.server.region, wire.credentials)
    upload = client.initiate(wire.bucket, "a", {"Content-Type": "video/mp4"})
    parts = wire.parts("a", upload, [b"x"])
    listed = client.list_parts(wire.bucket, "a", upload)
    assert [(part.number, part.etag, part.size) for part in listed] == [(1, parts[0].etag, 1)]
    done = client.complete(wire.bucket, "a", upload, listed)
    head = client.head(wire.bucket, "a")
    assert (head.etag, head.crc64, head.size, head.content_type) == (done.etag, done.crc64, 1, "video/mp4")
    client.close()


def test_log_holds_no_secrets(tmp_path: Path, capfd: Any) -> None:
    with LocalServer(tmp_path) as server, Wire(server, server.bucket) as wire:
        wire.put("a", b"x")
        refused(wire.target("GET", wire.presigned("GET", "a") + "0", {}), 403, "SignatureDoesNotMatch")
        raw(server, b"GET /secret-nonsense\r\n\r\n", end=True)
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "signature" not in printed.out


def test_every_call_of_the_projects_own_client(wire: Wire) -> None:
    bucket, key = wire.bucket, "odd/视频 a+b%2F(1)'~.mp4"
    with OssClient(Endpoint.parse(wire.server.url, "path"), wire.server.region, wire.credentials) as oss:
        upload_id = oss.initiate(bucket, key, {"Content-Type": "video/mp4"})
        assert oss.list_parts(bucket, key, upload_id) == []
        assert [held.upload_id for held in oss.all_uploads(bucket, "odd/")] == [upload_id]
        oss.abort(bucket, key, upload_id)
        oss.abort(bucket, key, upload_id)
        put = oss.put_object(bucket, key, b"hello", {"Content-Type": "text/plain"})
        head = oss.head(bucket, key)
        assert (head.etag, head.crc64, head.size) == (put.etag, put.crc64, 5)
        assert oss.get_range(bucket, key, 1, 3, head.etag) == b"ell"
        assert [name for page in oss.list_objects(bucket, "odd/") for name in page.keys] == [key]
        oss.delete_object(bucket, key)
        with pytest.raises(NotFound):
            oss.head(bucket, key)
        rules = CorsConfiguration((CorsRule(("https://a.example",), ("PUT",), ("*",), ("ETag",), 60),))
        oss.put_cors(bucket, rules)
        assert oss.get_cors(bucket) == rules
