"""The doctor on broken set-ups: each is made for real, has exactly one FAIL, and its cure, followed by `Setup.follow`,
mends it."""

import json
import os
import re
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command

from tests import http
from tests.localoss.assume_role import ask
from tests.resolver import resolve_localhost
from tests.stack import client_for, wait_until
from uploads.localoss.testing import LocalServer
from uploads.operations import doctor
from uploads.operations.doctor import Finding
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.signing import OssRequest
from uploads.oss.sts import AssumeRole, parse_assume_role

pytestmark = pytest.mark.django_db
ORIGIN = "https://app.example"
ACCOUNT = "1000000000000001"
ROLE, SITE_ROLE = f"acs:ram::{ACCOUNT}:role/browsers", f"acs:ram::{ACCOUNT}:role/site"
SITE = {"name": "site", "access_key_id": "site-key", "access_key_secret": "site-secret"}
KMS = {"encryption": "KMS", "encryption_key_id": "k-1"}
NOTHING: dict[str, Any] = {"Version": "1", "Statement": []}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    arguments = [
        "--allow-faults", "--base-domain", "oss.localhost", "--bucket", "demo-bucket", "--bucket", "media-bucket",
        "--cname", "media.localhost=media-bucket", "--bucket", "far-bucket=cn-beijing",
    ]  # fmt: skip
    with LocalServer(arguments=arguments) as server:
        yield server


@dataclass
class Setup:
    """A site that works, until a test breaks it. `right` are the settings that work."""

    server: LocalServer
    django: Any
    bucket: str
    shift: int = 0
    """Seconds by which the clock of the server is ahead."""
    documents: dict[str, Any] = field(default_factory=dict)
    right: dict[str, Any] = field(default_factory=dict)

    def use(self, **values: Any) -> None:
        self.django.UPLOADS = {**self.django.UPLOADS, **values}

    def place(self, **values: Any) -> None:
        """One destination with these values; the policies are those that it needs."""
        self.use(DESTINATIONS={"default": values})
        self.grant("site", "role", "trust")

    def printed(self) -> dict[str, Any]:
        out = StringIO()
        call_command("ram_policy", "--identity", "user/site", stdout=out, stderr=StringIO())
        documents: dict[str, Any] = json.loads(out.getvalue())
        return documents

    def grant(self, *names: str) -> None:
        """Set these documents as `ram_policy` prints them."""
        printed = self.printed()
        self.documents |= {name: printed.get(name, NOTHING) for name in names}
        self.enforce()

    def enforce(self) -> None:
        given = self.documents
        user = {**SITE, "policies": [given["site"]]}
        role = {"arn": ROLE, "policies": [given["role"]]}
        if given["trust"]["Statement"]:
            role["trust"] = given["trust"]
        roles = [role, {"arn": SITE_ROLE, "policies": [given["site"]]}]
        assert http.put(f"{self.server.url}/-/ram", json={"users": [user], "roles": roles}).status_code == 200

    def without(self, document: str, *actions: str) -> None:
        """Take these actions out of a policy; all of them if none is named."""
        statements = self.documents[document]["Statement"]
        for statement in statements:
            statement["Action"] = [each for each in statement["Action"] if actions and each not in actions]
        self.documents[document]["Statement"] = [each for each in statements if each["Action"]]
        self.enforce()

    def ask_root(self, method: str, subresource: str, body: str = "", **query: str) -> Any:
        """A request about the bucket with the key of the account."""
        with client_for(self.server) as oss:
            asked = [(subresource, ""), *query.items()]
            request = OssRequest(method, self.bucket, query=asked, headers={"Content-Type": "application/xml"})
            return oss.call(f"{method} {subresource}", request, body.encode())

    def temporary(self) -> None:
        """New temporary credentials of a role that has the site's policy, in the settings and as the right ones."""
        now = datetime.now(UTC) + timedelta(seconds=self.shift)
        issued = parse_assume_role(ask(self.server, AssumeRole(SITE_ROLE, "site", 900), now=now).content)
        keys = issued.credentials
        self.right |= {
            "OSS_ACCESS_KEY_ID": keys.access_key_id, "OSS_ACCESS_KEY_SECRET": keys.access_key_secret,
            "OSS_SESSION_TOKEN": keys.security_token, "OSS_SESSION_EXPIRES": issued.expires_at.isoformat(),
        }  # fmt: skip

    def follow(self, cure: str) -> None:
        """Do what the cure says, by its words alone. Settings that it names get their right values."""
        done = False
        for words, action in CURES.items():
            if words in cure:
                action(self)
                done = True
        named = {name: self.right[name] for name in re.findall(r"OSS_[A-Z_]+", cure) if name in self.right}
        self.use(**named)
        cache.clear()
        assert done or named, f"Nobody knows how to follow: {cure}"


CURES: dict[str, Callable[[Setup], object]] = {
    "the policy that manage.py ram_policy --document site prints": lambda setup: setup.grant("site"),
    "the policy that manage.py ram_policy --document role prints": lambda setup: setup.grant("role"),
    "the trust policy of --document trust": lambda setup: setup.grant("trust"),
    "Run manage.py configure_bucket": lambda setup: call_command("configure_bucket", stdout=StringIO()),
    "Disable Block Public Access of the bucket": lambda setup: setup.ask_root("DELETE", "publicAccessBlock"),
    "Abort the retention policy": lambda setup: setup.ask_root("DELETE", "worm"),
    "Set the payer of the bucket to BucketOwner": lambda setup: pay(setup, "BucketOwner"),
    "Activate Key Management Service": lambda setup: setup.server.set_account_rules(),
}  # fmt: skip


def pay(setup: Setup, payer: str) -> None:
    body = f"<RequestPaymentConfiguration><Payer>{payer}</Payer></RequestPaymentConfiguration>"
    setup.ask_root("PUT", "requestPayment", body)


BLOCK = "<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>"
WORM = "<InitiateWormConfiguration><RetentionPeriodInDays>1</RetentionPeriodInDays></InitiateWormConfiguration>"


@pytest.fixture
def setup(server: LocalServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    """A site in a bucket of its own, with the least policies."""
    resolve_localhost(monkeypatch)
    cache.clear()
    bucket = f"setup-{secrets.token_hex(4)}"
    made = Setup(server, settings, bucket)
    made.right = {
        "OSS_ENDPOINT": server.url, "OSS_INTERNAL_ENDPOINT": server.url, "OSS_ADDRESSING": "path",
        "OSS_REGION": server.region, "OSS_BUCKET": bucket, "OSS_STS_ROLE_ARN": ROLE,
        "OSS_ACCESS_KEY_ID": SITE["access_key_id"], "OSS_ACCESS_KEY_SECRET": SITE["access_key_secret"],
    }  # fmt: skip
    made.use(**made.right, OSS_STS_ENDPOINT=server.url, UPLOADS_ORIGINS=[ORIGIN])
    with client_for(server) as oss:
        oss.call("PutBucket", OssRequest("PUT", bucket))
    made.place(credentials="upload")
    call_command("configure_bucket", stdout=StringIO())
    yield made
    http.delete(f"{server.url}/-/faults")
    http.delete(f"{server.url}/-/ram")
    server.set_account_rules(endpoints={})


def failures() -> list[Finding]:
    return [finding for finding in doctor.examine() if finding.level == "FAIL"]


def left_over(setup: Setup, bucket: str = "") -> list[str]:
    """Keys of objects and multipart uploads in the bucket."""
    with client_for(setup.server) as oss:
        objects = [key for page in oss.list_objects(bucket or setup.bucket, "") for key in page.keys]
        return [*objects, *(held.key for held in oss.all_uploads(bucket or setup.bucket))]


# What is broken


def expired(setup: Setup) -> None:
    setup.place()
    setup.temporary()
    past = datetime.now(UTC) - timedelta(minutes=1)
    setup.use(**{**setup.right, "OSS_SESSION_EXPIRES": past.isoformat()})


def expired_at_oss(setup: Setup) -> None:
    """The settings do not say when the credentials end."""
    setup.place()
    setup.temporary()
    setup.use(**{**setup.right, "OSS_SESSION_EXPIRES": ""})
    setup.shift = 2000
    http.put(f"{setup.server.url}/-/faults", json=[{"clock_shift": setup.shift}])
    setup.temporary()


def far_away(setup: Setup) -> None:
    """The key may use this bucket too."""
    near = setup.documents["site"]["Statement"]
    setup.use(OSS_BUCKET="far-bucket")
    setup.grant("site")
    setup.documents["site"]["Statement"] += near
    setup.enforce()


def another_domain(setup: Setup) -> None:
    """The domain for browsers is that of another bucket."""
    port = setup.server.port
    setup.use(
        OSS_ENDPOINT=f"http://media.localhost:{port}",
        OSS_ADDRESSING="cname",
        OSS_INTERNAL_ENDPOINT=f"http://oss.localhost:{port}",
    )


def bucket_in_the_path(setup: Setup) -> None:
    """OSS takes the bucket in the host name only."""
    setup.server.set_account_rules("path-style-forbidden", endpoints={"oss.localhost": "public"})
    setup.use(OSS_ENDPOINT=f"http://oss.localhost:{setup.server.port}", OSS_INTERNAL_ENDPOINT="")
    setup.right["OSS_ADDRESSING"] = "virtual"


def cors(setup: Setup, *rules: CorsRule) -> None:
    with client_for(setup.server) as oss:
        if rules:
            oss.put_cors(setup.bucket, CorsConfiguration(rules))
        else:
            oss.call("DeleteBucketCors", OssRequest("DELETE", setup.bucket, query=[("cors", "")]))


def without_role_trust(setup: Setup) -> None:
    setup.documents["trust"]["Statement"][0]["Principal"]["RAM"] = [f"acs:ram::{ACCOUNT}:user/another"]
    setup.enforce()


def encrypted(setup: Setup) -> None:
    setup.place(credentials="upload", **KMS)


def own_prefix(setup: Setup) -> None:
    setup.place(credentials="prefix", client_options=["tagging"])


def blocked(setup: Setup) -> None:
    setup.place(acl="public-read")
    setup.ask_root("PUT", "publicAccessBlock", BLOCK)


def kms_missing(setup: Setup) -> None:
    encrypted(setup)
    setup.server.set_account_rules("kms-not-enabled")


EXPOSED = ("ETag", "x-oss-request-id", "x-oss-hash-crc64ecma")
SETUPS: dict[str, tuple[Callable[[Setup], object], str, str]] = {
    "wrong secret": (lambda s: s.use(OSS_ACCESS_KEY_SECRET="wrong"), "credentials", "SignatureDoesNotMatch"),
    "expired session": (expired, "credentials", "expired at"),
    "session expired at OSS": (expired_at_oss, "credentials", "SecurityTokenExpired"),
    "public endpoint does not exist": (
        lambda s: s.use(OSS_ENDPOINT="http://127.0.0.1:1"), "public address", "cannot be reached"),
    "public endpoint of another bucket": (
        another_domain, "public address", "SignatureDoesNotMatch"),
    "key may not upload": (lambda s: s.without("site", "oss:PutObject"), "upload to default", "oss:PutObject"),
    "key may not abort": (
        lambda s: s.without("site", "oss:AbortMultipartUpload"), "upload to default", "oss:AbortMultipartUpload"),
    "key may not delete": (lambda s: s.without("site", "oss:DeleteObject"), "upload to default", "oss:DeleteObject"),
    "key may not look at the bucket": (lambda s: s.without("site", "oss:GetBucketInfo"), "bucket", "oss:GetBucketInfo"),
    "no CORS rules": (lambda s: cors(s), "CORS", "preflight"),
    "forms are not allowed": (
        lambda s: cors(s, CorsRule((ORIGIN,), ("PUT", "GET"), ("*",), EXPOSED, 60)), "upload to default", "POST"),
    "key may not assume the role": (
        lambda s: s.without("site", "sts:AssumeRole"), "temporary credentials", "NoPermission"),
    "role trusts somebody else": (without_role_trust, "temporary credentials", "NoPermission"),
    "role without rights": (lambda s: s.without("role"), "temporary credentials", "oss:PutObject"),
    "role may not use the KMS key": (
        lambda s: (encrypted(s), s.without("role", "kms:GenerateDataKey")), "temporary credentials", "kms"),
    "KMS is not enabled": (kms_missing, "upload to default", "KmsServiceNotEnabled"),
    "Block Public Access": (blocked, "public access", "default"),
    "retention policy": (lambda s: s.ask_root("POST", "worm", WORM), "retention", "InProgress"),
    "requesters pay": (lambda s: pay(s, "Requester"), "payment", "requesters pay"),
    "bucket in another region": (far_away, "bucket far-bucket", "cn-beijing"),
}  # fmt: skip
"""What is broken, the beginning of the FAIL's name, and words of its text."""

OTHERS: dict[str, tuple[Callable[[Setup], object], str, str]] = {
    "unknown key": (lambda s: s.use(OSS_ACCESS_KEY_ID="nobody"), "credentials", "InvalidAccessKeyId"),
    "wrong region": (lambda s: s.use(OSS_REGION="cn-beijing"), "region", "cn-beijing"),
    "no such bucket": (lambda s: s.use(OSS_BUCKET="not-there"), "bucket not-there", "NoSuchBucket"),
    "server cannot reach OSS": (
        lambda s: s.use(OSS_INTERNAL_ENDPOINT="http://127.0.0.1:1"), "endpoint", "http://127.0.0.1:1"),
    "bucket in the path": (bucket_in_the_path, "endpoint", "SecondLevelDomainForbidden"),
    "key may not list parts": (lambda s: s.without("site", "oss:ListParts"), "upload to default", "oss:ListParts"),
    "key may not read": (lambda s: s.without("site", "oss:GetObject"), "upload to default", "HeadObject"),
    "another origin": (
        lambda s: cors(s, CorsRule(("https://other.example",), ("PUT", "POST", "GET"), ("*",), EXPOSED, 60)),
        "CORS", "preflight"),
    "ETag is not exposed": (
        lambda s: cors(s, CorsRule((ORIGIN,), ("PUT", "POST", "GET"), ("*",), EXPOSED[1:], 60)), "CORS", "ETag"),
    "no such role": (
        lambda s: s.use(OSS_STS_ROLE_ARN=f"acs:ram::{ACCOUNT}:role/nobody"), "temporary credentials", "EntityNotExist"),
    "role may not list parts": (
        lambda s: (own_prefix(s), s.without("role", "oss:ListParts")), "temporary credentials", "oss:ListParts"),
    "key may not use the KMS key": (
        lambda s: (encrypted(s), s.without("site", "kms:Decrypt")), "upload to default", "kms"),
}  # fmt: skip
"""The same, in the long form of this test: EVERY_SETUP=1."""
if os.environ.get("EVERY_SETUP"):
    SETUPS |= OTHERS


@pytest.mark.parametrize("broken", SETUPS)
def test_one_fail_and_its_cure_mends_it(setup: Setup, broken: str) -> None:
    make, name, words = SETUPS[broken]
    make(setup)
    (finding,) = failures()
    assert finding.name.startswith(name), finding
    assert words.lower() in finding.text.lower(), finding
    assert SITE["access_key_secret"] not in finding.text
    setup.follow(finding.cure)
    assert failures() == []


def test_a_new_account_needs_a_domain_of_its_own(setup: Setup) -> None:
    """Data calls on the default public endpoint are refused, also for browsers; the cure names what to set."""
    port = setup.server.port
    setup.server.set_account_rules("2026", endpoints={"oss.localhost": "public", "localhost": "internal"})
    setup.use(
        OSS_BUCKET="media-bucket", OSS_ADDRESSING="virtual",
        OSS_ENDPOINT=f"http://oss.localhost:{port}", OSS_INTERNAL_ENDPOINT=f"http://localhost:{port}",
    )  # fmt: skip
    setup.grant("site", "role")
    call_command("configure_bucket", stdout=StringIO())
    (finding,) = failures()
    assert "PublicEndpointForbidden" in finding.text
    setup.right |= {
        "OSS_ENDPOINT": f"http://media.localhost:{port}", "OSS_ADDRESSING": "cname",
        "OSS_INTERNAL_ENDPOINT": f"http://localhost:{port}",
    }  # fmt: skip
    setup.follow(finding.cure)
    assert failures() == []


# What the doctor leaves


def test_nothing_is_left(setup: Setup) -> None:
    own = {"key": "own/{user_id}/{uuid}", "credentials": "prefix", "client_options": ["tagging"], "tagging": {"a": "b"}}
    staged = {"key": "final/{uuid}", "stage": True, "credentials": "upload", **KMS}
    setup.use(DESTINATIONS={"own": own, "staged": staged})
    setup.grant("site", "role", "trust")
    call_command("configure_bucket", stdout=StringIO())
    names = [finding.name for finding in doctor.examine() if finding.level == "ok"]
    for destination in ("own", "staged"):
        assert f"upload to {destination}" in names
        assert f"temporary credentials of {destination}" in names
    assert left_over(setup) == []


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload", "GetObject", "PostObject"])
def test_nothing_is_left_after_an_error(setup: Setup, operation: str) -> None:
    error = {"status": 409, "code": "FileAlreadyExists"}
    http.put(f"{setup.server.url}/-/faults", json=[{"operation": operation, "error": error}])
    (finding,) = failures()
    assert operation in finding.text
    assert left_over(setup) == []


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_nothing_is_left_after_an_interruption(
    setup: Setup, number: signal.Signals, raised: type[BaseException]
) -> None:
    faults = f"{setup.server.url}/-/faults"
    http.put(faults, json=[{"operation": "PostObject", "delay": 3600}])
    before = signal.getsignal(signal.SIGTERM)
    # A shell starts background processes with SIGINT ignored, and Python leaves it so.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        wait_until(lambda: http.get(faults).json()["rules"][0]["applied"], "the form to be on its way")
        os.kill(os.getpid(), number)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(raised):
        call_command("doctor", stdout=StringIO())
    signal.signal(signal.SIGINT, ignored)
    other.join()
    http.delete(faults)
    assert left_over(setup) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_versioning_is_told(setup: Setup) -> None:
    setup.ask_root("PUT", "versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    (finding,) = [each for each in doctor.examine() if each.name.startswith("versioning")]
    assert finding.level == "warn"
    assert "forbid_overwrite of: default" in finding.text
    assert failures() == []


def test_settings_that_cannot_be_read_are_told(setup: Setup) -> None:
    setup.without("site", "oss:GetBucketWorm")
    (finding,) = [each for each in doctor.examine() if each.level != "ok"]
    assert (finding.level, "oss:GetBucketWorm" in finding.cure) == ("warn", True)
