"""Version 1 signatures against the vendors' vectors and the literals of their own unit tests."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from tests.localoss import v1_client
from tests.vectors_reader import vectors
from uploads.localoss import signing_v1
from uploads.oss.signing import Credentials, OssRequest

VECTORS = vectors("v1_signatures")
UNIT = [case for case in vectors("sdk_unit_signatures")["vectors"] if case["version"] == "v1"]


def credentials_of(given: dict[str, Any]) -> Credentials:
    return Credentials(given["access_key_id"], given["access_key_secret"], given["security_token"])


@pytest.mark.parametrize("vector", VECTORS["header"], ids=lambda v: v["id"])
def test_authorization_header_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    headers = {**given["headers"], given["date_header_name"]: given["date"]}
    now = datetime.strptime(given["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    request = OssRequest(given["method"], given["bucket"], given["key"], given["query"].items(), headers)
    sent = v1_client.authorization(credentials_of(given), request, now)
    assert sent["Authorization"] == expected["authorization"]
    assert sent[given["date_header_name"]] == given["date"]


@pytest.mark.parametrize("vector", VECTORS["header"], ids=lambda v: v["id"])
def test_string_to_sign_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    headers = dict(given["headers"])
    if given["date_header_name"] == "x-oss-date":
        headers["x-oss-date"] = given["date"]
    if given["security_token"]:
        headers["x-oss-security-token"] = given["security_token"]
    resource = signing_v1.canonicalized_resource(given["bucket"], given["key"], given["query"].items())
    assert signing_v1.string_to_sign(given["method"], given["date"], headers, resource) == expected["string_to_sign"]


@pytest.mark.parametrize("vector", VECTORS["query"], ids=lambda v: v["id"])
def test_signed_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    request = OssRequest(given["method"], given["bucket"], given["key"], given["query"].items(), given["headers"])
    address = expected["url"].partition("?")[0]
    url = v1_client.presign(credentials_of(given), request, address, given["expires_epoch"])
    assert sorted(url.partition("?")[2].split("&")) == sorted(expected["url"].partition("?")[2].split("&"))


def request_of(vector: dict[str, Any]) -> OssRequest:
    query = [tuple(pair) for pair in vector["query"]]
    return OssRequest(vector["method"], vector["bucket"] or "", vector["key"] or "", query, vector["headers"])


HEADER_UNIT = [case for case in UNIT if case["mode"] == "header"]
QUERY_UNIT = [case for case in UNIT if case["mode"] == "query" and case["expiration_time"]]


@pytest.mark.parametrize("vector", HEADER_UNIT, ids=lambda v: v["id"])
def test_signature_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(vector["time"], UTC)
    sent = v1_client.authorization(credentials_of(vector["credentials"]), request_of(vector), now)
    assert sent["Authorization"] == vector["expected_authorization"]


@pytest.mark.parametrize("vector", QUERY_UNIT, ids=lambda v: v["id"])
def test_signed_url_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    credentials = credentials_of(vector["credentials"])
    url = v1_client.presign(credentials, request_of(vector), "https://example", vector["expiration_time"])
    assert unquote(url.rpartition("Signature=")[2]) == vector["expected_signature"]
