"""Version 1 signatures against the vendors' vectors and the literals of their own unit tests."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import vectors
from uploads.oss import v1
from uploads.oss.signing import Credentials

VECTORS = vectors("v1_signatures")
UNIT = [case for case in vectors("sdk_unit_signatures")["vectors"] if case["version"] == "v1"]


def credentials_of(given: dict[str, Any]) -> Credentials:
    return Credentials(given["access_key_id"], given["access_key_secret"], given["security_token"])


@pytest.mark.parametrize("vector", VECTORS["header"], ids=lambda v: v["id"])
def test_authorization_header_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    headers = {**given["headers"], given["date_header_name"]: given["date"]}
    now = datetime.strptime(given["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    where = (given["method"], given["bucket"], given["key"], given["query"].items())
    sent = v1.authorization(credentials_of(given), now, *where, headers)
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
    resource = v1.canonicalized_resource(given["bucket"], given["key"], given["query"].items())
    assert v1.string_to_sign(given["method"], given["date"], headers, resource) == expected["string_to_sign"]


@pytest.mark.parametrize("vector", VECTORS["query"], ids=lambda v: v["id"])
def test_signed_url_is_the_vendors(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    url = v1.presign(
        credentials_of(given),
        given["expires_epoch"],
        given["method"],
        expected["url"].partition("?")[0],
        given["bucket"],
        given["key"],
        given["query"].items(),
        given["headers"],
    )
    assert sorted(url.partition("?")[2].split("&")) == sorted(expected["url"].partition("?")[2].split("&"))


HEADER_UNIT = [case for case in UNIT if case["mode"] == "header"]
QUERY_UNIT = [case for case in UNIT if case["mode"] == "query" and case["expiration_time"]]


@pytest.mark.parametrize("vector", HEADER_UNIT, ids=lambda v: v["id"])
def test_signature_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    sent = v1.authorization(
        credentials_of(vector["credentials"]),
        datetime.fromtimestamp(vector["time"], UTC),
        vector["method"],
        vector["bucket"] or "",
        vector["key"] or "",
        [tuple(pair) for pair in vector["query"]],
        vector["headers"],
    )
    assert sent["Authorization"] == vector["expected_authorization"]


@pytest.mark.parametrize("vector", QUERY_UNIT, ids=lambda v: v["id"])
def test_signed_url_of_the_sdks_own_unit_tests(vector: dict[str, Any]) -> None:
    url = v1.presign(
        credentials_of(vector["credentials"]),
        vector["expiration_time"],
        vector["method"],
        "https://example",
        vector["bucket"],
        vector["key"],
        [tuple(pair) for pair in vector["query"]],
        vector["headers"],
    )
    assert unquote(url.rpartition("Signature=")[2]) == vector["expected_signature"]
