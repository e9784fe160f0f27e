"""AssumeRole: who gets credentials, in both forms of signature."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import http
from tests.localoss.assume_role import ROLE, ask, issue
from tests.vectors_reader import vectors
from uploads.localoss import sts_rpc
from uploads.localoss.addressing import Address
from uploads.localoss.body import Body
from uploads.localoss.keys import AccessKey, KeyRing, Role
from uploads.localoss.policy import Policy
from uploads.localoss.request import Request, parse_query
from uploads.localoss.sts import Sts
from uploads.localoss.testing import LocalServer
from uploads.localoss.tokens import TokenCipher
from uploads.oss import markup, policy, sts
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, parse_assume_role

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


def rpc(server: LocalServer, *, in_body: bool = True, **changed: str | None) -> httpx.Response:
    """The response to a request in the RPC form. None leaves a parameter out."""
    parameters = {
        "Action": "AssumeRole",
        "Version": "2015-04-01",
        "Format": "JSON",
        "AccessKeyId": server.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(8),
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "RoleArn": ROLE,
        "RoleSessionName": "user-7",
    }
    given = {name: value for name, value in {**parameters, **changed}.items() if value is not None}
    text = sts_rpc.string_to_sign("POST", given)
    given.setdefault("Signature", sts_rpc.signature(server.access_key_secret, text))
    if in_body:
        return http.post(server.url, data=given)
    return http.post(f"{server.url}/?{sts.canonical_query(given)}")


def says(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert (answer.status_code, answer.json().get("Code")) == (status, code), answer.text
    assert set(answer.json()) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    return answer.json()


# AssumeRole


def test_credentials_have_the_form_of_the_manual(oss_server: LocalServer) -> None:
    answer = ask(oss_server, AssumeRole(ROLE, "user-7", 900))
    document = answer.json()
    assert document["AssumedRoleUser"]["Arn"] == f"{ROLE}/user-7"
    assert document["AssumedRoleUser"]["AssumedRoleId"].endswith(":user-7")
    assert document["Credentials"]["AccessKeyId"].startswith("STS.")
    left = datetime.fromisoformat(document["Credentials"]["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize("in_body", [True, False])
def test_rpc_signature_in_query_and_body(oss_server: LocalServer, in_body: bool) -> None:
    assert parse_assume_role(rpc(oss_server, in_body=in_body).content).credentials.access_key_id.startswith("STS.")


def test_rpc_answers_xml_without_a_format(oss_server: LocalServer) -> None:
    document = markup.parse(rpc(oss_server, Format=None).content)
    assert document.tag == "AssumeRoleResponse"
    assert (document.findtext("Credentials/AccessKeyId") or "").startswith("STS.")
    refusal = markup.parse(rpc(oss_server, Format=None, RoleArn="x").content)
    assert (refusal.tag, refusal.findtext("Code")) == ("Error", "InvalidParameter.RoleArn")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"RoleArn": "acs:ram::1:user/x"}, 400, "InvalidParameter.RoleArn"),
        ({"RoleArn": "acs:ram::1:role/unknown"}, 404, "EntityNotExist.Role"),
        ({"RoleArn": None}, 400, "MissingRoleArn"),
        ({"RoleSessionName": "a"}, 400, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "a b"}, 400, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "x" * 65}, 400, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": None}, 400, "MissingRoleSessionName"),
        ({"DurationSeconds": "899"}, 400, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "3601"}, 400, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "x"}, 400, "InvalidParameter.DurationSeconds"),
        ({"Policy": "{}"}, 400, "InvalidParameter.PolicyGrammar"),
        ({"Policy": " " * 2049}, 400, "InvalidParameter.PolicySize"),
        ({"Timestamp": "2026-01-15T08:30:00Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "today"}, 400, "InvalidTimeStamp.Format"),
        ({"Signature": "AAAA"}, 400, "SignatureDoesNotMatch"),
        ({"SignatureMethod": "HMAC-MD5"}, 400, "IncompleteSignature"),
        ({"SignatureNonce": None}, 400, "MissingSignatureNonce"),
        ({"AccessKeyId": "nobody"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"Action": "GetCallerIdentity"}, 404, "InvalidAction.NotFound"),
        ({"Version": "2014-01-01"}, 404, "InvalidAction.NotFound"),
    ],
)
def test_rpc_errors(oss_server: LocalServer, changed: dict[str, Any], status: int, code: str) -> None:
    answer = rpc(oss_server, **changed)
    if code == "InvalidAction.NotFound":
        assert (answer.status_code, code in answer.text) == (404, True)
    else:
        says(answer, status, code)


def test_a_wrong_signature_is_answered_with_the_string_to_sign(oss_server: LocalServer) -> None:
    assert "POST&%2F&AccessKeyId" in says(rpc(oss_server, Signature="AAAA"), 400, "SignatureDoesNotMatch")["Message"]
    forged = Credentials(oss_server.access_key_id, "wrong")
    request = AssumeRole(ROLE, "user-7", 900)
    says(ask(oss_server, request, credentials=forged), 400, "SignatureDoesNotMatch")


def test_a_nonce_is_valid_once(oss_server: LocalServer) -> None:
    nonce = secrets.token_hex(8)
    assert rpc(oss_server, SignatureNonce=nonce).status_code == 200
    says(rpc(oss_server, SignatureNonce=nonce), 400, "SignatureNonceUsed")
    assert ask(oss_server, AssumeRole(ROLE, "user-7", 900), nonce=nonce + "x").status_code == 200
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), nonce=nonce + "x"), 400, "SignatureNonceUsed")


def test_temporary_credentials_cannot_assume_a_role_without_the_right(oss_server: LocalServer) -> None:
    limited = issue(oss_server)
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), credentials=limited), 403, "NoPermission")


def test_a_role_assumes_another_one_that_its_policy_names(tmp_path: Path) -> None:
    """As the role of an ECS instance or of a service account does."""
    both = [policy.allow(["oss:*"], ["*"]), policy.allow(["sts:AssumeRole"], [ROLE])]
    (tmp_path / "policy.json").write_text(policy.document(both))
    with LocalServer(arguments=["--role-policy", str(tmp_path / "policy.json")]) as server:
        caller = issue(server)
        assert ask(server, AssumeRole(ROLE, "user-7", 900), credentials=caller).status_code == 200
        narrowed = issue(server, policy.document([policy.allow(["oss:*"], ["*"])]))
        says(ask(server, AssumeRole(ROLE, "user-7", 900), credentials=narrowed), 403, "NoPermission")
        forged = Credentials(caller.access_key_id, caller.access_key_secret, "CAISx")
        answer = ask(server, AssumeRole(ROLE, "user-7", 900), credentials=forged)
        says(answer, 400, "InvalidSecurityToken.Malformed")


def test_a_request_from_another_time_is_refused(oss_server: LocalServer) -> None:
    past = datetime.now(UTC) - timedelta(minutes=16)
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), now=past), 400, "InvalidTimeStamp.Expired")


def test_an_acs3_request_must_sign_its_headers_and_body(oss_server: LocalServer) -> None:
    query, headers = sts.sign_assume_role(
        Credentials(oss_server.access_key_id, oss_server.access_key_secret), AssumeRole(ROLE, "user-7", 900),
        f"127.0.0.1:{oss_server.port}", datetime.now(UTC), "n",
    )  # fmt: skip
    says(http.post(f"{oss_server.url}/?{query}", headers=headers, content=b"x=y"), 400, "IncompleteSignature")
    unsigned = {**headers, "x-acs-security-token": "CAIS"}
    says(http.post(f"{oss_server.url}/?{query}", headers=unsigned), 400, "IncompleteSignature")
    says(http.post(f"{oss_server.url}/?{query}&Policy=x", headers=headers), 400, "SignatureDoesNotMatch")


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=5), st.binary(max_size=50))
@settings(max_examples=100, deadline=None)
def test_every_request_gets_a_response(oss_server: LocalServer, parameters: dict[str, str], body: bytes) -> None:
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post(f"{oss_server.url}/?Action=AssumeRole&{query}", content=body, headers=form)
    assert 400 <= answer.status_code < 500


# The vendor's own requests


def wire_request(vector: dict[str, Any]) -> Request:
    headers = {name.lower(): value for name, value in vector["headers"]}
    body = vector["body"].encode()

    class Stream:
        def read(self, size: int) -> bytes:
            nonlocal body
            piece, body = body[:size], body[size:]
            return piece

    return Request(
        vector["method"], headers["host"], vector["target"], Address("", b"", True),
        parse_query(vector["target"].partition("?")[2]), headers, Body(Stream(), headers), "id",
    )  # fmt: skip


@pytest.mark.parametrize("vector", vectors("sts_assume_role")["wire_requests"], ids=lambda vector: vector["sdk"])
def test_what_the_sdks_sent_is_accepted(vector: dict[str, Any]) -> None:
    arn = "acs:ram::1234567890123456:role/example-upload-role"
    keys = KeyRing([AccessKey("LTAI5tExampleKeyId", vector["access_key_secret"])], [Role(arn, Policy(()))])
    now = datetime(2026, 11, 21, 0, 28, 20, tzinfo=UTC)
    answer = Sts(keys, TokenCipher(bytes(32))).answer(wire_request(vector), now)
    assert isinstance(answer.body, bytes)
    assert parse_assume_role(answer.body).role_user_arn == f"{arn}/upload-42"
