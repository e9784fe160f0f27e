"""manage.py configure_bucket where several projects, or several places of one project, use the same bucket."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.cloud_examples import printed
from tests.operations.test_configure_bucket import THEIRS
from uploads.operations import doctor
from uploads.oss import lifecycle, overwrite
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration

BUCKET = "demo-bucket"
DAY = 86_400
KEEPING = {"cinema": {"key": "cinema/{uuid}"}}
"""The destinations of a project that has completed files below cinema/."""


class Project:
    """Django settings whose UPLOADS can become those of another project."""

    def __init__(self, settings: Any) -> None:
        self.settings, self.common = settings, settings.UPLOADS

    def has(self, destinations: dict[str, Any], **given: Any) -> None:
        self.settings.UPLOADS = {
            **self.common, "DESTINATIONS": destinations, "UPLOADS_ORIGINS": ["https://app.example"], **given
        }  # fmt: skip


@pytest.fixture
def project(oss: OssClient, settings: Any) -> Iterator[Project]:
    """A project whose bucket has no rules before and after."""

    def clear() -> None:
        oss.put_cors(BUCKET, CorsConfiguration((THEIRS,)))
        oss.put_lifecycle(BUCKET, None)
        oss.put_overwrite(BUCKET, None)

    clear()
    yield Project(settings)
    clear()


def configure(*arguments: str) -> str:
    out = io.StringIO()
    call_command("configure_bucket", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        configure(*arguments)
    return str(error.value)


def ages(oss: OssClient) -> dict[str, tuple[int | None, int | None]]:
    """By prefix, the days until uploads are aborted and until objects are deleted."""
    rules = lifecycle.read(oss.get_lifecycle(BUCKET) or b"")
    return {rule.prefix: (rule.abort and rule.abort.days, rule.expiration and rule.expiration.days) for rule in rules}


def protected(oss: OssClient) -> set[str]:
    document = oss.get_overwrite(BUCKET)
    return {rule.prefix for rule in overwrite.read(document)} if document else set()


def findings() -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine()}


# Several projects


@pytest.mark.django_db
def test_the_rules_of_another_project_are_kept_and_named(project: Project, oss: OssClient) -> None:
    project.has(
        {"films": {"key": "films/{uuid}", "upload_expires": 30 * DAY, "stage": True, "stage_prefix": "new-films/"}},
        UPLOADS_ORIGINS=["https://films.example"],
    )
    configure()
    project.has({"shop": {"key": "shop/{uuid}"}})
    said = configure()
    assert ages(oss) == {"films/": (37, None), "new-films/": (37, 37), "shop/": (14, None)}
    assert protected(oss) == {"films/", "new-films/", "shop/"}
    assert oss.get_cors(BUCKET).rules[0].allowed_origins == ("https://films.example", "https://app.example")
    assert "demo-bucket: kept: films/: aborts multipart uploads after 37 days" in said
    assert "kept: new-films/: aborts multipart uploads after 37 days and deletes objects after 37 days" in said
    assert "kept: films/: forbids overwriting" in said
    assert "--drop PREFIX" in said
    assert "kept: shop/" not in said
    again = configure()
    assert "changed: abort" not in again.replace("unchanged", "")
    assert "kept: films/" in again
    assert {"ok"} == {found.level for name, found in findings().items() if "lifecycle" in name or "overwriting" in name}


def test_projects_that_share_a_prefix_have_one_rule_with_the_longer_days(project: Project, oss: OssClient) -> None:
    project.has({"films": {"key": "uploads/films/{uuid}", "upload_expires": 30 * DAY}})
    configure()
    project.has({"default": {"upload_expires": 3 * DAY}})
    said = configure()
    assert ages(oss) == {"uploads/": (37, None)}, "OSS takes no rule inside another's prefix"
    assert "kept: uploads/: aborts multipart uploads after 37 days" in said
    project.has({"default": {"upload_expires": 60 * DAY}})
    assert "kept: uploads/: aborts" not in configure()
    assert ages(oss) == {"uploads/": (67, None)}


def test_an_operator_ends_what_former_settings_left(project: Project, oss: OssClient) -> None:
    project.has({"default": {"upload_expires": 60 * DAY}, "old": {"key": "old/{uuid}"}})
    configure()
    project.has({"default": {}})
    configure()
    assert ages(oss) == {"uploads/": (67, None), "old/": (14, None)}
    assert "not changed (dry run)" in configure("--drop", "old/", "--dry-run")
    assert "old/" in ages(oss)
    said = configure("--drop", "old/", "--drop", "uploads/", "--drop", "odl/")
    assert ages(oss) == {"uploads/": (14, None)}
    assert protected(oss) == {"uploads/"}
    assert "kept" not in said
    assert "--drop odl/: no rule of OSS Uploads is for this prefix." in said
    project.has({"default": {"key": "{uuid}", "forbid_overwrite": False}})
    configure("--drop", "uploads/")
    assert oss.get_lifecycle(BUCKET) is None
    assert oss.get_overwrite(BUCKET) is None


@pytest.mark.django_db
def test_a_kept_rule_that_deletes_completed_files_is_told(project: Project, oss: OssClient) -> None:
    project.has({"default": {"stage": True, "stage_prefix": "new/"}})
    configure()
    project.has({"default": {"key": "new/{user_id}/{uuid}"}})
    told = refused()
    assert "demo-bucket, new/: a rule that is kept deletes completed files of: default. If no project" in told
    finding = findings()["lifecycle of demo-bucket for new/"]
    assert (finding.level, "configure_bucket --drop new/" in finding.cure) == ("warn", True)
    assert ages(oss)["new/"] == (14, 14), "it may be another project's"
    configure("--drop", "new/")
    assert ages(oss)["new/"] == (14, None)


@pytest.mark.django_db
def test_no_rule_deletes_the_completed_files_of_another_project(project: Project, oss: OssClient) -> None:
    project.has(KEEPING)
    configure()
    project.has({"default": {"stage": True, "stage_prefix": "cinema/"}})
    told = refused()
    assert "demo-bucket, cinema/: The lifecycle rule oss-uploads-abort-0 is for completed files below cinema/" in told
    assert ages(oss) == {"cinema/": (14, None), "uploads/": (14, None)}
    finding = findings()["staging prefix cinema/ of demo-bucket"]
    assert (finding.level, "--drop cinema/" in finding.cure) == ("warn", True)
    configure("--drop", "cinema/")
    assert ages(oss)["cinema/"] == (14, 14)


def test_a_rule_that_cannot_be_set_takes_no_other_project_s_rule_away(project: Project, oss: OssClient) -> None:
    theirs = lifecycle.merged(None, "theirs-", {"shared/logs/": 3, "new/logs/": 3}, {"new/logs/": 9}) or b""
    oss.put_lifecycle(BUCKET, theirs)
    staged = {"stage": True, "stage_prefix": "new/films/", "upload_expires": 30 * DAY}
    project.has({"films": {"key": "shared/films/{uuid}", **staged}})
    configure()
    kept = {"shared/films/": (37, None), "new/films/": (37, 37)}
    others = {"shared/logs/": (3, None), "new/logs/": (3, 9)}
    assert ages(oss) == {**kept, **others}
    project.has({"default": {"key": "shared/{uuid}", "stage": True, "stage_prefix": "new/"}})
    for _ in range(2):
        told = refused()
        assert "demo-bucket, shared/: The lifecycle rule theirs-" in told
        assert "demo-bucket, new/: The lifecycle rule theirs-" in told
        assert ages(oss) == {**kept, **others}


def test_a_staging_prefix_around_files_takes_no_other_staging_prefix_s_rule_away(
    project: Project, oss: OssClient
) -> None:
    project.has({"films": {"key": "shared/films/{uuid}", "stage": True, "stage_prefix": "shared/new/"}})
    configure()
    project.has({"default": {"stage": True, "stage_prefix": "shared/"}})
    assert "is for completed files below shared/films/" in refused()
    assert ages(oss) == {"shared/": (14, None), "shared/new/": (None, 14), "uploads/": (14, None)}


@pytest.mark.django_db
def test_a_kept_rule_that_forbids_what_a_destination_allows_is_told(project: Project, oss: OssClient) -> None:
    project.has({"default": {}})
    configure()
    project.has({"drafts": {"key": "uploads/drafts/{uuid}", "forbid_overwrite": False}})
    assert "demo-bucket, uploads/: a rule that is kept forbids overwriting, which is allowed by: drafts." in refused()
    finding = findings()["overwriting in demo-bucket for uploads/"]
    assert (finding.level, "--drop uploads/" in finding.cure) == ("warn", True)
    configure("--drop", "uploads/")
    assert protected(oss) == set()


def test_a_rule_of_ours_that_somebody_disabled_stays_disabled_until_it_is_needed(
    project: Project, oss: OssClient
) -> None:
    project.has(KEEPING)
    configure()
    enabled = oss.get_lifecycle(BUCKET) or b""
    oss.put_lifecycle(BUCKET, enabled.replace(b"Enabled", b"Disabled"))
    project.has({"default": {}})
    configure()
    rules = {rule.prefix: rule for rule in lifecycle.read(oss.get_lifecycle(BUCKET) or b"")}
    assert {prefix: rule.enabled for prefix, rule in rules.items()} == {"cinema/": False, "uploads/": True}
    assert len({rule.id for rule in rules.values()}) == 2
    project.has(KEEPING)
    configure()
    assert all(rule.enabled for rule in lifecycle.read(oss.get_lifecycle(BUCKET) or b""))


# Several places


@pytest.fixture
def places(project: Project) -> Project:
    """A project that reaches its bucket by two names."""
    common = project.common
    again = {
        "bucket": BUCKET, "endpoint": common["OSS_ENDPOINT"].replace("127.0.0.1", "localhost"), "addressing": "path",
        "region": common["OSS_REGION"],
    }  # fmt: skip
    project.has(
        {
            "default": {"bucket": "again"},
            "films": {"key": "films/{uuid}", "bucket": "again", "stage": True, "stage_prefix": "new-films/"},
            "long": {"key": "uploads/long/{uuid}", "upload_expires": 30 * DAY},
            "drafts": {"key": "uploads/drafts/{uuid}", "forbid_overwrite": False},
        },
        BUCKETS={"again": again},
    )
    return project


@pytest.mark.django_db
def test_places_that_are_one_bucket_are_configured_together(places: Project, oss: OssClient) -> None:
    said = configure()
    assert ages(oss) == {"films/": (14, None), "new-films/": (14, 14), "uploads/": (37, None)}
    assert protected(oss) == {"films/", "new-films/"}, "a rule for uploads/ would forbid what drafts allows"
    assert "kept" not in said
    assert "demo-bucket (again): unchanged: abort stale uploads" in said + configure()
    levels = {name: found.level for name, found in findings().items() if "lifecycle" in name or "overwriting" in name}
    assert levels["lifecycle of demo-bucket (again) for uploads/"] == "ok"
    assert levels["lifecycle of demo-bucket for uploads/"] == "ok"
    assert {"ok"} == set(levels.values())


def test_terraform_and_ros_have_the_rules_of_all_places_of_the_bucket(places: Project, oss: OssClient) -> None:
    configure()
    for chosen in ((), ("--bucket", "again")):
        variables = json.loads(printed(*chosen))
        days = {rule["prefix"]: (rule["abort_days"], rule["expire_days"]) for rule in variables["lifecycle_rules"]}
        assert days == ages(oss)
        bucket = json.loads(printed("--format", "ros", *chosen))["Resources"]["Bucket"]["Properties"]
        assert {rule["Prefix"] for rule in bucket["LifecycleConfiguration"]["Rule"]} == days.keys()


def test_the_template_of_a_bucket_has_the_domains_of_all_its_places(places: Project) -> None:
    domain = {"public_endpoint": "https://films.example.com", "addressing": "cname", "region": "cn-hangzhou"}
    again = {**domain, "bucket": BUCKET, "endpoint": places.common["OSS_ENDPOINT"]}
    places.has({"default": {}, "films": {"key": "films/{uuid}", "bucket": "again"}}, BUCKETS={"again": again})
    for chosen in ((), ("--bucket", "again")):
        assert json.loads(printed(*chosen))["domains"] == ["films.example.com"]


def test_the_key_of_each_place_may_set_the_rules_of_all(places: Project) -> None:
    key = {"type": "access_key", "access_key_id": "other", "access_key_secret": "secret"}
    again = {**places.settings.UPLOADS["BUCKETS"]["again"], "credentials": key}
    drafts = {"key": "{uuid}", "forbid_overwrite": False, "bucket": "again"}
    places.has({"films": {"key": "films/{uuid}"}, "drafts": drafts}, BUCKETS={"again": again})
    out = io.StringIO()
    call_command("ram_policy", "--bucket", "again", stdout=out)
    assert {"oss:PutBucketLifecycle", "oss:PutBucketOverwriteConfig"} <= actions(json.loads(out.getvalue()))


def actions(policies: dict[str, Any]) -> set[str]:
    return {action for statement in policies["site"]["Statement"] for action in statement["Action"]}
