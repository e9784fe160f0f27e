"""Rules for new accounts and buckets: switched on by name, at the start and while the server runs."""

import time
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import http
from tests.localoss import forms, v1_client
from tests.localoss.support import Wire, refused, result
from uploads.localoss.account_rules import ACCOUNT_RULES, GROUPS, parse
from uploads.localoss.testing import LocalServer
from uploads.oss.signing import Credentials, OssRequest

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


# Endpoints

PUBLIC, INTERNAL = "oss-cn-hangzhou.aliyuncs.com", "oss-cn-hangzhou-internal.aliyuncs.com"
CORS_RULE = (
    b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
    b"<AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>"
)


def at(endpoint: str, **more: str) -> dict[str, str]:
    return {"Host": f"demo-bucket.{endpoint}", **more}


def test_data_calls_on_a_public_endpoint_of_the_mainland_are_refused(ruled: Wire) -> None:
    """EC 0048-00000401. Management calls, internal endpoints, custom domains and other regions go on working."""
    ruled.put("a", b"x")
    ruled.server.set_account_rules("2026")
    for method, key, query in (
        ("PUT", "a", []), ("GET", "a", []), ("DELETE", "a", []), ("POST", "a", [("uploads", "")]),
        ("GET", "", []), ("GET", "", [("list-type", "2")]), ("GET", "", [("uploads", "")]),
    ):  # fmt: skip
        refusal = refused(ruled.call(method, key, query, unsigned=at(PUBLIC)), 400, "PublicEndpointForbidden")
        assert refusal.findtext("Message") == "Not allowed using the OSS public endpoint, please use CNAME instead."
        assert refusal.findtext("EC") == "0048-00000401"
    for name in ("cors", "lifecycle", "bucketInfo", "acl"):
        answer = ruled.call("GET", query=[(name, "")], unsigned=at(PUBLIC))
        assert "PublicEndpointForbidden" not in answer.text, name
    assert ruled.call("GET", "a", unsigned=at(INTERNAL)).content == b"x"
    assert ruled.call("GET", "a").content == b"x", "an address of this machine is an internal endpoint"
    custom = ruled.target(
        "GET", ruled.presigned("GET", "a").removeprefix("/demo-bucket"), {"Host": "media.example.com"}
    )
    assert custom.content == b"x"
    for region in ("ap-southeast-1", "cn-hongkong"):
        answer = ruled.call("GET", "a", unsigned=at(f"oss-{region}.aliyuncs.com"), region=region)
        assert refused(answer, 403, "AccessDenied").findtext("Endpoint") == PUBLIC


def test_an_address_of_this_machine_can_play_a_public_endpoint(ruled: Wire) -> None:
    ruled.put("a", b"x")
    ruled.server.set_account_rules("2026", endpoints={"127.0.0.1": "public", "localhost": "public"})
    refused(ruled.call("GET", "a"), 400, "PublicEndpointForbidden")
    assert ruled.call("GET", query=[("bucketInfo", "")]).status_code == 200
    refused(ruled.call("GET", "a", unsigned=at("localhost")), 400, "PublicEndpointForbidden")
    refused(ruled.call("GET", "a", unsigned={"Host": "localhost"}), 403, "SecondLevelDomainForbidden")
    ruled.server.set_account_rules("2026", endpoints={})
    assert ruled.call("GET", "a").content == b"x"


def test_a_refusal_has_cors_headers_unless_the_rule_takes_them_away(ruled: Wire) -> None:
    ruled.call("PUT", query=[("cors", "")], content=CORS_RULE)
    page = at(PUBLIC, Origin="https://www.example.com")
    asked = {**page, "Access-Control-Request-Method": "PUT"}
    for rules, allowed in ((["2026"], "*"), (["2026", "refusals-without-cors"], None)):
        ruled.server.set_account_rules(*rules)
        answer = ruled.call("PUT", "a", unsigned=page)
        refused(answer, 400, "PublicEndpointForbidden")
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert ruled.target("OPTIONS", "/a", asked).status_code == 200
        other = ruled.call("GET", "never", unsigned={"Origin": "https://www.example.com"})
        assert other.headers["Access-Control-Allow-Origin"] == "*", "other refusals keep them"
    ruled.call("DELETE", query=[("cors", "")])


def test_path_style_is_refused_on_domain_names(ruled: Wire) -> None:
    ruled.put("a", b"x")
    ruled.server.set_account_rules("path-style-forbidden")
    for host in (PUBLIC, INTERNAL):
        refusal = refused(ruled.call("GET", "a", unsigned={"Host": host}), 403, "SecondLevelDomainForbidden")
        assert "third level domain" in (refusal.findtext("Message") or "")
        assert ruled.call("GET", "a", unsigned=at(host)).content == b"x"
    assert ruled.call("GET", bucket="", unsigned={"Host": PUBLIC}).status_code == 200, "ListBuckets names no bucket"
    assert ruled.call("GET", "a").content == b"x"


def test_v1_signatures_are_refused(ruled: Wire) -> None:
    def headers(method: str) -> dict[str, str]:
        return v1_client.authorization(ruled.credentials, OssRequest(method, ruled.bucket, "a"), datetime.now(UTC))

    presigned = v1_client.presign(
        ruled.credentials, OssRequest("GET", ruled.bucket, "a"), "/demo-bucket/a", int(time.time()) + 60
    )
    form = forms.signed(ruled, ["eq", "$key", "form"], version=1, key="form")
    assert ruled.target("PUT", "/demo-bucket/a", headers("PUT"), b"x").status_code == 200
    assert ruled.target("GET", presigned, {}).content == b"x"
    assert forms.send(ruled, form).status_code == 204
    ruled.server.set_account_rules("v1-forbidden")
    refusal = refused(ruled.target("GET", "/demo-bucket/a", headers("GET")), 400, "InvalidArgument")
    assert "V1" in (refusal.findtext("Message") or "")
    refused(ruled.target("GET", presigned, {}), 400, "InvalidArgument")
    refused(forms.send(ruled, form), 400, "InvalidArgument")
    assert ruled.call("GET", "a").content == b"x"


# Default domains


def test_downloads_from_a_default_domain_are_not_shown(ruled: Wire) -> None:
    """EC 0048-00000113: nor does response-content-disposition change it."""
    ruled.put("a.jpg", b"x", {"Content-Type": "image/jpeg", "Content-Disposition": "inline"})
    ruled.server.set_account_rules("forced-download")
    target = ruled.presigned("GET", "a.jpg", [("response-content-disposition", "inline")]).removeprefix("/demo-bucket")
    forced = ruled.target("GET", target, {"Host": f"demo-bucket.{PUBLIC}"})
    assert (forced.content, forced.headers["Content-Type"]) == (b"x", "image/jpeg")
    assert forced.headers["x-oss-force-download"] == "true"
    assert forced.headers["Content-Disposition"] == "attachment"
    assert forced.headers["x-oss-ec"] == "0048-00000113"
    for host in (f"demo-bucket.{INTERNAL}", "media.example.com"):
        shown = ruled.target("GET", target, {"Host": host})
        assert (shown.headers["Content-Disposition"], "x-oss-force-download" in shown.headers) == ("inline", False)
    assert "x-oss-force-download" not in ruled.call("GET", "a.jpg", unsigned=at(PUBLIC)).headers


def test_apps_cannot_be_downloaded_from_a_default_domain(ruled: Wire) -> None:
    """EC 0048-00000200."""
    ruled.put("a.APK", b"x")
    ruled.put("b", b"x", {"Content-Type": "application/vnd.android.package-archive"})
    ruled.put("c.zip", b"x")
    ruled.server.set_account_rules("apk-forbidden")
    for key in ("a.APK", "b"):
        target = ruled.presigned("GET", key).removeprefix("/demo-bucket")
        refusal = refused(ruled.target("GET", target, {"Host": f"demo-bucket.{PUBLIC}"}), 400, "ApkDownloadForbidden")
        assert refusal.findtext("EC") == "0048-00000200"
        assert ruled.target("GET", target, {"Host": "media.example.com"}).content == b"x"
        assert ruled.call("GET", key, unsigned=at(PUBLIC)).content == b"x", "a signature in a header is not concerned"
        assert ruled.call("PUT", key, unsigned=at(PUBLIC), content=b"x").status_code == 200
    target = ruled.presigned("GET", "c.zip").removeprefix("/demo-bucket")
    assert ruled.target("GET", target, {"Host": f"demo-bucket.{PUBLIC}"}).content == b"x"


def test_redirects_are_refused_on_a_default_domain(ruled: Wire) -> None:
    """EC 0048-00000300."""
    rule = (
        "<RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals>"
        "<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect>"
        "<RedirectType>External</RedirectType><Protocol>https</Protocol><HostName>www.example.com</HostName>"
        "<ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith></Redirect></RoutingRule>"
    )
    refused(ruled.call("GET", query=[("website", "")]), 404, "NoSuchWebsiteConfiguration")
    body = f"<WebsiteConfiguration><RoutingRules>{rule}</RoutingRules></WebsiteConfiguration>".encode()
    assert ruled.call("PUT", query=[("website", "")], content=body).status_code == 200
    assert ruled.call("GET", query=[("website", "")]).content == body
    target = ruled.presigned("GET", "old/a").removeprefix("/demo-bucket")
    refused(ruled.call("GET", "other"), 404, "NoSuchKey")
    ruled.server.set_account_rules("redirect-forbidden")
    refusal = refused(ruled.target("GET", target, {"Host": f"demo-bucket.{PUBLIC}"}), 400, "ExternalRedirectForbidden")
    assert refusal.findtext("EC") == "0048-00000300"
    answer = ruled.target("GET", target, {"Host": "media.example.com"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://www.example.com/new/a")
    assert ruled.call("DELETE", query=[("website", "")]).status_code == 204
    refused(ruled.call("GET", "old/a"), 404, "NoSuchKey")
