"""RAM users and roles: their policies hold for every request, as those of a real account."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import http
from tests.localoss.assume_role import ask
from tests.localoss.support import Wire, refused
from uploads.localoss.ram import InvalidRam, parse
from uploads.localoss.testing import LocalServer
from uploads.oss import policy
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, parse_assume_role

ROLE = "acs:ram::1000000000000001:role/uploads"
SITE = "acs:ram::1000000000000001:user/site"
KMS = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": "k-1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    path = tmp_path_factory.mktemp("ram") / "ram.json"
    path.write_text(json.dumps(ram(allow("oss:GetObject", "acs:oss:*:*:demo-bucket/*"))))
    with LocalServer(arguments=["--allow-faults", "--ram", str(path)]) as server:
        yield server


def allow(action: str, *resources: str) -> dict[str, Any]:
    return policy.allow([action], resources)


def ram(*statements: dict[str, Any], trust: str = SITE, role: dict[str, Any] | None = None) -> dict[str, Any]:
    own = json.loads(policy.document(statements))
    user = {"name": "site", "access_key_id": "site-key", "access_key_secret": "site-secret", "policies": [own]}
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [trust]}}
    granted = json.loads(policy.document([role or allow("oss:PutObject", "acs:oss:*:*:*")]))
    trust_policy = {"Version": "1", "Statement": [trusted]}
    return {"users": [user], "roles": [{"arn": ROLE, "policies": [granted], "trust": trust_policy}]}


@pytest.fixture
def site(server: LocalServer) -> Iterator[Wire]:
    with Wire(server, server.bucket) as wire:
        wire.put("there", b"12345")
        wire.credentials = Credentials("site-key", "site-secret")
        yield wire
    http.delete(f"{server.url}/-/ram")


def grant(server: LocalServer, document: dict[str, Any]) -> None:
    assert http.put(f"{server.url}/-/ram", json=document).status_code == 200


def test_a_user_may_do_what_the_policies_allow_and_nothing_else(site: Wire) -> None:
    assert site.call("GET", "there").content == b"12345"
    for method, key, query in (("PUT", "new", []), ("DELETE", "there", []), ("GET", "", [("cors", "")])):
        document = refused(site.call(method, key, query), 403, "AccessDenied")
        assert document.findtext("EC") == "0003-00000001"
        assert (document.findtext("AccessDeniedDetail/AuthAction") or "").startswith("oss:")


def test_the_policies_of_a_user_count_as_one(server: LocalServer, site: Wire) -> None:
    document = ram(allow("oss:PutObject", "acs:oss:*:*:demo-bucket/own/*"))
    document["users"][0]["policies"].append(json.loads(policy.document([allow("oss:GetObject", "*")])))
    denied = {**allow("oss:GetObject", "acs:oss:*:*:demo-bucket/there"), "Effect": "Deny"}
    grant(server, document)
    assert site.call("PUT", "own/new", content=b"x").status_code == 200
    assert site.call("GET", "there").status_code == 200
    document["users"][0]["policies"].append(json.loads(policy.document([denied])))
    grant(server, document)
    assert refused(site.call("GET", "there"), 403, "AccessDenied").findtext("EC") == "0003-00000201"
    assert site.call("GET", "own/new").status_code == 200


@pytest.mark.parametrize(
    ("resource", "trust", "status"),
    [
        (ROLE, SITE, 200),
        (ROLE, "acs:ram::1000000000000001:root", 200),
        ("acs:ram::*:role/*", SITE, 200),
        ("acs:ram::1000000000000001:role/another", SITE, 403),
        (ROLE, "acs:ram::1000000000000001:user/another", 403),
    ],
)
def test_a_role_is_assumed_if_the_user_may_and_the_role_trusts_it(
    server: LocalServer, site: Wire, resource: str, trust: str, status: int
) -> None:
    grant(server, ram(allow("sts:AssumeRole", resource), trust=trust))
    answer = ask(server, AssumeRole(ROLE, "user-7", 900), credentials=site.credentials)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["Code"] == "NoPermission"


def test_kms_keys_need_permissions_of_their_own(server: LocalServer, site: Wire) -> None:
    writing = allow("oss:PutObject", "acs:oss:*:*:demo-bucket/*")
    reading = allow("oss:GetObject", "acs:oss:*:*:demo-bucket/*")
    key = "acs:kms:cn-hangzhou:*:key/k-1"
    grant(server, ram(writing, reading, allow("kms:GenerateDataKey", key), allow("kms:Decrypt", key)))
    site.put("secret", b"x", KMS)
    upload = site.initiate("parts", KMS)
    assert site.call("GET", "secret").content == b"x"
    another = {**KMS, "x-oss-server-side-encryption-key-id": "k-2"}
    refused(site.call("PUT", "other", headers=another), 403, "AccessDenied")
    grant(server, ram(writing, reading, allow("kms:GenerateDataKey", key)))
    for answer in (
        site.call("GET", "secret"),
        site.call("PUT", "secret", headers=KMS, content=b"y"),
        site.call("POST", "parts", [("uploads", "")], KMS),
        site.part("parts", upload, 1, b"x"),
        site.call("PUT", "copy", headers={"x-oss-copy-source": "/demo-bucket/secret"}),
    ):
        assert refused(answer, 403, "AccessDenied").findtext("Message") == "This request is forbidden by kms."
    assert site.call("HEAD", "secret").status_code == 200
    assert site.call("PUT", "plain", content=b"y").status_code == 200


def test_kms_keys_and_temporary_credentials(server: LocalServer, site: Wire) -> None:
    user = allow("sts:AssumeRole", ROLE)
    grant(server, ram(user))
    issued = ask(server, AssumeRole(ROLE, "user-7", 900), credentials=site.credentials)
    site.credentials = parse_assume_role(issued.content).credentials
    refused(site.call("PUT", "secret", headers=KMS, content=b"y"), 403, "AccessDenied")
    role = policy.allow(["oss:PutObject", "kms:*"], ["*"])
    grant(server, ram(user, role=role))
    assert site.call("PUT", "secret", headers=KMS, content=b"y").status_code == 200


def test_users_are_set_from_this_machine_only(server: LocalServer, oss_server: LocalServer) -> None:
    assert http.put(f"{oss_server.url}/-/ram", json={}).status_code == 403
    assert http.put(f"{server.url}/-/ram", json={"users": [{}]}).status_code == 400
    assert http.get(f"{server.url}/-/ram").json()["users"] == ["site"]


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        "{",
        '{"groups": []}',
        '{"users": [{"name": "a"}]}',
        '{"users": [{"name": "a", "access_key_id": "i", "access_key_secret": "s", "policies": [{"Version": "2"}]}]}',
        '{"roles": [{"arn": "a", "policies": [], "trust": {"Version": "1", "Statement": [{"Effect": "Deny"}]}}]}',
    ],
)
def test_other_documents_are_refused_with_a_sentence(document: str) -> None:
    with pytest.raises(InvalidRam, match=r".{20}"):
        parse(document)
