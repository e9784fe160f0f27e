"""manage.py configure_bucket: merges rules, shows the difference, can be repeated, and reports errors."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from uploads.localoss.testing import LocalServer
from uploads.operations import doctor
from uploads.operations.bucket import CORS_RULE, merge_cors
from uploads.oss import lifecycle, overwrite
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.errors import Refused

THEIRS = CorsRule(("https://shop.example",), ("GET",), ("*",), ("x-shop",), 60)


@pytest.fixture
def bucket(oss_server: LocalServer, oss: OssClient, settings: Any) -> Iterator[OssClient]:
    """The local server's bucket, without rules before and after."""
    settings.UPLOADS = {**settings.UPLOADS, "UPLOADS_ORIGINS": ["https://app.example"]}
    oss.put_cors("demo-bucket", CorsConfiguration((THEIRS,)))
    oss.put_lifecycle("demo-bucket", None)
    oss.put_overwrite("demo-bucket", None)
    yield oss
    oss.put_lifecycle("demo-bucket", None)
    oss.put_overwrite("demo-bucket", None)


def configure(*arguments: str) -> str:
    out = io.StringIO()
    call_command("configure_bucket", *arguments, stdout=out)
    return out.getvalue()


def test_it_merges_shows_the_difference_and_is_safe_to_repeat(bucket: OssClient) -> None:
    said = configure("--origin", "https://two.example/")
    assert "+rule for https://app.example, https://two.example" in said
    ours, theirs = bucket.get_cors("demo-bucket").rules
    assert ours.allowed_origins == ("https://app.example", "https://two.example")
    assert set(ours.expose_headers) == {"ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"}
    assert theirs == THEIRS
    assert "demo-bucket: unchanged: CORS for https://app.example" in configure()
    assert len(bucket.get_cors("demo-bucket").rules) == 2
    assert configure("--verbosity", "0") == ""


def test_oss_aborts_stale_uploads(bucket: OssClient, settings: Any) -> None:
    theirs = (
        b"<LifecycleConfiguration><Rule><ID>theirs</ID><Prefix>logs/</Prefix><Status>Enabled</Status>"
        b"<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    bucket.put_lifecycle("demo-bucket", theirs)
    settings.UPLOADS = {
        **settings.UPLOADS,
        "DESTINATIONS": {
            "default": {"upload_expires": 7 * 86_400},
            "films": {"key": "uploads/films/{uuid}", "upload_expires": 10 * 86_400},
            "other": {"key": "other/{uuid}"},
        },
    }
    said = configure()
    assert "+    multipart uploads aborted after 17 days" in said
    rules = {rule.prefix: rule for rule in lifecycle.read(bucket.get_lifecycle("demo-bucket") or b"")}
    assert set(rules) == {"logs/", "uploads/", "other/"}
    assert rules["uploads/"].abort == lifecycle.Age(days=17), "one rule for both: OSS allows none inside another"
    assert rules["other/"].abort == lifecycle.Age(days=14)
    assert rules["logs/"].expiration == lifecycle.Age(days=30)
    assert "unchanged: abort stale uploads: other/ after 14 days, uploads/ after 17 days" in configure()
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {}}}
    configure("--drop", "other/")
    kept = {rule.prefix for rule in lifecycle.read(bucket.get_lifecycle("demo-bucket") or b"")}
    assert kept == {"logs/", "uploads/"}


def test_completed_uploads_are_protected_from_overwriting(bucket: OssClient, settings: Any) -> None:
    theirs = (
        b"<OverwriteConfiguration><Rule><ID>theirs</ID><Action>forbid</Action><Prefix>logs/</Prefix>"
        b"<Principals><Principal>27</Principal></Principals></Rule></OverwriteConfiguration>"
    )
    bucket.put_overwrite("demo-bucket", theirs)
    settings.UPLOADS = {
        **settings.UPLOADS,
        "DESTINATIONS": {
            "default": {},
            "films": {"key": "uploads/films/{uuid}"},
            "drafts": {"key": "drafts/{uuid}", "forbid_overwrite": False},
        },
    }
    said = configure()
    assert "+rule oss-uploads-forbid-0: no overwriting of uploads/" in said
    assert " rule theirs: no overwriting of logs/ by 27" in said
    rules = {rule.id: rule for rule in overwrite.read(bucket.get_overwrite("demo-bucket") or b"")}
    assert set(rules) == {"theirs", "oss-uploads-forbid-0"}
    assert rules["theirs"].principals == ("27",)
    assert "unchanged: no overwriting: uploads/" in configure()
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"forbid_overwrite": False}}}
    assert "-rule oss-uploads-forbid-0" in configure("--drop", "uploads/")
    assert [rule.id for rule in overwrite.read(bucket.get_overwrite("demo-bucket") or b"")] == ["theirs"]


def test_an_account_without_overwrite_protection_is_told_and_the_rest_is_done(
    bucket: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any) -> None:
        raise Refused("The feature is not implemented.", status=400, code="InvalidArgument")

    monkeypatch.setattr(OssClient, "get_overwrite", unknown)
    assert "overwrite protection is not available: The feature is not implemented. (InvalidArgument)" in configure()
    assert bucket.get_lifecycle("demo-bucket")


def test_keys_without_a_directory_of_their_own_get_no_lifecycle_rule(bucket: OssClient, settings: Any) -> None:
    """The rule would abort the uploads of every application that uses the bucket."""
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"key": "{uuid}/{filename}"}}}
    assert "abort stale uploads" not in configure()
    assert bucket.get_lifecycle("demo-bucket") is None
    settings.UPLOADS = {
        **settings.UPLOADS,
        "DESTINATIONS": {"default": {"key": "{uuid}"}, "films": {"key": "films/{uuid}"}},
    }
    configure()
    assert [rule.prefix for rule in lifecycle.read(bucket.get_lifecycle("demo-bucket") or b"")] == ["films/"]


def test_a_dry_run_changes_nothing(bucket: OssClient) -> None:
    assert "not changed (dry run)" in configure("--dry-run")
    assert bucket.get_cors("demo-bucket").rules == (THEIRS,)


def test_a_missing_origin_is_reported(settings: Any) -> None:
    with pytest.raises(CommandError, match="UPLOADS_ORIGINS"):
        configure()


def test_an_error_of_oss_comes_with_a_fix(bucket: OssClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ACCESS_KEY_SECRET": "wrong"}
    with pytest.raises(CommandError, match=r"Correct OSS_ACCESS_KEY_SECRET.*request id"):
        configure()


ORIGINS = st.sampled_from([f"https://{name}.example" for name in "abcdef"])


@given(origins=st.lists(ORIGINS, min_size=1, max_size=4), had=st.lists(ORIGINS, max_size=3, unique=True))
def test_merging_is_idempotent_and_keeps_every_rule(origins: list[str], had: list[str]) -> None:
    before = CorsConfiguration((THEIRS, *([CorsRule(tuple(had), *_rest())] if had else [])))
    after = merge_cors(before, origins)
    assert merge_cors(after, origins) == after
    assert set(after.rules[0].allowed_origins) == {*origins, *had}
    assert after.rules[1:] == (THEIRS,)


def _rest() -> tuple[Any, ...]:
    return CORS_RULE.allowed_methods, CORS_RULE.allowed_headers, CORS_RULE.expose_headers, CORS_RULE.max_age_seconds


# Lifecycle rules of others beside ours

ABORT = "<AbortMultipartUpload><Days>9</Days></AbortMultipartUpload>"
EXPIRE = "<Expiration><Days>30</Days></Expiration>"
OLD = "<AbortMultipartUpload><CreatedBeforeDate>2026-01-15T00:00:00.000Z</CreatedBeforeDate></AbortMultipartUpload>"
CONFLICTS = {
    "the same prefix": ("uploads/", EXPIRE, "has the same prefix", "aborts multipart uploads after 14 days"),
    "a prefix within ours": ("uploads/films/", ABORT, "for uploads/films/ aborts multipart uploads too", "Delete that"),
    "a date that has passed": ("uploads", OLD, "for uploads aborts multipart uploads too", "change its prefix"),
}


def rule_of_others(prefix: str, action: str, name: str = "theirs") -> str:
    return f"<Rule><ID>{name}</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>{action}</Rule>"


def theirs(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(rules)}</LifecycleConfiguration>".encode()


def lifecycle_rules(bucket: OssClient) -> dict[str, str]:
    return {rule.prefix: rule.id for rule in lifecycle.read(bucket.get_lifecycle("demo-bucket") or b"")}


@pytest.fixture
def ours(bucket: OssClient, settings: Any) -> OssClient:
    """Destinations with two prefixes; the bucket has no lifecycle rules."""
    keys = {"default": {}, "other": {"key": "other/{uuid}"}}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": keys}
    return bucket


@pytest.mark.django_db
@pytest.mark.parametrize("conflict", CONFLICTS)
def test_a_rule_of_others_that_oss_takes_no_second_one_beside_is_told(ours: OssClient, conflict: str) -> None:
    prefix, action, why, cure = CONFLICTS[conflict]
    ours.put_lifecycle("demo-bucket", theirs(rule_of_others(prefix, action)))
    with pytest.raises(CommandError) as error:
        configure()
    assert "demo-bucket, uploads/: The lifecycle rule theirs" in str(error.value)
    assert why in str(error.value)
    assert cure in str(error.value)
    assert "other/" in lifecycle_rules(ours), "what OSS takes is done"
    assert ours.get_overwrite("demo-bucket"), "and so is the overwrite protection"
    findings = {finding.name: finding for finding in doctor.examine()}
    told = findings["lifecycle of demo-bucket for uploads/"]
    assert (told.level, cure in told.cure, "configure_bucket" in told.cure) == ("warn", True, False)
    assert findings["lifecycle of demo-bucket for other/"].level == "ok"


@pytest.mark.django_db
def test_a_rule_of_others_that_does_the_same_needs_none_of_ours(ours: OssClient) -> None:
    ours.put_lifecycle("demo-bucket", theirs(rule_of_others("", ABORT)))
    configure()
    assert lifecycle_rules(ours) == {"": "theirs"}
    assert "unchanged: abort stale uploads" in configure()
    findings = {finding.name: finding.level for finding in doctor.examine()}
    assert findings["lifecycle of demo-bucket for uploads/"] == "ok"


def test_rules_of_others_that_overlap_stay(ours: OssClient) -> None:
    """Somebody told OSS to take them; without that word it would refuse the whole configuration."""
    kept = [rule_of_others("logs/", EXPIRE, "outer"), rule_of_others("logs/old/", EXPIRE, "inner")]
    ours.put_lifecycle("demo-bucket", theirs(*kept), overlap=True)
    configure()
    assert {"logs/", "logs/old/", "uploads/", "other/"} == lifecycle_rules(ours).keys()


def test_our_rule_gives_way_to_one_of_others(ours: OssClient) -> None:
    configure()
    assert "uploads/" in lifecycle_rules(ours)
    before = ours.get_lifecycle("demo-bucket") or b""
    end = b"</LifecycleConfiguration>"
    added = before.replace(end, rule_of_others("", ABORT).encode() + end)
    ours.put_lifecycle("demo-bucket", added, overlap=True)
    configure()
    assert lifecycle_rules(ours) == {"": "theirs"}
