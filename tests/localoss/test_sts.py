"""STS on the OSS port: who gets credentials, and what these can do and cannot."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import vectors
from tests.localoss.support import Wire, encoded, refused, result
from uploads.localoss.addressing import Address
from uploads.localoss.body import Body
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import AccessKey, KeyRing, Role
from uploads.localoss.request import Request, parse_query
from uploads.localoss.sts import Sts
from uploads.localoss.testing import LocalServer
from uploads.localoss.tokens import TokenCipher, new_session, token_cipher
from uploads.oss import markup, policy, signing, sts, v1
from uploads.oss.messages import build_complete
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, parse_assume_role

ROLE = DEMO_ROLE.arn
NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


def ask(server: LocalServer, request: AssumeRole, *, credentials: Credentials | None = None,
        now: datetime | None = None, nonce: str | None = None) -> httpx.Response:  # fmt: skip
    """In the way of ACS3."""
    query, headers = sts.sign_assume_role(
        credentials or Credentials(server.access_key_id, server.access_key_secret), request,
        f"127.0.0.1:{server.port}", now or datetime.now(UTC), nonce or secrets.token_hex(8),
    )  # fmt: skip
    return httpx.post(f"{server.url}/?{query}", headers=headers)


def lend(server: LocalServer, text: str = "", seconds: int = 900) -> Credentials:
    answer = ask(server, AssumeRole(ROLE, "user-7", seconds, text))
    assert answer.status_code == 200, answer.text
    return parse_assume_role(answer.content).credentials


def rpc(server: LocalServer, *, in_body: bool = True, **changed: str | None) -> httpx.Response:
    """In the older way; None leaves a parameter out."""
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
    text = sts.rpc_string_to_sign("POST", given)
    given.setdefault("Signature", sts.rpc_signature(server.access_key_secret, text))
    if in_body:
        return httpx.post(server.url, data=given)
    return httpx.post(f"{server.url}/?{sts.canonical_query(given)}")


def says(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert (answer.status_code, answer.json().get("Code")) == (status, code), answer.text
    assert set(answer.json()) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    return answer.json()


# Who gets credentials


def test_credentials_are_lent_in_the_shape_of_the_manual(oss_server: LocalServer) -> None:
    answer = ask(oss_server, AssumeRole(ROLE, "user-7", 900))
    document = answer.json()
    assert document["AssumedRoleUser"]["Arn"] == f"{ROLE}/user-7"
    assert document["AssumedRoleUser"]["AssumedRoleId"].endswith(":user-7")
    assert document["Credentials"]["AccessKeyId"].startswith("STS.")
    left = datetime.fromisoformat(document["Credentials"]["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize("in_body", [True, False])
def test_the_older_signature_is_taken_in_query_and_body(oss_server: LocalServer, in_body: bool) -> None:
    assert parse_assume_role(rpc(oss_server, in_body=in_body).content).credentials.access_key_id.startswith("STS.")


def test_without_a_format_the_older_way_answers_xml(oss_server: LocalServer) -> None:
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
def test_the_older_way_is_refused_in_its_words(
    oss_server: LocalServer, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = rpc(oss_server, **changed)
    if code == "InvalidAction.NotFound":
        assert (answer.status_code, code in answer.text) == (404, True)
    else:
        says(answer, status, code)


def test_a_wrong_signature_is_told_what_should_have_been_signed(oss_server: LocalServer) -> None:
    assert "POST&%2F&AccessKeyId" in says(rpc(oss_server, Signature="AAAA"), 400, "SignatureDoesNotMatch")["Message"]
    forged = Credentials(oss_server.access_key_id, "wrong")
    request = AssumeRole(ROLE, "user-7", 900)
    says(ask(oss_server, request, credentials=forged), 400, "SignatureDoesNotMatch")


def test_a_request_is_good_once(oss_server: LocalServer) -> None:
    nonce = secrets.token_hex(8)
    assert rpc(oss_server, SignatureNonce=nonce).status_code == 200
    says(rpc(oss_server, SignatureNonce=nonce), 400, "SignatureNonceUsed")
    assert ask(oss_server, AssumeRole(ROLE, "user-7", 900), nonce=nonce + "x").status_code == 200
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), nonce=nonce + "x"), 400, "SignatureNonceUsed")


def test_the_lent_do_not_lend(oss_server: LocalServer) -> None:
    lent = lend(oss_server)
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), credentials=lent), 403, "NoPermission")


def test_a_request_from_another_time_is_refused(oss_server: LocalServer) -> None:
    past = datetime.now(UTC) - timedelta(minutes=16)
    says(ask(oss_server, AssumeRole(ROLE, "user-7", 900), now=past), 400, "InvalidTimeStamp.Expired")


def test_an_acs3_request_must_sign_what_says_what_it_means(oss_server: LocalServer) -> None:
    query, headers = sts.sign_assume_role(
        Credentials(oss_server.access_key_id, oss_server.access_key_secret), AssumeRole(ROLE, "user-7", 900),
        f"127.0.0.1:{oss_server.port}", datetime.now(UTC), "n",
    )  # fmt: skip
    says(httpx.post(f"{oss_server.url}/?{query}", headers=headers, content=b"x=y"), 400, "IncompleteSignature")
    unsigned = {**headers, "x-acs-security-token": "CAIS"}
    says(httpx.post(f"{oss_server.url}/?{query}", headers=unsigned), 400, "IncompleteSignature")
    says(httpx.post(f"{oss_server.url}/?{query}&Policy=x", headers=headers), 400, "SignatureDoesNotMatch")


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=5), st.binary(max_size=50))
@settings(max_examples=100, deadline=None)
def test_whatever_is_asked_is_answered(oss_server: LocalServer, parameters: dict[str, str], body: bytes) -> None:
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{oss_server.url}/?Action=AssumeRole&{query}", content=body, headers=form)
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
    keys = KeyRing([AccessKey("LTAI5tExampleKeyId", vector["access_key_secret"])], [Role(arn, policy.Policy(()))])
    now = datetime(2026, 11, 21, 0, 28, 20, tzinfo=UTC)
    answer = Sts(keys, TokenCipher(bytes(32))).answer(wire_request(vector), now)
    assert isinstance(answer.body, bytes)
    assert parse_assume_role(answer.body).role_user_arn == f"{arn}/upload-42"


# What they can do

ONE_KEY = policy.document(
    [
        policy.allow(
            ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"], ["acs:oss:*:*:demo-bucket/sts/a b.mov"]
        )
    ]
)


@pytest.fixture
def lent(oss_server: LocalServer) -> Iterator[Wire]:
    """A client with credentials for one key."""
    with Wire(oss_server, oss_server.bucket) as wire:
        wire.credentials = lend(oss_server, ONE_KEY)
        yield wire


def test_credentials_for_one_key_upload_it(lent: Wire) -> None:
    key = "sts/a b.mov"
    upload = lent.initiate(key)
    done = lent.parts(key, upload, [b"hello"])
    assert result(lent.call("GET", key, [("uploadId", upload)]), "ListPartsResult").findtext("Part/Size") == "5"
    assert lent.complete(key, upload, build_complete(done)).status_code == 200
    other = lent.initiate(key)
    assert lent.call("DELETE", key, [("uploadId", other)]).status_code == 204


def test_credentials_for_one_key_do_nothing_else(lent: Wire) -> None:
    key = "sts/a b.mov"
    copied = {"x-oss-copy-source": f"/demo-bucket/{encoded('other')}"}
    for method, name, query, headers in [
        ("GET", key, [], None),
        ("HEAD", key, [], None),
        ("DELETE", key, [], None),
        ("PUT", "sts/a b.mov2", [], None),
        ("PUT", "sts/a", [], None),
        ("POST", "other", [("uploads", "")], None),
        ("PUT", key, [("acl", "")], {"x-oss-object-acl": "public-read"}),
        ("GET", key, [("acl", "")], None),
        ("PUT", key, [], {"x-oss-tagging": "a=b"}),
        ("PUT", key, [], copied),
        ("GET", "", [], None),
        ("GET", "", [("uploads", "")], None),
        ("GET", "", [("cors", "")], None),
        ("PUT", "", [("cors", "")], None),
        ("PUT", "", [("lifecycle", "")], None),
        ("DELETE", "", [], None),
    ]:
        document = refused(lent.call(method, name, query, headers), 403, "AccessDenied")
        assert document.findtext("EC") == "0003-00000301", (method, name, query)
    refused(lent.call("GET", "", bucket=""), 403, "AccessDenied")
    body = b"<Delete><Object><Key>sts/a b.mov</Key></Object></Delete>"
    refused(lent.call("POST", "", [("delete", "")], content=body), 403, "AccessDenied")


def test_a_session_has_no_more_than_its_role(tmp_path: Path) -> None:
    narrow = tmp_path / "policy.json"
    narrow.write_text(policy.document([policy.allow(["oss:GetObject"], ["acs:oss:*:*:*"])]))
    with LocalServer(tmp_path / "root", ["--role-policy", str(narrow)]) as server, Wire(server, server.bucket) as wire:
        wire.put("a", b"hello")
        wire.credentials = lend(server, policy.document([policy.allow(["oss:*"], ["*"])]))
        assert wire.call("GET", "a").content == b"hello"
        refused(wire.call("PUT", "a", content=b"x"), 403, "AccessDenied")


def test_lists_are_limited_by_prefix(oss_server: LocalServer) -> None:
    condition = {"StringLike": {"oss:Prefix": ["user-7/*"]}}
    text = policy.document([policy.allow(["oss:ListMultipartUploads"], ["acs:oss:*:*:demo-bucket"], condition)])
    with Wire(oss_server, oss_server.bucket) as wire:
        wire.credentials = lend(oss_server, text)
        assert wire.call("GET", "", [("uploads", ""), ("prefix", "user-7/a")]).status_code == 200
        refused(wire.call("GET", "", [("uploads", ""), ("prefix", "user-8/")]), 403, "AccessDenied")
        refused(wire.call("GET", "", [("uploads", "")]), 403, "AccessDenied")


def test_the_place_of_the_caller_counts(oss_server: LocalServer) -> None:
    for address, status in (("127.0.0.0/8", 200), ("10.0.0.0/8", 403)):
        condition = {"IpAddress": {"acs:SourceIp": address}, "Bool": {"acs:SecureTransport": "false"}}
        with Wire(oss_server, oss_server.bucket) as wire:
            wire.credentials = lend(oss_server, policy.document([policy.allow(["oss:*"], ["*"], condition)]))
            assert wire.call("PUT", "sts/place", content=b"x").status_code == status


# Tokens


def test_signed_urls_carry_the_rights_of_their_credentials(lent: Wire) -> None:
    assert lent.target("PUT", lent.presigned("PUT", "sts/a b.mov"), {}, b"x").status_code == 200
    refused(lent.target("PUT", lent.presigned("PUT", "sts/other"), {}, b"x"), 403, "AccessDenied")


def test_version_1_takes_tokens_too(lent: Wire) -> None:
    for key, status in (("sts/a b.mov", 200), ("sts/other", 403)):
        expires = int(datetime.now(UTC).timestamp()) + 60
        target = f"/demo-bucket/{encoded(key)}"
        url = v1.presign(lent.credentials, expires, "PUT", target, "demo-bucket", key)
        assert lent.target("PUT", url, {}, b"x").status_code == status
        headers = v1.authorization(lent.credentials, datetime.now(UTC), "PUT", "demo-bucket", key)
        assert lent.target("PUT", target, headers, b"x").status_code == status


def changed(credentials: Credentials, token: str | None) -> Credentials:
    return Credentials(credentials.access_key_id, credentials.access_key_secret, token)


def test_a_token_of_somebody_else_or_none_is_refused(oss_server: LocalServer, lent: Wire) -> None:
    mine, other = lent.credentials, lend(oss_server)
    assert mine.security_token is not None
    middle = mine.security_token[:40] + ("A" if mine.security_token[40] != "A" else "B") + mine.security_token[41:]
    for token, code in [
        (middle, "InvalidSecurityToken"),
        (mine.security_token[:-8], "InvalidSecurityToken"),
        ("CAIS", "InvalidSecurityToken"),
        ("ü", "InvalidSecurityToken"),
        (other.security_token, "InvalidSecurityToken"),
        (None, "InvalidAccessKeyId"),
    ]:
        lent.credentials = changed(mine, token)
        refused(lent.call("PUT", "sts/a b.mov", content=b"x"), 403, code)
        refused(lent.target("PUT", lent.presigned("PUT", "sts/a b.mov"), {}, b"x"), 403, code)
    lent.credentials = Credentials(oss_server.access_key_id, oss_server.access_key_secret, other.security_token)
    refused(lent.call("PUT", "sts/a b.mov", content=b"x"), 403, "AccessKeyIdAndSecurityTokenNotMatch")
    lent.credentials = Credentials(mine.access_key_id, "wrong", mine.security_token)
    refused(lent.call("PUT", "sts/a b.mov", content=b"x"), 403, "SignatureDoesNotMatch")


def test_tokens_outlive_the_server_but_not_their_time(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        credentials = lend(server)
        server.kill()
        server.start()
        with Wire(server, server.bucket) as wire:
            wire.credentials = credentials
            wire.put("a", b"x")
        server.kill()
        cipher = token_cipher(tmp_path)
        ring = KeyRing([], [DEMO_ROLE], cipher)
        session = cipher.decrypt(credentials.security_token or "")
        assert session is not None
        ring.find(session.access_key_id, credentials.security_token, session.expires_at - timedelta(seconds=1))
        with pytest.raises(Refusal, match="SecurityTokenExpired"):
            ring.find(session.access_key_id, credentials.security_token, session.expires_at)
        assert (tmp_path / "sts.key").stat().st_mode & 0o077 == 0


def test_a_url_dies_with_its_token(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        session = new_session(ROLE, "user-7", "", int(datetime.now(UTC).timestamp()) - 1)
        with Wire(server, server.bucket) as wire:
            token = token_cipher(tmp_path).encrypt(session)
            wire.credentials = Credentials(session.access_key_id, session.access_key_secret, token)
            refused(wire.target("PUT", wire.presigned("PUT", "a", expires=600), {}, b"x"), 403, "SecurityTokenExpired")
            refused(wire.call("PUT", "a", content=b"x"), 403, "SecurityTokenExpired")


def test_token_is_decrypted_by_its_own_key_alone() -> None:
    session = new_session(ROLE, "user-7", "", 1)
    assert TokenCipher(bytes(32)).decrypt(TokenCipher(bytes(32)).encrypt(session)) == session
    assert TokenCipher(b"x" * 32).decrypt(TokenCipher(bytes(32)).encrypt(session)) is None
    assert session.access_key_secret not in TokenCipher(bytes(32)).encrypt(session)
    assert session.access_key_secret not in repr(session)


def test_a_role_that_is_gone_allows_nothing() -> None:
    cipher = TokenCipher(bytes(32))
    session = new_session("acs:ram::1:role/gone", "user-7", "", 2**31)
    key = KeyRing([], [DEMO_ROLE], cipher).find(session.access_key_id, cipher.encrypt(session), NOW)
    assert key.policies == (policy.Policy(()),)


def test_signing_time_counts_for_lent_keys_as_well(lent: Wire) -> None:
    past = datetime.now(UTC) - timedelta(minutes=16)
    refused(lent.call("PUT", "sts/a b.mov", content=b"x", now=past), 403, "RequestTimeTooSkewed")
    headers = signing.authorization(
        lent.credentials, lent.server.region, datetime.now(UTC), "PUT", "demo-bucket", "sts/a b.mov"
    )
    del headers["x-oss-security-token"]
    refused(lent.target("PUT", f"/demo-bucket/{encoded('sts/a b.mov')}", headers, b"x"), 403, "InvalidAccessKeyId")


def test_nothing_lent_stands_in_the_index(oss_server: LocalServer) -> None:
    credentials = lend(oss_server)
    stored = b"".join(path.read_bytes() for path in oss_server.root.glob("index*"))
    assert credentials.access_key_secret.encode() not in stored
    assert json.dumps(credentials.access_key_id).encode() not in stored
