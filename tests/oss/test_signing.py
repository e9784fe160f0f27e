"""The signer against the vendors' vectors."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.vectors_reader import for_each, vectors
from uploads.oss import post, signing
from uploads.oss.http import HttpRequest
from uploads.oss.signing import Credentials, OssRequest, PartRequest, PartSigner, SigningContext


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def credentials_of(given: dict[str, Any]) -> Credentials:
    return Credentials(given["access_key_id"], given["access_key_secret"], given["security_token"])


def context_of(given: dict[str, Any]) -> SigningContext:
    return SigningContext(credentials_of(given), given["region"], moment(given["signing_time"]), given["product"])


def request_of(given: dict[str, Any]) -> OssRequest:
    return OssRequest(
        given["method"], given["bucket"], given["key"], given["query"].items(), given["headers"],
        given["additional_headers"],
    )  # fmt: skip


PRESIGNED = vectors("v4_presigned_urls")["vectors"]
HEADERS = vectors("v4_header_authorization")["vectors"]
UNIT = [case for case in vectors("sdk_unit_signatures")["vectors"] if case["version"] == "v4"]
WIRE = [case for case in vectors("sdk_wire_requests")["requests"] if case["signature_version"] == "v4"]


@for_each(PRESIGNED)
def test_presigned_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    address = expected["url"].partition("?")[0]
    assert signing.presign(context_of(given), request_of(given), address, given["expires"]) == expected["url"]


@for_each(PRESIGNED)
def test_each_step_of_a_presigned_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    context = context_of(given)
    headers, extra = signing.canonical_headers(given["headers"], given["additional_headers"])
    shared = signing.presign_query(context, given["expires"], extra)
    request = signing.canonical_request(
        given["method"],
        signing.canonical_uri(given["bucket"], given["key"]),
        signing.canonical_query([*given["query"].items(), *shared]),
        headers,
        extra,
    )
    string = signing.string_to_sign(request, context.date, context.scope)
    key = signing.signing_key(context.credentials.access_key_secret, context.scope)
    assert request == expected["canonical_request"]
    assert string == expected["string_to_sign"]
    assert key.hex() == expected["signing_key_hex"]
    assert signing.signature(key, string) == expected["signature"]


@for_each(HEADERS)
def test_authorization_header_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    sent = signing.authorization(context_of(given), request_of(given))
    assert sent["Authorization"] == expected["authorization"]


@for_each(UNIT)
def test_signature_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    now, credentials = datetime.fromtimestamp(vector["time"], UTC), credentials_of(vector["credentials"])
    context = SigningContext(credentials, vector["region"], now, vector["product"] or "oss")
    request = request_of({**vector, "query": dict(vector["query"])})
    if vector["mode"] == "header":
        signature = signing.authorization(context, request)["Authorization"].rpartition("Signature=")[2]
    else:
        url = signing.presign(context, request, "https://example", vector["expires_seconds"])
        signature = url.rpartition("x-oss-signature=")[2]
    assert signature == vector["expected_signature"]


def test_the_vectors_are_there() -> None:
    assert (len(PRESIGNED), len(HEADERS), len(UNIT), len(WIRE)) >= (79, 40, 10, 40)


PARTS = [
    v for v in PRESIGNED if set(v["input"]["query"]) == {"partNumber", "uploadId"} and v["input"]["method"] == "PUT"
]
PARTS = [v for v in PARTS if not v["input"]["additional_headers"] and set(v["input"]["headers"]) <= {"Content-MD5"}]


@for_each(PARTS)
def test_batch_signs_as_one_by_one(vector: dict[str, Any]) -> None:
    given, url = vector["input"], vector["expected"]["url"]
    request = OssRequest("PUT", given["bucket"], given["key"], [("uploadId", given["query"]["uploadId"])])
    signer = PartSigner(context_of(given), request, url.partition("?")[0], given["expires"])
    part = PartRequest(int(given["query"]["partNumber"]), content_md5=given["headers"].get("Content-MD5"))
    assert signer.url(part) == url


def test_batch_binds_size_md5_and_type_as_presign_does() -> None:
    context = SigningContext(Credentials("id", "secret", "token/+="), "cn-hangzhou", moment("20260115T083000Z"))
    address = "https://b.oss-cn-hangzhou.aliyuncs.com/a%20b"
    shared = [("uploadId", "U"), ("x-oss-traffic-limit", "819200")]
    signer = PartSigner(context, OssRequest("PUT", "b", "a b", shared), address, 900)
    md5 = "eEKfdGLWNqhNnJIvSVWZxQ=="
    for part, headers in (
        (PartRequest(7, size=5), {"Content-Length": "5"}),
        (PartRequest(7, content_md5=md5), {"Content-MD5": md5}),
        (PartRequest(7, content_type="video/mp4"), {"Content-Type": "video/mp4"}),
        (PartRequest(7, content_md5=md5, content_type="a/b"), {"Content-MD5": md5, "Content-Type": "a/b"}),
        (PartRequest(7, size=5, content_md5=md5), {"Content-Length": "5", "Content-MD5": md5}),
    ):
        request = OssRequest("PUT", "b", "a b", [("partNumber", "7"), *shared], headers, ["content-length"])
        assert signer.url(part) == signing.presign(context, request, address, 900)


def test_no_secret_is_in_a_repr() -> None:
    context = SigningContext(Credentials("id", "hidden-1", "hidden-2"), "cn-hangzhou", moment("20260115T083000Z"))
    callback = {"x-oss-callback-var": "hidden-3"}
    request = OssRequest("PUT", "b", "a", list(callback.items()), callback)
    sent = HttpRequest("PutObject", "PUT", "https://b.example/a", signing.authorization(context, request))
    assert "hidden" not in repr((context, request, sent))
    assert "Signature" not in repr(sent)


def test_a_batch_takes_no_headers_for_all_parts() -> None:
    context = SigningContext(Credentials("id", "secret"), "cn-hangzhou", moment("20260115T083000Z"))
    with pytest.raises(ValueError, match="PartRequest"):
        PartSigner(context, OssRequest("PUT", "b", "a", headers={"Content-Type": "a/b"}), "https://b.example/a", 900)


@pytest.mark.parametrize(("left", "life"), [(None, 900), (901, 900), (899, 899), (0.5, 1), (-10, 1)])
def test_a_signature_lives_no_longer_than_its_credentials(left: float | None, life: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    expires_at = None if left is None else now + timedelta(seconds=left)
    credentials = Credentials("id", "secret", "token", expires_at=expires_at)
    assert SigningContext(credentials, "cn-hangzhou", now).life(900) == life


def test_times_are_those_of_utc() -> None:
    east = datetime(2026, 1, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))
    assert signing.timestamp(east) == "20251231T233000Z"


def test_times_are_those_of_utc_on_a_server_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    context = SigningContext(Credentials("id", "secret"), "cn-hangzhou", now)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        stamp = signing.timestamp(now)
        form = post.signed_fields(context, "b", {}, (1, 1), 600)
    time.tzset()
    assert stamp == form["x-oss-date"] == "20260115T083000Z"
    assert json.loads(base64.b64decode(form["policy"]))["expiration"] == "2026-01-15T08:40:00.000Z"


def test_the_names_of_signed_headers_are_in_lower_case() -> None:
    context = SigningContext(Credentials("id", "secret", "token"), "cn-hangzhou", datetime(2026, 1, 1, tzinfo=UTC))
    sent = signing.authorization(context, OssRequest("GET", "bucket", "key"))
    assert set(sent) == {"x-oss-date", "x-oss-content-sha256", "x-oss-security-token", "Authorization"}


def test_the_urls_of_many_parts_are_those_of_each() -> None:
    context = SigningContext(Credentials("id", "secret", ""), "cn-hangzhou", datetime(2026, 1, 1, tzinfo=UTC))
    request = OssRequest("PUT", "bucket", "key", [("uploadId", "M")])
    signer = PartSigner(context, request, "https://bucket.oss.example/key", 900)
    assert list(signer.urls([3, 1])) == [signer.url(PartRequest(3)), signer.url(PartRequest(1))]
