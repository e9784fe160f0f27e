"""The signer against the vendors' vectors, and against the vendors' own signers on what nobody wrote down."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import oss2
import oss2.auth
import pytest
from alibabacloud_oss_v2 import credentials as v2_credentials
from alibabacloud_oss_v2.signer.v4 import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import vectors
from uploads.oss import signing
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials, PartRequest, PartSigner, Scope


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def credentials_of(given: dict[str, Any]) -> Credentials:
    return Credentials(given["access_key_id"], given["access_key_secret"], given["security_token"])


def ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["id"] for case in cases]


PRESIGNED = vectors("v4_presigned_urls")["vectors"]
HEADERS = vectors("v4_header_authorization")["vectors"]
UNIT = [case for case in vectors("sdk_unit_signatures")["vectors"] if case["version"] == "v4"]
WIRE = [case for case in vectors("sdk_wire_requests")["requests"] if case["signature_version"] == "v4"]


@pytest.mark.parametrize("vector", PRESIGNED, ids=ids(PRESIGNED))
def test_presigned_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    url = signing.presign(
        credentials_of(given),
        given["region"],
        moment(given["signing_time"]),
        given["expires"],
        given["method"],
        expected["url"].partition("?")[0],
        given["bucket"],
        given["key"],
        given["query"].items(),
        given["headers"],
        given["additional_headers"],
        given["product"],
    )
    assert url == expected["url"]


@pytest.mark.parametrize("vector", PRESIGNED, ids=ids(PRESIGNED))
def test_each_step_of_a_presigned_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    scope = Scope(given["signing_time"][:8], given["region"], given["product"])
    credentials = credentials_of(given)
    headers, extra = signing.canonical_headers(given["headers"], given["additional_headers"])
    shared = signing.presign_query(credentials, scope, given["signing_time"], given["expires"], extra)
    request = signing.canonical_request(
        given["method"],
        signing.canonical_uri(given["bucket"], given["key"]),
        signing.canonical_query([*given["query"].items(), *shared]),
        headers,
        extra,
    )
    string = signing.string_to_sign(request, given["signing_time"], scope)
    key = signing.signing_key(credentials.access_key_secret, scope)
    assert request == expected["canonical_request"]
    assert string == expected["string_to_sign"]
    assert key.hex() == expected["signing_key_hex"]
    assert signing.signature(key, string) == expected["signature"]


@pytest.mark.parametrize("vector", HEADERS, ids=ids(HEADERS))
def test_authorization_header_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    sent = signing.authorization(
        credentials_of(given),
        given["region"],
        moment(given["signing_time"]),
        given["method"],
        given["bucket"],
        given["key"],
        given["query"].items(),
        given["headers"],
        given["additional_headers"],
        given["product"],
    )
    assert sent["Authorization"] == expected["authorization"]


@pytest.mark.parametrize("vector", UNIT, ids=ids(UNIT))
def test_signature_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(vector["time"], UTC)
    credentials, query = credentials_of(vector["credentials"]), [tuple(pair) for pair in vector["query"]]
    product = vector["product"] or "oss"
    if vector["mode"] == "header":
        sent = signing.authorization(
            credentials,
            vector["region"],
            now,
            vector["method"],
            vector["bucket"],
            vector["key"],
            query,
            vector["headers"],
            vector["additional_headers"],
            product,
        )
        signature = sent["Authorization"].rpartition("Signature=")[2]
    else:
        url = signing.presign(
            credentials,
            vector["region"],
            now,
            vector["expires_seconds"],
            vector["method"],
            "https://example",
            vector["bucket"],
            vector["key"],
            query,
            vector["headers"],
            vector["additional_headers"],
            product,
        )
        signature = url.rpartition("x-oss-signature=")[2]
    assert signature == vector["expected_signature"]


def test_the_vectors_are_there() -> None:
    assert (len(PRESIGNED), len(HEADERS), len(UNIT), len(WIRE)) >= (79, 40, 10, 40)


PARTS = [
    v for v in PRESIGNED if set(v["input"]["query"]) == {"partNumber", "uploadId"} and v["input"]["method"] == "PUT"
]
PARTS = [v for v in PARTS if not v["input"]["additional_headers"] and set(v["input"]["headers"]) <= {"Content-MD5"}]


@pytest.mark.parametrize("vector", PARTS, ids=ids(PARTS))
def test_batch_signs_as_one_by_one(vector: dict[str, Any]) -> None:
    given, url = vector["input"], vector["expected"]["url"]
    signer = PartSigner(
        credentials_of(given),
        given["region"],
        moment(given["signing_time"]),
        given["expires"],
        url.partition("?")[0],
        given["bucket"],
        given["key"],
        given["query"]["uploadId"],
    )
    part = PartRequest(int(given["query"]["partNumber"]), content_md5=given["headers"].get("Content-MD5"))
    assert signer.url(part) == url


def test_batch_binds_size_md5_and_type_as_presign_does() -> None:
    now, credentials = moment("20260115T083000Z"), Credentials("id", "secret", "token/+=")
    shared = (credentials, "cn-hangzhou", now, 900)
    address = "https://b.oss-cn-hangzhou.aliyuncs.com/a%20b"
    signer = PartSigner(*shared, address, "b", "a b", "U", query=[("x-oss-traffic-limit", "819200")])
    md5 = "eEKfdGLWNqhNnJIvSVWZxQ=="
    for part, headers in (
        (PartRequest(7, size=5), {"Content-Length": "5"}),
        (PartRequest(7, content_md5=md5), {"Content-MD5": md5}),
        (PartRequest(7, content_type="video/mp4"), {"Content-Type": "video/mp4"}),
        (PartRequest(7, content_md5=md5, content_type="a/b"), {"Content-MD5": md5, "Content-Type": "a/b"}),
        (PartRequest(7, size=5, content_md5=md5), {"Content-Length": "5", "Content-MD5": md5}),
    ):
        query = [("partNumber", "7"), ("uploadId", "U"), ("x-oss-traffic-limit", "819200")]
        expected = signing.presign(
            *shared, "PUT", address, "b", "a b", query=query, headers=headers, additional=["content-length"]
        )
        assert signer.url(part) == expected


# Against the SDKs, on keys that nobody thought of.

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)
KEYS = TEXT.filter(lambda key: key[0] not in "/\\")
META = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


@settings(max_examples=2000, deadline=None)
@given(key=KEYS, number=st.integers(1, 10_000), token=st.none() | META, content_type=st.none() | META)
def test_agrees_with_alibabacloud_oss_v2(key: str, number: int, token: str | None, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    address = Endpoint("https://oss-cn-hangzhou.aliyuncs.com").url_of("bucket", key)
    query = [("partNumber", str(number)), ("uploadId", "0004B9894A22E5B1888A1E29F8236E2D")]
    ours = signing.presign(
        Credentials("id", "secret", token), "cn-hangzhou", NOW, 900, "PUT", address, "bucket", key, query, headers
    )
    request = HttpRequest("PUT", f"{address}?partNumber={number}&uploadId={query[1][1]}", headers=headers)
    context = SigningContext(
        product="oss",
        region="cn-hangzhou",
        bucket="bucket",
        key=key,
        request=request,
        credentials=v2_credentials.Credentials("id", "secret", token),
        signing_time=NOW,
    )
    context.expiration_time = NOW + timedelta(seconds=900)
    context.auth_method_query = True
    SignerV4().sign(context)
    assert dict(parse_qsl(urlsplit(ours).query, True)) == dict(parse_qsl(urlsplit(request.url).query, True))


@settings(max_examples=2000, deadline=None)
@given(key=KEYS, number=st.integers(1, 10_000))
def test_agrees_with_oss2(key: str, number: int) -> None:
    given, query = {"x-oss-meta-a": "b", "Content-Type": "video/mp4"}, {"partNumber": str(number), "uploadId": "U"}
    request = oss2.http.Request(
        "PUT", "https://example", params=query, headers=dict(given), region="cn-hangzhou", product="oss"
    )
    oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider("id", "secret"))._sign_request(
        request, "bucket", key
    )
    now = moment(request.headers["x-oss-date"])
    sent = signing.authorization(
        Credentials("id", "secret"), "cn-hangzhou", now, "PUT", "bucket", key, query.items(), given
    )
    assert signature_of(sent["Authorization"]) == signature_of(request.headers["authorization"])


def signature_of(authorization: str) -> str:
    return authorization.partition("Signature=")[2].partition(",")[0]
