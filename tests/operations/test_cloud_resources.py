"""manage.py cloud_resources: what it prints is what configure_bucket sets and what ram_policy prints."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests import cloud_examples
from tests.cloud_examples import printed
from tests.operations.test_configure_bucket import THEIRS
from uploads.operations.lifecycle_rules import IDS
from uploads.oss import lifecycle, overwrite
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration

ROLE = "acs:ram::1000000000000001:role/browsers"
DESTINATIONS: dict[str, dict[str, Any]] = {
    "plain": {"key": "plain/{uuid}/{filename}", "upload_expires": 3 * 86_400},
    "issued": {"key": "issued/{user_id}/{uuid}", "credentials": "upload", "forbid_overwrite": False},
    "staged": {"key": "final/{uuid}/{filename}", "stage": True},
}
FILMS = {"bucket": "films-bucket", "endpoint": "https://oss-cn-beijing.aliyuncs.com", "region": "cn-beijing"}


@pytest.fixture
def given(settings: Any, oss: OssClient) -> Iterator[OssClient]:
    """The settings, and a bucket without rules of ours."""
    settings.UPLOADS = {
        **settings.UPLOADS,
        "DESTINATIONS": DESTINATIONS,
        "UPLOADS_ORIGINS": ["https://app.example"],
        "OSS_STS_ROLE_ARN": ROLE,
    }
    oss.put_cors("demo-bucket", CorsConfiguration((THEIRS,)))
    oss.put_lifecycle("demo-bucket", None)
    oss.put_overwrite("demo-bucket", None)
    yield oss
    oss.put_lifecycle("demo-bucket", None)
    oss.put_overwrite("demo-bucket", None)


def terraform(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(*arguments))
    return found


def ros(*arguments: str) -> dict[str, Any]:
    """The resources of the template, by name."""
    found: dict[str, Any] = json.loads(printed("--format", "ros", *arguments))["Resources"]
    return found


@pytest.mark.django_db
def test_both_have_the_rules_that_configure_bucket_sets(given: OssClient) -> None:
    call_command("configure_bucket", stdout=StringIO())
    cors, _theirs = given.get_cors("demo-bucket").rules
    aged = [rule for rule in lifecycle.read(given.get_lifecycle("demo-bucket") or b"") if rule.id.startswith(IDS)]
    protected = overwrite.read(given.get_overwrite("demo-bucket") or b"")
    ages = {rule.prefix: (rule.abort and rule.abort.days, rule.expiration and rule.expiration.days) for rule in aged}

    variables = terraform()
    assert variables["cors_rules"] == [{name: _listed(value) for name, value in asdict(cors).items()}]
    rules = variables["lifecycle_rules"]
    assert {rule["prefix"]: (rule["abort_days"], rule["expire_days"]) for rule in rules} == ages
    assert ages["plain/"] == (10, None)
    assert ages["staging/"][1] is not None
    assert {(rule["id"], rule["prefix"]) for rule in variables["overwrite_rules"]} == {
        (rule.id, rule.prefix) for rule in protected
    }

    bucket = ros()["Bucket"]["Properties"]
    (rule,) = bucket["CORSConfiguration"]["CORSRule"]
    assert [rule["AllowedOrigin"], rule["AllowedMethod"], rule["AllowedHeader"], rule["ExposeHeader"]] == [
        list(each) for each in (cors.allowed_origins, cors.allowed_methods, cors.allowed_headers, cors.expose_headers)
    ]
    assert rule["MaxAgeSeconds"] == cors.max_age_seconds
    written = bucket["LifecycleConfiguration"]["Rule"]
    days = {each["Prefix"]: tuple(each.get(name, {}).get("Days") for name in lifecycle.ACTIONS[:2]) for each in written}
    assert days == ages
    assert {each["Prefix"] for each in ros()["OverwriteProtection"]["Properties"]["Rule"]} == {
        each.prefix for each in protected
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("identity", ["user/site", "role/site"])
def test_both_have_the_policies_that_ram_policy_prints(given: OssClient, identity: str) -> None:
    out = StringIO()
    call_command("ram_policy", "--identity", identity, stdout=out)
    wanted = json.loads(out.getvalue())
    variables, resources = terraform("--identity", identity), ros("--identity", identity)
    assert json.loads(variables["site"]["policy"]) == wanted["site"]
    assert json.loads(variables["browsers"]["policy"]) == wanted["role"]
    assert json.loads(variables["browsers"]["trust"]) == wanted["trust"]
    assert (variables["site"]["kind"], variables["site"]["name"]) == tuple(identity.split("/"))
    assert resources["SitePolicy"]["Properties"]["PolicyDocument"] == wanted["site"]
    assert resources["SitePolicy"]["Properties"][f"{identity.split('/')[0].title()}s"] == ["site"]
    assert resources["BrowsersPolicy"]["Properties"]["PolicyDocument"] == wanted["role"]
    assert resources["BrowsersRole"]["Properties"]["AssumeRolePolicyDocument"] == wanted["trust"]


def test_a_bucket_beside_has_no_policies_of_its_own(given: OssClient, settings: Any) -> None:
    films = {"key": "films/{uuid}/{filename}", "bucket": "films", "acl": "public-read"}
    settings.UPLOADS = {**settings.UPLOADS, "BUCKETS": {"films": FILMS}, "DESTINATIONS": {**DESTINATIONS, "f": films}}
    variables = terraform("--bucket", "films")
    assert [rule["prefix"] for rule in variables["lifecycle_rules"]] == ["films/"]
    assert (variables["bucket"], variables["region"]) == ("films-bucket", "cn-beijing")
    assert variables["block_public_access"] is False, "a destination makes objects public"
    assert terraform()["block_public_access"] is True
    assert not {"site", "browsers"} & variables.keys()
    # In the one policy of the key that both buckets share.
    assert "films-bucket" in terraform()["site"]["policy"]


@pytest.mark.parametrize(
    "arguments", [("--identity", "group/x"), ("--bucket", "nowhere")], ids=["no identity", "no such bucket"]
)
def test_what_is_wrong_is_refused(given: OssClient, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        printed(*arguments)


def test_without_an_origin_it_says_what_to_set(given: OssClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "UPLOADS_ORIGINS": []}
    with pytest.raises(CommandError, match="UPLOADS_ORIGINS"):
        printed()
    assert terraform("--origin", "https://two.example/")["cors_rules"][0]["allowed_origins"] == ["https://two.example"]


@pytest.mark.parametrize("path", cloud_examples.FILES, ids=lambda path: path.name)
def test_the_committed_examples_are_those_of_now(settings: Any, path: Path) -> None:
    settings.UPLOADS = cloud_examples.app_settings()
    assert path.read_text() == printed(*cloud_examples.FILES[path]), "run python -m tests.cloud_examples"
