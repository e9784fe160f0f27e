"""What stands around every answer, and who is let in."""

import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.localoss.support import LIMIT_SECONDS, Wire, raw, refused, result
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import NotFound
from uploads.oss.messages import CorsConfiguration, CorsRule
from uploads.oss.signing import Credentials, OssRequest, SigningContext, authorization, presign


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


def test_every_answer_says_who_when_and_which(wire: Wire) -> None:
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


def test_strangers_are_refused_everywhere(wire: Wire) -> None:
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
    refused(wire.call("PUT", bucket="made-by-stranger", signed=False), 403, "AccessDenied")
    refused(wire.call("GET", bucket="made-by-stranger"), 404, "NoSuchBucket")
    assert wire.call("GET", "a").content == b"x"


def test_public_read_lets_strangers_read_and_nothing_else(wire: Wire) -> None:
    assert wire.call("PUT", headers={"x-oss-acl": "public-read"}).status_code == 200
    wire.put("a", b"x")
    wire.put("own", b"x", {"x-oss-object-acl": "private"})
    assert wire.call("GET", "a", signed=False).content == b"x"
    refused(wire.call("GET", "own", signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", "a", signed=False, content=b"y"), 403, "AccessDenied")


def test_url_dies(wire: Wire) -> None:
    wire.put("a", b"x")
    past = datetime.now(UTC) - timedelta(seconds=120)
    assert wire.target("GET", wire.presigned("GET", "a", expires=300, now=past), {}).status_code == 200
    document = refused(wire.target("GET", wire.presigned("GET", "a", expires=60, now=past), {}), 403, "AccessDenied")
    assert document.findtext("Message") == "Request has expired."
    assert document.findtext("EC") == "0002-00000069"
    for name in ("Expires", "ServerTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", document.findtext(name) or "")
    ahead = datetime.now(UTC) + timedelta(minutes=16)
    refused(wire.target("GET", wire.presigned("GET", "a", now=ahead), {}), 403, "AccessDenied")


def test_clock_may_differ_by_fifteen_minutes(wire: Wire) -> None:
    wire.put("a", b"x")
    now = datetime.now(UTC)
    for minutes in (-14, 14):
        assert wire.call("GET", "a", now=now + timedelta(minutes=minutes)).status_code == 200
    for minutes in (-16, 16):
        document = refused(wire.call("GET", "a", now=now + timedelta(minutes=minutes)), 403, "RequestTimeTooSkewed")
        assert document.findtext("MaxAllowedSkewMilliseconds") == "900000"
        assert document.findtext("RequestTime")
        assert document.findtext("ServerTime")
        assert document.findtext("EC") == "0002-00000504"


def test_additional_header_that_is_declared_must_be_sent(wire: Wire) -> None:
    request = OssRequest("GET", wire.bucket, "a", headers={"range": "bytes=0-1"}, additional=["range"])
    target = presign(wire.context(), request, f"/{wire.bucket}/a", 60)
    wire.put("a", b"xyz")
    assert wire.target("GET", target, {"Range": "bytes=0-1"}).content == b"xy"
    refused(wire.target("GET", target, {"Range": "bytes=0-2"}), 403, "SignatureDoesNotMatch")
    assert refused(wire.target("GET", target, {}), 400, "InvalidArgument").findtext("ArgumentValue") == "range"


@pytest.mark.parametrize(
    ("date", "message"), [("00010101", "Request has expired."), ("99991231", "Request is not valid yet.")]
)
def test_url_of_another_age_is_refused(wire: Wire, date: str, message: str) -> None:
    today = datetime.now(UTC).strftime("%Y%m%d")
    target = wire.presigned("GET", "a").replace(today, date)
    assert refused(wire.target("GET", target, {}), 403, "AccessDenied").findtext("Message") == message


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "soon", ""])
def test_date_must_be_one(wire: Wire, date: str) -> None:
    sent = authorization(wire.context(), OssRequest("GET", wire.bucket, "a"))
    del sent["x-oss-date"]
    document = refused(wire.target("GET", f"/{wire.bucket}/a", sent | {"Date": date}), 403, "AccessDenied")
    assert document.findtext("Message") == "OSS authentication requires a valid Date."


def test_tampering_is_refused_and_explained(wire: Wire) -> None:
    target = wire.presigned("PUT", "a")
    for changed, headers in (
        (target.replace("/a?", "/b?"), {}),
        (target.replace("x-oss-expires=60", "x-oss-expires=600"), {}),
        (f"{target}&partNumber=1", {}),
        (target, {"Content-Type": "text/plain"}),
        (target, {"x-oss-object-acl": "public-read"}),
    ):
        document = refused(wire.target("PUT", changed, headers, b"x"), 403, "SignatureDoesNotMatch")
        assert document.findtext("EC") == "0002-00000040"
        assert (document.findtext("CanonicalRequest") or "").startswith("PUT\n/")
        assert (document.findtext("StringToSign") or "").startswith("OSS4-HMAC-SHA256\n")
        assert wire.credentials.access_key_secret not in "".join(document.itertext())
    refused(wire.target("GET", target, {}), 403, "SignatureDoesNotMatch")
    wrong = Credentials(wire.credentials.access_key_id, "wrong")
    document = refused(wire.call("GET", "a", credentials=wrong), 403, "SignatureDoesNotMatch")
    assert document.findtext("EC") == "0002-00000201"
    assert (document.findtext("OSSAccessKeyId")) == wire.credentials.access_key_id
    refused(wire.call("GET", "a", credentials=Credentials("nobody", "x")), 403, "InvalidAccessKeyId")
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


def test_other_region_and_other_forms_are_refused(wire: Wire) -> None:
    context = SigningContext(wire.credentials, "cn-beijing", datetime.now(UTC))
    headers = authorization(context, OssRequest("GET", wire.bucket, "a"))
    document = refused(wire.target("GET", f"/{wire.bucket}/a", headers), 400, "InvalidArgument")
    assert document.findtext("EC") == "0002-00000226"
    both = wire.call("GET", "a", [("x-oss-signature-version", "OSS4-HMAC-SHA256")])
    refused(both, 400, "InvalidRequest")
    for value in ("OSS4-HMAC-SHA256", "OSS4-HMAC-SHA256 Credential=a/b", "Bearer x", ""):
        refused(wire.call("GET", "a", signed=False, unsigned={"Authorization": value}), 400, "InvalidArgument")
    refused(wire.call("GET", "a", signed=False, unsigned={"Authorization": "OSS a:b"}), 403, "AccessDenied")


def test_buckets_are_made_listed_described_and_deleted(wire: Wire) -> None:
    document = result(wire.call("GET", query=[("prefix", wire.bucket)], bucket=""), "ListAllMyBucketsResult")
    assert [text.text for text in document.iterfind("Buckets/Bucket/Name")] == [wire.bucket]
    document = result(wire.call("GET", query=[("bucketInfo", "")]), "BucketInfo")
    assert document.findtext("Bucket/Name") == wire.bucket
    assert document.findtext("Bucket/StorageClass") == "Standard"
    assert document.findtext("Bucket/AccessControlList/Grant") == "private"
    assert result(wire.call("GET", query=[("location", "")]), "LocationConstraint").text == "oss-cn-hangzhou"
    assert wire.call("PUT").status_code == 200, "its owner may repeat it"
    wire.put("a", b"x")
    refused(wire.call("DELETE"), 409, "BucketNotEmpty")
    wire.call("DELETE", "a")
    assert wire.call("DELETE").status_code == 204
    document = refused(wire.call("GET", "a"), 404, "NoSuchBucket")
    assert document.findtext("BucketName") == wire.bucket


@pytest.mark.parametrize("name", ["ab", "UPPER", "a_b", "-ab", "ab-", "a" * 64, ".."])
def test_bucket_names_are_oss_own(wire: Wire, name: str) -> None:
    document = refused(wire.call("PUT", bucket=name), 400, "InvalidBucketName")
    assert document.findtext("BucketName") == name


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 20000 + b"\r\n\r\n",
        b"GET /" + b"k" * 10000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /a/b HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"PUT /a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["line", "version", "header", "long header", "long target", "length", "two lengths"],
)
def test_unreadable_request_is_refused_in_oss_words(wire: Wire, sent: bytes) -> None:
    answer = raw(wire.server, sent, end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>InvalidRequest</Code>" in answer
    assert b"x-oss-request-id: " in answer
    assert b"nonsense" not in answer


def test_broken_chunks_are_an_incomplete_body(wire: Wire) -> None:
    head = f"PUT {wire.presigned('PUT', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(wire.server, f"{head}5\r\nhello\r\nzz\r\n".encode(), end=True)
    assert b"<Code>IncompleteBody</Code>" in answer
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


@pytest.mark.parametrize("domain", ["oss.test", "oss.localhost"])
def test_buckets_have_host_names(domain: str, tmp_path: Path) -> None:
    with LocalServer(tmp_path, ["--base-domain", domain, "--bucket", "demo-bucket"]) as server:
        wire = Wire(server, "demo-bucket")
        with wire:
            wire.put("a/b", b"x")
            target = wire.presigned("GET", "a/b").removeprefix("/demo-bucket")
            for host in (f"demo-bucket.{domain}", f"DEMO-bucket.{domain}:9000", "demo-bucket.localhost:1"):
                answer = wire.target("GET", target, {"Host": host})
                assert (answer.status_code, answer.content) == (200, b"x"), answer.text
            direct = wire.target("GET", wire.presigned("GET", "a/b"), {"Host": domain})
            assert direct.content == b"x"


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


def test_second_server_on_a_root_does_not_start(oss_server: LocalServer) -> None:
    command = [sys.executable, "-m", "uploads.localoss", "--root", str(oss_server.root), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"localoss: {oss_server.root} is in use by another local OSS server"
