"""Temporary credentials: what they allow, and how long their tokens are valid."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.localoss import v1_client
from tests.localoss.assume_role import ROLE, issue
from tests.localoss.support import Wire, encoded, refused, result
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import KeyRing
from uploads.localoss.policy import Policy
from uploads.localoss.testing import LocalServer
from uploads.localoss.tokens import TokenCipher, new_session, token_cipher
from uploads.oss import policy, signing
from uploads.oss.messages import build_complete
from uploads.oss.signing import Credentials, OssRequest

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


# Permissions

ONE_KEY = policy.document(
    [
        policy.allow(
            ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"], ["acs:oss:*:*:demo-bucket/sts/a b.mov"]
        )
    ]
)


@pytest.fixture
def limited(oss_server: LocalServer) -> Iterator[Wire]:
    """A client with credentials for one key."""
    with Wire(oss_server, oss_server.bucket) as wire:
        wire.credentials = issue(oss_server, ONE_KEY)
        yield wire


def test_credentials_for_one_key_upload_it(limited: Wire) -> None:
    key = "sts/a b.mov"
    upload = limited.initiate(key)
    done = limited.parts(key, upload, [b"hello"])
    assert result(limited.call("GET", key, [("uploadId", upload)]), "ListPartsResult").findtext("Part/Size") == "5"
    assert limited.complete(key, upload, build_complete(done)).status_code == 200
    other = limited.initiate(key)
    assert limited.call("DELETE", key, [("uploadId", other)]).status_code == 204


def test_credentials_for_one_key_do_nothing_else(limited: Wire) -> None:
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
        document = refused(limited.call(method, name, query, headers), 403, "AccessDenied")
        assert document.findtext("EC") == "0003-00000301", (method, name, query)
    refused(limited.call("GET", "", bucket=""), 403, "AccessDenied")
    body = b"<Delete><Object><Key>sts/a b.mov</Key></Object></Delete>"
    refused(limited.call("POST", "", [("delete", "")], content=body), 403, "AccessDenied")


def test_a_session_has_no_more_than_its_role(tmp_path: Path) -> None:
    narrow = tmp_path / "policy.json"
    narrow.write_text(policy.document([policy.allow(["oss:GetObject"], ["acs:oss:*:*:*"])]))
    with LocalServer(tmp_path / "root", ["--role-policy", str(narrow)]) as server, Wire(server, server.bucket) as wire:
        wire.put("a", b"hello")
        wire.credentials = issue(server, policy.document([policy.allow(["oss:*"], ["*"])]))
        assert wire.call("GET", "a").content == b"hello"
        refused(wire.call("PUT", "a", content=b"x"), 403, "AccessDenied")


def test_lists_are_limited_by_prefix(oss_server: LocalServer) -> None:
    condition = {"StringLike": {"oss:Prefix": ["user-7/*"]}}
    text = policy.document([policy.allow(["oss:ListMultipartUploads"], ["acs:oss:*:*:demo-bucket"], condition)])
    with Wire(oss_server, oss_server.bucket) as wire:
        wire.credentials = issue(oss_server, text)
        assert wire.call("GET", "", [("uploads", ""), ("prefix", "user-7/a")]).status_code == 200
        refused(wire.call("GET", "", [("uploads", ""), ("prefix", "user-8/")]), 403, "AccessDenied")
        refused(wire.call("GET", "", [("uploads", "")]), 403, "AccessDenied")


def test_source_ip_is_a_condition(oss_server: LocalServer) -> None:
    for address, status in (("127.0.0.0/8", 200), ("10.0.0.0/8", 403)):
        condition = {"IpAddress": {"acs:SourceIp": address}, "Bool": {"acs:SecureTransport": "false"}}
        with Wire(oss_server, oss_server.bucket) as wire:
            wire.credentials = issue(oss_server, policy.document([policy.allow(["oss:*"], ["*"], condition)]))
            assert wire.call("PUT", "sts/place", content=b"x").status_code == status


# Tokens


def test_signed_urls_carry_the_rights_of_their_credentials(limited: Wire) -> None:
    assert limited.target("PUT", limited.presigned("PUT", "sts/a b.mov"), {}, b"x").status_code == 200
    refused(limited.target("PUT", limited.presigned("PUT", "sts/other"), {}, b"x"), 403, "AccessDenied")


def test_version_1_takes_tokens_too(limited: Wire) -> None:
    for key, status in (("sts/a b.mov", 200), ("sts/other", 403)):
        expires = int(datetime.now(UTC).timestamp()) + 60
        target = f"/demo-bucket/{encoded(key)}"
        url = v1_client.presign(limited.credentials, OssRequest("PUT", "demo-bucket", key), target, expires)
        assert limited.target("PUT", url, {}, b"x").status_code == status
        headers = v1_client.authorization(limited.credentials, OssRequest("PUT", "demo-bucket", key), datetime.now(UTC))
        assert limited.target("PUT", target, headers, b"x").status_code == status


def changed(credentials: Credentials, token: str | None) -> Credentials:
    return Credentials(credentials.access_key_id, credentials.access_key_secret, token)


def test_wrong_or_missing_token_is_refused(oss_server: LocalServer, limited: Wire) -> None:
    mine, other = limited.credentials, issue(oss_server)
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
        limited.credentials = changed(mine, token)
        refused(limited.call("PUT", "sts/a b.mov", content=b"x"), 403, code)
        refused(limited.target("PUT", limited.presigned("PUT", "sts/a b.mov"), {}, b"x"), 403, code)
    limited.credentials = Credentials(oss_server.access_key_id, oss_server.access_key_secret, other.security_token)
    refused(limited.call("PUT", "sts/a b.mov", content=b"x"), 403, "AccessKeyIdAndSecurityTokenNotMatch")
    limited.credentials = Credentials(mine.access_key_id, "wrong", mine.security_token)
    refused(limited.call("PUT", "sts/a b.mov", content=b"x"), 403, "SignatureDoesNotMatch")


def test_tokens_survive_a_restart_until_they_expire(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        credentials = issue(server)
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


def test_url_expires_with_its_token(tmp_path: Path) -> None:
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


def test_a_deleted_role_allows_nothing() -> None:
    cipher = TokenCipher(bytes(32))
    session = new_session("acs:ram::1:role/gone", "user-7", "", 2**31)
    key = KeyRing([], [DEMO_ROLE], cipher).find(session.access_key_id, cipher.encrypt(session), NOW)
    assert key.policies == (Policy(()),)


def test_signing_time_counts_for_temporary_keys_too(limited: Wire) -> None:
    past = datetime.now(UTC) - timedelta(minutes=16)
    refused(limited.call("PUT", "sts/a b.mov", content=b"x", now=past), 403, "RequestTimeTooSkewed")
    headers = signing.authorization(limited.context(), OssRequest("PUT", "demo-bucket", "sts/a b.mov"))
    del headers["x-oss-security-token"]
    refused(limited.target("PUT", f"/demo-bucket/{encoded('sts/a b.mov')}", headers, b"x"), 403, "InvalidAccessKeyId")


def test_issued_credentials_are_not_in_the_index(oss_server: LocalServer) -> None:
    credentials = issue(oss_server)
    stored = b"".join(path.read_bytes() for path in oss_server.root.glob("index*"))
    assert credentials.access_key_secret.encode() not in stored
    assert json.dumps(credentials.access_key_id).encode() not in stored
