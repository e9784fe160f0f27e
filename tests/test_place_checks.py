"""What is plainly wrong in endpoints and in BUCKETS is told when the site starts, each mistake by its id."""

from typing import Any

import pytest
from django.core.checks import run_checks

from tests.test_checks import SOUND, found
from uploads.site.settings import storage_origins

BEIJING = {"endpoint": "https://oss-cn-beijing.aliyuncs.com", "region": "cn-beijing", "bucket": "films-bj"}
INSIDE = "https://films-bj.oss-cn-beijing.aliyuncs.com"
KEY = {"type": "access_key", "access_key_id": "id", "access_key_secret": "secret"}


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("https://cn-hangzhou.oss.aliyuncs.com", "cn-hangzhou"),  # dual-stack
        ("https://oss-accelerate.aliyuncs.com", "cn-hangzhou"),  # signatures name the bucket's region
        ("https://oss-accelerate-overseas.aliyuncs.com", "ap-southeast-1"),
        ("https://oss-cn-hzfinance.aliyuncs.com", "cn-hangzhou-finance"),
        ("https://oss-cn-shanghai-finance-1-pub.aliyuncs.com", "cn-shanghai-finance-1"),
        ("https://oss-cn-north-2-gov-1.aliyuncs.com", "cn-north-2-gov-1"),
        ("https://oss.stack.example.com", "cn-stack-d01"),  # Apsara Stack
        ("http://oss.stack.internal", "cn-stack-d01"),
        ("http://10.1.2.3:8080", "cn-stack-d01"),
        ("http://localhost:9000", "cn-hangzhou"),
    ],
)
def test_endpoints_of_every_kind_pass(settings: Any, endpoint: str, region: str) -> None:
    assert found(settings, OSS_ENDPOINT=endpoint, OSS_REGION=region) == []
    place = {"endpoint": endpoint, "region": region, "bucket": "films-bj"}
    assert found(settings, BUCKETS={"films": place}) == []


def test_the_internal_endpoint_belongs_to_the_backend(settings: Any) -> None:
    internal = "http://oss-cn-hangzhou-internal.aliyuncs.com"
    assert found(settings, OSS_INTERNAL_ENDPOINT=internal) == []
    assert [id for id, _ in found(settings, OSS_ENDPOINT=internal)] == ["uploads.E084"]


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"OSS_ENDPOINT": "https://oss-cn-hangzhou-internal.aliyuncs.com"}, "uploads.E084"),
        ({"OSS_ENDPOINT": "https://b.oss-cn-hangzhou.aliyuncs.com"}, "uploads.E085"),
        ({"OSS_ENDPOINT": "https://other.cn-hangzhou.oss.aliyuncs.com"}, "uploads.E085"),
        ({"OSS_ENDPOINT": "https://b.oss.stack.example"}, "uploads.E085"),
        ({"OSS_ENDPOINT": "http://b.localhost:9000", "OSS_ADDRESSING": "path"}, "uploads.E085"),
        ({"OSS_INTERNAL_ENDPOINT": "https://b.oss-cn-hangzhou-internal.aliyuncs.com"}, "uploads.E085"),
        ({"OSS_REGION": "cn-beijing"}, "uploads.E086"),
        ({"OSS_ENDPOINT": "https://cn-shanghai.oss.aliyuncs.com"}, "uploads.E086"),
        ({"OSS_INTERNAL_ENDPOINT": "http://oss-cn-beijing-internal.aliyuncs.com"}, "uploads.E086"),
        ({"OSS_ENDPOINT": "https://oss-cn-hzfinance.aliyuncs.com", "OSS_REGION": "cn-hzfinance"}, "uploads.E086"),
        ({"OSS_ENDPOINT": "http://oss-cn-hangzhou.aliyuncs.com"}, "uploads.E087"),
        ({"OSS_ENDPOINT": "http://oss-accelerate.aliyuncs.com"}, "uploads.E087"),
        ({"OSS_INTERNAL_ENDPOINT": "http://oss-cn-hangzhou.aliyuncs.com"}, "uploads.E087"),
        ({"OSS_ENDPOINT": "http://oss.stack.example"}, "uploads.W081"),
        ({"OSS_ENDPOINT": "http://47.110.1.1"}, "uploads.W081"),
        ({"OSS_ADDRESSING": "path"}, "uploads.E088"),
        ({"OSS_ENDPOINT": "https://s3.oss-cn-hangzhou.aliyuncs.com"}, "uploads.E089"),
        ({"OSS_ENDPOINT": "https://b.s3.oss-cn-hangzhou.aliyuncs.com"}, "uploads.E089"),
        ({"OSS_INTERNAL_ENDPOINT": "https://s3.oss-cn-hangzhou-internal.aliyuncs.com"}, "uploads.E089"),
        ({"OSS_ENDPOINT": "https://oss-cn-hangzhou.aliyuncs.com", "OSS_ADDRESSING": "cname"}, "uploads.E083"),
        ({"OSS_ENDPOINT": "https://c.oss-cn-hangzhou.aliyuncs.com", "OSS_ADDRESSING": "cname"}, "uploads.E083"),
        ({"OSS_MORE_ENDPOINTS": "oss-accelerate.aliyuncs.com"}, None),
        ({"OSS_MORE_ENDPOINTS": ["oss-accelerate.aliyuncs.com", "upload.example.com cname"]}, None),
        ({"OSS_ENDPOINT": "http://localhost:9000", "OSS_MORE_ENDPOINTS": ["http://127.0.0.1:9000"]}, None),
        ({"OSS_MORE_ENDPOINTS": {"a": 1}}, "uploads.E091"),
        ({"OSS_MORE_ENDPOINTS": ["https://x.example/path"]}, "uploads.E091"),
        ({"OSS_MORE_ENDPOINTS": ["upload.example.com vhost"]}, "uploads.E091"),
        ({"OSS_MORE_ENDPOINTS": ["oss-cn-hangzhou.aliyuncs.com"]}, "uploads.E091"),
        ({"OSS_MORE_ENDPOINTS": ["oss-accelerate.aliyuncs.com cname"]}, "uploads.E083"),
        ({"OSS_MORE_ENDPOINTS": ["https://oss-cn-hangzhou-internal.aliyuncs.com"]}, "uploads.E084"),
        ({"OSS_MORE_ENDPOINTS": ["http://10.0.0.5"]}, "uploads.E090"),
        ({"OSS_MORE_ENDPOINTS": ["oss-cn-beijing.aliyuncs.com"]}, "uploads.E086"),
        ({"OSS_MORE_ENDPOINTS": ["http://upload.example.com cname"]}, "uploads.E087"),
        ({"OSS_MORE_ENDPOINTS": ["s3.oss-cn-hangzhou.aliyuncs.com"]}, "uploads.E089"),
        ({"BUCKETS": {"films": {**BEIJING, "more_endpoints": ["oss-accelerate.aliyuncs.com"]}}}, None),
        ({"BUCKETS": {"films": {**BEIJING, "more_endpoints": "oss-accelerate.aliyuncs.com"}}}, "uploads.E080"),
        ({"BUCKETS": {"films": {**BEIJING, "more_endpoints": ["ftp://a"]}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {"more_endpoints": ["upload.example.com cname"]}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "more_endpoints": ["http://oss-accelerate.aliyuncs.com"]}}}, "uploads.E087"),
        ({"BUCKETS": ["films"]}, "uploads.E080"),
        ({"BUCKETS": {"films": "films-bj"}}, "uploads.E080"),
        ({"BUCKETS": {"films": {"endpont": "x"}}}, "uploads.E080"),
        ({"BUCKETS": {"films": {"region": 5}}}, "uploads.E080"),
        ({"BUCKETS": {"": {}}}, "uploads.E080"),
        ({"DESTINATIONS": {"default": {"bucket": 5}}}, "uploads.E080"),
        ({"BUCKETS": {"films": {"region": "cn-beijing"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {"endpoint": "https://oss-cn-beijing.aliyuncs.com"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "addressing": "vhost"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "credentials": {"access_key_id": "a"}}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "bucket": "Films_BJ"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "region": "oss-cn-beijing"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "role": "role"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "sts_endpoint": "sts.example"}}}, "uploads.E081"),
        ({"BUCKETS": {"films": {**BEIJING, "region": "cn-shanghai"}}}, "uploads.E086"),
        ({"BUCKETS": {"films": {**BEIJING, "endpoint": INSIDE}}}, "uploads.E085"),
        ({"BUCKETS": {"films": {**BEIJING, "addressing": "path"}}}, "uploads.E088"),
        ({"OSS_BUCKET": "films-bj", "BUCKETS": {"films": BEIJING}}, "uploads.W080"),
        ({"DESTINATIONS": {"default": {"bucket": "films-hz"}}, "BUCKETS": {"films": BEIJING}}, "uploads.W082"),
        ({"DESTINATIONS": {"default": {"bucket": "films-hz"}}}, None),
        ({"DESTINATIONS": {"default": {"bucket": "films"}}, "BUCKETS": {"films": BEIJING}}, None),
        ({"DESTINATIONS": {"default": {"key_values": ["tenant"]}}}, "uploads.E082"),
        ({"DESTINATIONS": {"default": {"key_values": {"uuid": str}}}}, "uploads.E082"),
        ({"DESTINATIONS": {"default": {"key_values": {"Tenant": str}}}}, "uploads.E082"),
        ({"DESTINATIONS": {"default": {"key_values": {5: str}}}}, "uploads.E082"),
        ({"DESTINATIONS": {"default": {"key_values": {"tenant": "nowhere.tenant"}}}}, "uploads.E082"),
        ({"DESTINATIONS": {"default": {"key_values": {"tenant": 5}}}}, "uploads.E082"),
    ],
)
def test_each_mistake_has_its_id(settings: Any, changes: dict[str, Any], id: str | None) -> None:
    expected = [id] if id else []
    assert [each for each, _ in found(settings, **changes)] == expected


def test_a_custom_domain_belongs_to_one_bucket(settings: Any) -> None:
    """With cname two buckets had the same URL."""
    cname = {"OSS_ENDPOINT": "https://media.example.com", "OSS_ADDRESSING": "cname"}
    assert found(settings, **cname) == []
    elsewhere = {"DESTINATIONS": {"default": {}, "films": {"bucket": "films-hz", "key": "films/{user_id}/{uuid}"}}}
    ((id, text),) = found(settings, **cname, **elsewhere)
    assert (id, "'films', bucket: https://media.example.com is the domain of the bucket b" in text) == (
        "uploads.E083", True,
    )  # fmt: skip
    own = {"endpoint": "https://films.example.com", "addressing": "cname", "region": "cn-hangzhou"}
    assert found(settings, **cname, **elsewhere, BUCKETS={"films-hz": own}) == []
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"bucket": "media-hz"}},
    }
    assert [each for each, _ in found(settings, **cname)] == ["uploads.E083"]


def test_hints_name_the_cure(settings: Any) -> None:
    settings.UPLOADS = SOUND | {
        "OSS_ENDPOINT": "https://s3.oss-cn-hangzhou.aliyuncs.com",
        "BUCKETS": {"films": {**BEIJING, "endpoint": INSIDE}},
    }
    hints = {message.id: message.hint for message in run_checks(tags=["uploads"])}
    assert "https://oss-cn-hangzhou.aliyuncs.com" in str(hints["uploads.E089"])
    assert hints["uploads.E085"] == "Set https://oss-cn-beijing.aliyuncs.com."


def test_no_secret_is_in_a_message(settings: Any) -> None:
    wrong = {"films": {**BEIJING, "credentials": {**KEY, "access_key_secret": "hidden", "more": "hidden"}}}
    messages = found(settings, BUCKETS=wrong)
    assert [id for id, _ in messages] == ["uploads.E081"]
    assert "hidden" not in str(messages)


def test_the_sites_policy_lets_the_page_send_to_every_place(monkeypatch: Any) -> None:
    destinations = {"default": {}, "films": {"bucket": "films"}}
    given = SOUND | {"BUCKETS": {"films": BEIJING}, "DESTINATIONS": destinations}
    monkeypatch.setattr("uploads.site.settings.UPLOADS", given)
    assert storage_origins() == [
        "https://b.oss-cn-hangzhou.aliyuncs.com",
        "https://films-bj.oss-cn-beijing.aliyuncs.com",
    ]
    monkeypatch.setattr("uploads.site.settings.UPLOADS", given | {"BUCKETS": ["films"]})
    assert storage_origins() == [], "a system check reports it"
