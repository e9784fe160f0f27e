"""The doctor: each fault is made for real, against a real local OSS, and the fix is named."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from tests import http
from tests.callback_app import CallbackApp, answer
from tests.localoss.assume_role import issue
from tests.stack import client_for
from uploads.conf import DEFAULT_THROTTLES
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.operations import doctor
from uploads.operations.doctor import Finding
from uploads.oss import policy
from uploads.oss.client import OssClient
from uploads.oss.clock import utcnow
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.errors import Denied, Refused, Unreachable
from uploads.oss.signing import Credentials, OssRequest

pytestmark = pytest.mark.django_db
ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server whose role may do no more than uploads need."""
    own = ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload", "oss:GetObject"]
    narrow = policy.document(
        [
            policy.allow(own, ["acs:oss:*:*:demo-bucket/uploads/*"]),
            policy.allow(["oss:ListObjects"], ["acs:oss:*:*:demo-bucket"], policy.with_prefix("uploads/*")),
        ]
    )
    path = tmp_path_factory.mktemp("role") / "policy.json"
    path.write_text(narrow)
    with LocalServer(arguments=["--role-policy", str(path), "--allow-faults"]) as server:
        yield server


@pytest.fixture(autouse=True)
def working(server: LocalServer, settings: Any) -> Any:
    cache.clear()
    http.delete(f"{server.url}/-/faults")
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": server.url,
        "OSS_STS_ENDPOINT": server.url,
        "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
        "OSS_CALLBACK_KEY_URLS": [f"{server.url}/-/"],
        "UPLOADS_ORIGINS": [ORIGIN],
    }
    call_command("configure_bucket", stdout=StringIO())
    return settings


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine()}


def has_problem(name: str, level: str, words: str, cure: str, also: str = "") -> None:
    """This finding has a problem and its fix, and nothing else fails but `also`."""
    findings = found()
    finding = findings[name]
    assert (finding.level, words in finding.text, cure in finding.cure) == (level, True, True), finding
    assert {other.name for other in findings.values() if other.level == "FAIL"} <= {name, also}


def test_a_working_configuration_has_only_ok_lines() -> None:
    out = StringIO()
    call_command("doctor", stdout=out, no_color=True)
    lines = out.getvalue().splitlines()
    assert all(line.startswith("ok ") for line in lines), lines
    names = " ".join(lines)
    for name in ("settings", "database", "cache", "metrics", "credentials", "bucket demo-bucket", "clock",
                 f"for {ORIGIN}", "lifecycle", "overwriting", "public address", "upload to default",
                 "temporary credentials of default", "STS policy"):  # fmt: skip
        assert name in names


def test_json_and_exit_code(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_ACCESS_KEY_SECRET": "s3cr3t"}
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    findings = json.loads(out.getvalue())
    assert {tuple(finding) for finding in findings} == {("level", "name", "text", "cure")}
    assert [finding["name"] for finding in findings if finding["level"] == "FAIL"] == ["credentials"]
    assert "s3cr3t" not in out.getvalue(), "no secret is shown"


def test_wrong_secret(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_ACCESS_KEY_SECRET": "wrong"}
    has_problem("credentials", "FAIL", "SignatureDoesNotMatch", "OSS_ACCESS_KEY_SECRET")


def test_unknown_key(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_ACCESS_KEY_ID": "nobody"}
    has_problem("credentials", "FAIL", "InvalidAccessKeyId", "OSS_ACCESS_KEY_ID")


def test_credentials_that_do_not_come(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "CREDENTIALS": {"type": "credentials_uri", "uri": "http://127.0.0.1:1/"}}
    has_problem(
        "credentials", "FAIL", "not available from credentials_uri. It did not answer.", "ALIBABA_CLOUD_CREDENTIALS_URI"
    )


def test_credentials_of_a_function_that_fails(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "CREDENTIALS": lambda: {}["missing"]}
    has_problem("credentials", "FAIL", "KeyError", "Correct the function")


def test_when_credentials_expire(settings: Any, server: LocalServer) -> None:
    issued = issue(server, seconds=900)
    given = (issued.access_key_id, issued.access_key_secret, issued.security_token, utcnow() + timedelta(minutes=15))
    settings.UPLOADS = {**settings.UPLOADS, "CREDENTIALS": lambda: Credentials(*given)}
    assert f"they expire at {given[3]:%Y-%m-%d %H:%M} UTC" in found()["credentials"].text


def test_wrong_region(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_REGION": "cn-beijing"}
    has_problem("region", "FAIL", "region", "OSS_REGION")


def test_clock_off(server: LocalServer) -> None:
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": 82_800}])
    has_problem("clock", "warn", " s behind OSS's", "NTP")
    seconds = int(found()["clock"].text.split()[1])
    assert 82_500 < seconds < 83_100
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": -1000}])
    assert "ahead of OSS's" in found()["clock"].text


def test_clock_off_by_more_than_a_day(server: LocalServer) -> None:
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": 90_000}])
    has_problem("clock", "FAIL", "24 hours", "clock")


def test_no_such_bucket(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_BUCKET": "not-there"}
    has_problem("bucket not-there", "FAIL", "NoSuchBucket", "OSS_BUCKET")


def test_a_bucket_that_is_not_examined_is_named(working: Any) -> None:
    """One mistake in the credentials or the policy has one FAIL, however many buckets there are."""
    places = {"default": {}, "other": {"bucket": "a-bucket-that-is-not-there", "key": "other/{uuid}"}}
    working.UPLOADS = {**working.UPLOADS, "DESTINATIONS": places}
    has_problem("bucket demo-bucket", "warn", "a check of a-bucket-that-is-not-there failed", "Mend that first",
                also="bucket a-bucket-that-is-not-there")  # fmt: skip


def test_endpoint_out_of_reach(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    has_problem("endpoint", "FAIL", "http://127.0.0.1:1", "OSS_ENDPOINT")


def with_cors(server: LocalServer, *rules: CorsRule) -> None:
    oss = client_for(server)
    oss.put_cors("demo-bucket", CorsConfiguration(rules))
    oss.close()


def test_etag_not_exposed(server: LocalServer) -> None:
    with_cors(server, CorsRule((ORIGIN,), ("PUT", "GET"), ("*",), ("x-oss-request-id",), 60))
    has_problem(f"CORS of demo-bucket for {ORIGIN}", "FAIL", "ETag is not exposed", "configure_bucket")


def test_crc64_not_exposed(server: LocalServer) -> None:
    with_cors(server, CorsRule((ORIGIN,), ("PUT", "POST", "GET", "HEAD", "DELETE"), ("*",), ("ETag",), 60))
    has_problem(f"CORS of demo-bucket for {ORIGIN}", "warn", "CRC64", "configure_bucket")


def test_origin_not_allowed(server: LocalServer) -> None:
    with_cors(server, CorsRule(("https://other.example",), ("PUT", "GET"), ("*",), ("ETag",), 60))
    has_problem(f"CORS of demo-bucket for {ORIGIN}", "FAIL", "preflight", "configure_bucket")


def test_overwriting_is_not_forbidden(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    oss = client_for(server)
    oss.put_overwrite("demo-bucket", None)
    has_problem("overwriting in demo-bucket for uploads/", "warn", "can replace", "configure_bucket")
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "get_overwrite", _unknown)
        has_problem("overwriting in demo-bucket", "warn", "cannot be checked", "oss:GetBucketOverwriteConfig")
    oss.close()


def test_the_acl_of_objects_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> None:
        raise Denied("You have no right to access this object.", status=403, code="AccessDenied")

    monkeypatch.setattr(OssClient, "get_object_acl", denied)
    has_problem("object ACLs of demo-bucket", "warn", "cannot be read", "oss:GetObjectAcl")


def _unknown(*_: Any) -> None:
    raise Refused("The feature is not implemented.", status=400, code="InvalidArgument")


def test_lifecycle_missing(server: LocalServer) -> None:
    oss = client_for(server)
    oss.call("DeleteBucketLifecycle", OssRequest("DELETE", "demo-bucket", query=[("lifecycle", "")]))
    oss.close()
    has_problem("lifecycle of demo-bucket for uploads/", "warn", "cost money", "configure_bucket")


@pytest.mark.parametrize(
    ("prefix", "age", "named"),
    [
        ("", "<Days>7</Days>", True),
        ("uploads/1/", "<Days>1</Days>", True),
        ("", "<CreatedBeforeDate>2999-01-01T00:00:00.000Z</CreatedBeforeDate>", True),
        ("", "<Days>8</Days>", False),
        ("backups/", "<Days>1</Days>", False),
        ("", "<CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate>", False),
    ],
)
def test_a_rule_of_others_that_aborts_too_early_is_named(
    server: LocalServer, prefix: str, age: str, named: bool
) -> None:
    rule = (
        f"<Rule><ID>theirs</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>"
        f"<AbortMultipartUpload>{age}</AbortMultipartUpload></Rule>"
    )
    name = "lifecycle rule theirs of demo-bucket"
    with client_for(server) as oss:
        oss.put_lifecycle("demo-bucket", f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>".encode())
        try:
            if named:
                has_problem(name, "warn", "default (7 days)", "upload_expires")
            else:
                assert name not in found()
        finally:
            oss.call("DeleteBucketLifecycle", OssRequest("DELETE", "demo-bucket", query=[("lifecycle", "")]))


def test_role_not_assumable(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_STS_ROLE_ARN": "acs:ram::1000000000000001:role/nobody"}
    has_problem("temporary credentials of default", "FAIL", "EntityNotExist.Role", "OSS_STS_ROLE_ARN")


def test_policy_too_wide(working: Any, oss_server: LocalServer) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_ENDPOINT": oss_server.url, "OSS_STS_ENDPOINT": oss_server.url}
    call_command("configure_bucket", stdout=StringIO())
    has_problem("STS policy", "warn", "list the bucket, read objects, delete objects", "--document role")


def test_what_cannot_be_tried_is_not_held_against_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unreachable("OSS did not answer.", sent=True)

    monkeypatch.setattr(OssClient, "get_cors", away)
    assert found()["STS policy"].level == "ok"


def with_callback(working: Any, url: str) -> None:
    working.UPLOADS = {**working.UPLOADS, "DESTINATIONS": {"default": {"callback": {"url": url}}}}


def test_callback_unreachable(working: Any) -> None:
    with CallbackApp() as app:
        pass
    with_callback(working, app.url)
    has_problem("callback of default", "FAIL", "can not connect", "open to OSS")


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (404, "ok"), (403, "FAIL"), (500, "FAIL")])
def test_callback_answers(working: Any, server: LocalServer, status: int, level: str) -> None:
    with CallbackApp(answer(status)) as app:
        with_callback(working, app.url)
        assert found()["callback of default"].level == level
    oss = client_for(server)
    listed = oss.call("ListObjects", OssRequest("GET", "demo-bucket", query=[("prefix", "uploads/doctor-")])).text
    oss.close()
    assert "<Key>" not in listed, "the object is deleted again"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_sqlite_with_several_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--threads 8 --workers=4")
    findings = found()
    assert (findings["database"].level, findings["cache"].level) == ("FAIL", "FAIL")
    assert "PostgreSQL" in findings["database"].cure
    assert "Redis" in findings["cache"].cure
    assert "4 worker" in findings["database"].text


@pytest.mark.parametrize("directory", ["", "shared"])
def test_metrics_of_several_workers(
    working: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: str
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    throttles = dict.fromkeys(DEFAULT_THROTTLES, "")
    working.UPLOADS = {**working.UPLOADS, "METRICS_TOKEN": "t0ken", "THROTTLES": throttles}
    if directory:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    finding = found()["metrics"]
    assert "4 worker processes" in finding.text
    assert (finding.level, "PROMETHEUS_MULTIPROC_DIR" in finding.cure) == (
        ("ok", False) if directory else ("warn", True)
    )


def test_a_cache_that_stores_nothing(working: Any) -> None:
    working.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    has_problem("cache", "FAIL", "does not return", "CACHE_URL")


def test_migrations_missing() -> None:
    ((_, newest),) = MigrationLoader(connection).graph.leaf_nodes("uploads")
    MigrationRecorder(connection).record_unapplied("uploads", newest)
    has_problem("database", "FAIL", "1 migrations are not applied", "manage.py migrate")


def test_wrong_settings_are_reported_first(working: Any) -> None:
    working.UPLOADS = {**working.UPLOADS, "OSS_REGION": "oss-cn-hangzhou"}
    findings = found()
    assert findings["settings"].level == "FAIL"
    assert "credentials" not in findings


def test_no_rule_deletes_staged_objects(working: Any, server: LocalServer) -> None:
    working.UPLOADS = {**working.UPLOADS, "DESTINATIONS": {"default": {"stage": True}}}
    has_problem("staging prefix staging/ of demo-bucket", "warn", "no rule", "configure_bucket")
    call_command("configure_bucket", stdout=StringIO())
    findings = found()
    assert findings["staging prefix staging/ of demo-bucket"].level == "ok"
    assert findings["lifecycle of demo-bucket for staging/"].level == "ok"
