"""Rules for new accounts and buckets: switched on by name, at the start and while the server runs."""

import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import http
from tests.localoss.support import Wire, refused, result
from uploads.localoss.account_rules import ACCOUNT_RULES, GROUPS, parse
from uploads.localoss.testing import LocalServer
from uploads.oss.signing import Credentials

FOREIGN = Credentials("other-id", "other-secret")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    arguments = ["--allow-faults", "--foreign-access-key", f"{FOREIGN.access_key_id}={FOREIGN.access_key_secret}"]
    arguments += [
        "--bucket",
        "demo-bucket",
        "--bucket",
        "far-away=cn-beijing",
        "--cname",
        "media.example.com=demo-bucket",
    ]
    with LocalServer(tmp_path_factory.mktemp("rules"), arguments) as running:
        yield running


@pytest.fixture
def ruled(server: LocalServer) -> Iterator[Wire]:
    with Wire(server, server.bucket) as wire:
        yield wire
    server.set_account_rules(endpoints={})


def test_rules_have_names() -> None:
    assert parse([]) == frozenset()
    assert parse(["v1-forbidden", "kms-not-enabled"]) == {"v1-forbidden", "kms-not-enabled"}
    assert parse(["2026"]) == GROUPS["2026"] < ACCOUNT_RULES.keys()
    with pytest.raises(ValueError, match="nonsense"):
        parse(["2026", "nonsense"])


def test_rules_hold_from_the_start_and_can_be_changed(tmp_path: Path) -> None:
    with LocalServer(tmp_path, ["--allow-faults"], account_rules=["kms-not-enabled"]) as server:
        with Wire(server, server.bucket) as wire:
            refused(wire.call("PUT", "a", headers={"x-oss-server-side-encryption": "KMS"}), 403, "KmsServiceNotEnabled")
            server.set_account_rules()
            wire.put("a", b"x", {"x-oss-server-side-encryption": "KMS"})
        assert http.get(f"{server.url}/-/account-rules").json() == {"rules": [], "endpoints": {}}
        server.set_account_rules("2026", endpoints={"localhost": "public"})
        assert http.get(f"{server.url}/-/account-rules").json()["endpoints"] == {"localhost": "public"}
        for rules, endpoints in ((["nonsense"], None), ([], {"localhost": "nonsense"})):
            with pytest.raises(urllib.error.HTTPError):
                server.set_account_rules(*rules, endpoints=endpoints)
        assert len(http.get(f"{server.url}/-/account-rules").json()["rules"]) == len(GROUPS["2026"])


def test_kms_is_refused_everywhere_where_it_is_not_enabled(ruled: Wire) -> None:
    sent = {"x-oss-server-side-encryption": "KMS"}
    rule = b"<SSEAlgorithm>KMS</SSEAlgorithm>"
    rule = b"<ApplyServerSideEncryptionByDefault>" + rule + b"</ApplyServerSideEncryptionByDefault>"
    rule = b"<ServerSideEncryptionRule>" + rule + b"</ServerSideEncryptionRule>"
    ruled.put("source", b"x")
    ruled.server.set_account_rules("kms-not-enabled")
    refused(ruled.call("PUT", "a", headers=sent), 403, "KmsServiceNotEnabled")
    refused(ruled.call("POST", "a", [("uploads", "")], sent), 403, "KmsServiceNotEnabled")
    copied = {"x-oss-copy-source": f"/{ruled.bucket}/source", **sent}
    refused(ruled.call("PUT", "a", headers=copied), 403, "KmsServiceNotEnabled")
    assert ruled.call("PUT", query=[("encryption", "")], content=rule).status_code == 200
    refused(ruled.call("PUT", "a"), 403, "KmsServiceNotEnabled")
    assert ruled.call("PUT", "a", headers={"x-oss-server-side-encryption": "AES256"}).status_code == 200
    ruled.call("DELETE", query=[("encryption", "")])


def test_another_account_has_to_say_that_it_pays(ruled: Wire) -> None:
    """EC 0003-00000702."""
    body = "<RequestPaymentConfiguration><Payer>{}</Payer></RequestPaymentConfiguration>"
    ruled.put("a", b"x")
    assert ruled.call("GET", "a", credentials=FOREIGN).status_code == 200
    ruled.call("PUT", query=[("requestPayment", "")], content=body.format("Requester").encode())
    refusal = refused(ruled.call("GET", "a", credentials=FOREIGN), 403, "AccessDenied")
    assert refusal.findtext("EC") == "0003-00000702"
    refused(ruled.call("PUT", "a", credentials=FOREIGN, headers={"x-oss-request-payer": "me"}), 403, "AccessDenied")
    paid = {"x-oss-request-payer": "requester"}
    assert ruled.call("GET", "a", credentials=FOREIGN, headers=paid).status_code == 200
    assert ruled.call("GET", "a", list(paid.items()), credentials=FOREIGN).status_code == 200
    ruled.call("PUT", query=[("requestPayment", "")], content=body.format("BucketOwner").encode())


def test_a_bucket_of_the_command_line_may_be_in_another_region(ruled: Wire) -> None:
    elsewhere = refused(ruled.call("PUT", "a", bucket="far-away", content=b"x"), 403, "AccessDenied")
    assert elsewhere.findtext("Endpoint") == "oss-cn-beijing.aliyuncs.com"


def test_new_buckets_block_public_access(ruled: Wire) -> None:
    ruled.server.set_account_rules("block-public-access")
    refused(ruled.call("PUT", bucket="new-bucket", headers={"x-oss-acl": "public-read"}), 403, "AccessDenied")
    assert ruled.call("PUT", bucket="new-bucket").status_code == 200
    info = result(ruled.call("GET", query=[("bucketInfo", "")], bucket="new-bucket"), "BucketInfo")
    assert info.findtext("Bucket/BlockPublicAccess") == "true"
    public = {"x-oss-acl": "public-read"}
    refused(ruled.call("PUT", query=[("acl", "")], bucket="new-bucket", headers=public), 403, "AccessDenied")
    assert ruled.call("DELETE", query=[("publicAccessBlock", "")], bucket="new-bucket").status_code == 204
    assert ruled.call("PUT", query=[("acl", "")], bucket="new-bucket", headers=public).status_code == 200
