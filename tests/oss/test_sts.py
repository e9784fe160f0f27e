"""AssumeRole: the ACS3 signature against the vendor's SDKs, and the parsed answer."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.vectors_reader import vectors
from uploads.oss import sts
from uploads.oss.errors import Malformed
from uploads.oss.signing import Credentials

VECTORS = vectors("sts_assume_role")


def is_ours(given: dict[str, Any]) -> bool:
    """Whether we ask for such things, in such headers."""
    return len(given["headers"]) == 6 and {"DurationSeconds"} <= set(given["query"]) <= {
        "RoleArn", "RoleSessionName", "DurationSeconds", "Policy",
    }  # fmt: skip


def case(vector: dict[str, Any]) -> Any:
    return pytest.param(vector, id=vector.get("id") or vector.get("sdk"))


@pytest.mark.parametrize("vector", [*map(case, VECTORS["acs3"])])
def test_acs3(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    payload = hashlib.sha256(given["body"].encode()).hexdigest()
    canonical = sts.acs3_canonical_request(
        given["method"], given["query"], given["headers"], sorted(given["headers"]), payload
    )
    assert canonical == expected["canonical_request"]
    text = sts.acs3_string_to_sign(canonical)
    assert text == expected["string_to_sign"]
    assert sts.acs3_signature(given["access_key_secret"], text) == expected["signature"]


@pytest.mark.parametrize("vector", [case(vector) for vector in VECTORS["acs3"] if is_ours(vector["input"])])
def test_a_request_of_ours_is_what_the_sdk_sends(vector: dict[str, Any]) -> None:
    given = vector["input"]
    query = given["query"]
    request = sts.AssumeRole(
        query["RoleArn"], query["RoleSessionName"], int(query["DurationSeconds"]), query.get("Policy", "")
    )
    now = datetime.fromisoformat(given["headers"]["x-acs-date"])
    encoded, headers = sts.sign_assume_role(
        Credentials(given["access_key_id"], given["access_key_secret"]), request, given["headers"]["host"], now,
        given["headers"]["x-acs-signature-nonce"],
    )  # fmt: skip
    assert dict(parse_qsl(encoded)) == query
    assert headers["Authorization"] == vector["expected"]["authorization"]


def test_the_response_is_parsed() -> None:
    body = (
        b'{"Credentials":{"AccessKeyId":"STS.N1","AccessKeySecret":"s3cr3t","SecurityToken":"CAIS",'
        b'"Expiration":"2026-01-15T09:30:00Z"},"AssumedRoleUser":{"Arn":"acs:ram::1:role/r/s"}}'
    )
    issued = sts.parse_assume_role(body)
    assert issued.credentials == Credentials("STS.N1", "s3cr3t", "CAIS")
    assert (issued.expires_at, issued.role_user_arn) == (
        datetime(2026, 1, 15, 9, 30, tzinfo=UTC),
        "acs:ram::1:role/r/s",
    )
    assert "s3cr3t" not in repr(issued)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"Credentials":{}}', b'{"Credentials":{"AccessKeyId":"s3cr3t"}}', b"[" * 9999]
)
def test_a_response_without_credentials_is_malformed_and_not_quoted(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        sts.parse_assume_role(body)
    assert "s3cr3t" not in str(caught.value)
