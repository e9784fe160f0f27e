"""Places: what an entry of BUCKETS takes over from the default place, and what a name of an endpoint says."""

import json
from dataclasses import replace
from typing import Any

import pytest

from uploads.domain.phrase import Phrase
from uploads.domain.places import Place, named_place, parse_more_endpoints
from uploads.domain.setting_names import names_of_credentials, renamed
from uploads.oss.endpoint import Endpoint
from uploads.oss.providers import FixedCredentials
from uploads.oss.public_cloud import CloudHost, is_private, recognize, region_id
from uploads.oss.signing import Credentials

HANGZHOU = Endpoint("https://oss-cn-hangzhou.aliyuncs.com")
DEFAULT = Place(
    name="",
    bucket="site",
    endpoint=HANGZHOU,
    internal_endpoint=Endpoint("https://oss-cn-hangzhou-internal.aliyuncs.com"),
    region="cn-hangzhou",
    credentials=FixedCredentials(Credentials("id", "secret")),
    role="acs:ram::1:role/site",
    sts_endpoint="https://sts.cn-hangzhou.aliyuncs.com",
)
BEIJING = {"endpoint": "https://oss-cn-beijing.aliyuncs.com", "region": "cn-beijing"}
KEY = {"type": "access_key", "access_key_id": "other", "access_key_secret": "hidden"}


def test_an_entry_without_a_location_is_a_bucket_beside_the_default_one() -> None:
    assert named_place("films", {}, DEFAULT) == replace(DEFAULT, name="films", bucket="films")
    assert named_place("films", {"bucket": "films-hz"}, DEFAULT).bucket == "films-hz"


def test_an_entry_with_a_location_takes_nothing_of_the_default_location() -> None:
    place = named_place("films", BEIJING, DEFAULT)
    assert place.endpoint == place.internal_endpoint == Endpoint("https://oss-cn-beijing.aliyuncs.com")
    assert (place.region, place.credentials, place.role) == ("cn-beijing", DEFAULT.credentials, DEFAULT.role)
    assert place.sts_endpoint == DEFAULT.sts_endpoint, "one account, one STS"


def test_credentials_of_another_account_do_not_go_with_the_role_of_the_default_one() -> None:
    place = named_place("films", {**BEIJING, "credentials": KEY}, DEFAULT)
    assert place.credentials == FixedCredentials(Credentials("other", "hidden"))
    assert (place.role, place.sts_endpoint) == ("", "https://sts.cn-beijing.aliyuncs.com")
    given = {**KEY, "type": "sts", "security_token": "t", "expires_at": "2026-01-15T09:30:00Z"}
    temporary = named_place("films", {**BEIJING, "credentials": given}, DEFAULT)
    held = temporary.credentials.credentials()
    assert (held.security_token, str(held.expires_at)) == ("t", "2026-01-15 09:30:00+00:00")


def test_further_endpoints_stay_with_the_location_of_their_bucket() -> None:
    more = parse_more_endpoints(["oss-accelerate.aliyuncs.com", "upload.example.com cname"], HANGZHOU)
    default = replace(DEFAULT, more_endpoints=more)
    assert [endpoint.url_of("site", "k") for endpoint in default.addresses] == [
        "https://site.oss-cn-hangzhou.aliyuncs.com/k",
        "https://site.oss-accelerate.aliyuncs.com/k",
        "https://upload.example.com/k",
    ]
    assert named_place("other", {"bucket": "site"}, default).more_endpoints == more
    assert named_place("films", {}, default).more_endpoints == more[:1], "the domain is that of another bucket"
    assert named_place("films", BEIJING, default).more_endpoints == ()
    own = {**BEIJING, "more_endpoints": ["https://films.example.com cname"]}
    assert named_place("films", own, default).addresses[1].url_of("films", "k") == "https://films.example.com/k"


def test_browsers_and_the_backend_may_use_different_addresses() -> None:
    entry = {**BEIJING, "public_endpoint": "https://films.example.com", "addressing": "cname"}
    place = named_place("films", entry, DEFAULT)
    assert place.endpoint.url_of("films", "k") == "https://films.example.com/k"
    assert place.internal_endpoint.url_of("films", "k") == "https://films.oss-cn-beijing.aliyuncs.com/k"
    inside = {**entry, "internal_endpoint": "https://oss-cn-beijing-internal.aliyuncs.com"}
    assert named_place("films", inside, DEFAULT).internal_endpoint.url.startswith("https://oss-cn-beijing-internal.")
    alone = named_place("films", {**BEIJING, "endpoint": "https://films.example.com", "addressing": "cname"}, DEFAULT)
    assert alone.internal_endpoint == alone.endpoint


def test_messages_name_the_settings_that_a_place_has() -> None:
    text = "OSS_ENDPOINT OSS_INTERNAL_ENDPOINT OSS_REGION OSS_BUCKET OSS_ACCESS_KEY_ID OSS_STS_ROLE_ARN ON_OWNER_DELETE"

    def told(entry: dict[str, Any], default: Place = DEFAULT) -> list[str]:
        return renamed(text, named_place("films", entry, default).setting_names).split()

    assert renamed(text, DEFAULT.setting_names) == text
    own = {**BEIJING, "credentials": KEY, "role": "acs:ram::2:role/films"}
    assert told(own) == [
        "BUCKETS['films']['endpoint']", "BUCKETS['films']['internal_endpoint']", "BUCKETS['films']['region']",
        "BUCKETS['films']['bucket']", "BUCKETS['films']['credentials']['access_key_id']", "BUCKETS['films']['role']",
        "ON_OWNER_DELETE",
    ]  # fmt: skip
    assert told({**BEIJING, "public_endpoint": "https://films.example"})[:2] == [
        "BUCKETS['films']['public_endpoint']", "BUCKETS['films']['endpoint']",
    ]  # fmt: skip
    inherited = ["OSS_ENDPOINT", "OSS_INTERNAL_ENDPOINT", "OSS_REGION", "BUCKETS['films']['bucket']"]
    assert told({}) == [*inherited, "OSS_ACCESS_KEY_ID", "OSS_STS_ROLE_ARN", "ON_OWNER_DELETE"]
    machine = replace(DEFAULT, setting_names=names_of_credentials("CREDENTIALS", "ecs_ram_role"))
    assert told({}, machine)[4] == "CREDENTIALS"
    assert renamed("correct OSS_BUCKET", DEFAULT.at_bucket("b").setting_names) == "correct DESTINATIONS[…]['bucket']"
    names = named_place("f 1", {}, DEFAULT).setting_names
    assert renamed("what manage.py ram_policy prints", names) == "what manage.py ram_policy --bucket 'f 1' prints"


def test_the_names_stay_with_a_phrase_that_is_recorded() -> None:
    phrase = Phrase("Correct OSS_BUCKET in {place}.", place="OSS_BUCKET").renamed({"OSS_BUCKET": "b"})
    again = Phrase.from_json(json.loads(json.dumps(phrase.as_json())))
    assert (again, again.translated(lambda text: f"!{text}")) == ("Correct b in b.", "!Correct b in b.")
    assert Phrase("Correct OSS_BUCKET.").as_json().keys() == {"template", "params"}


def test_two_buckets_with_domains_of_their_own_have_two_urls() -> None:
    first = replace(DEFAULT, endpoint=Endpoint("https://site.example.com", "cname"))
    second = named_place("films", {**BEIJING, "endpoint": "https://films.example.com", "addressing": "cname"}, first)
    urls = [place.endpoint.url_of(place.bucket, "k") for place in (first, second)]
    assert urls == ["https://site.example.com/k", "https://films.example.com/k"]
    with pytest.raises(
        ValueError, match=r"https://site\.example\.com is the domain of the bucket site; .* reach other"
    ):
        first.at_bucket("other")
    with pytest.raises(ValueError, match="does not reach films"):
        named_place("films", {}, first)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"region": "cn-beijing"}, "endpoint is not set"),
        ({"endpoint": "https://oss-cn-beijing.aliyuncs.com"}, "region is not set"),
        ({**BEIJING, "endpoint": "ftp://x"}, "endpoint: not an http"),
        ({**BEIJING, "public_endpoint": "https://x/y"}, "public_endpoint: an endpoint has only"),
        ({**BEIJING, "internal_endpoint": "a b"}, "internal_endpoint: not an http"),
        ({**BEIJING, "addressing": "vhost"}, "addressing: 'vhost' is not one of virtual, path, cname"),
        ({"credentials": "id:hidden"}, "credentials: the type given is not"),
        ({"credentials": {"access_key_id": "a"}}, "credentials: the type None is not"),
        ({"credentials": {"type": "access_key", "access_key_id": "a"}}, "credentials: .*access_key_secret"),
        ({"credentials": {**KEY, "type": "sts"}}, "credentials: .*security_token"),
        ({"credentials": {**KEY, "token": "hidden"}}, "credentials: 'token' is not an option"),
        ({"credentials": {**KEY, "type": "sts", "security_token": "t", "expires_at": "soon"}}, "credentials: "),
    ],
)
def test_a_wrong_entry_is_told_by_its_key_without_the_secret(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        named_place("films", entry, DEFAULT)
    assert "hidden" not in str(caught.value)


# Host names


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", CloudHost("public", "cn-hangzhou")),
        ("films.oss-cn-hangzhou.aliyuncs.com", CloudHost("public", "cn-hangzhou", "films")),
        ("oss-cn-hangzhou-internal.aliyuncs.com", CloudHost("internal", "cn-hangzhou")),
        ("films.oss-ap-southeast-1-internal.aliyuncs.com", CloudHost("internal", "ap-southeast-1", "films")),
        ("cn-hangzhou.oss.aliyuncs.com", CloudHost("dual-stack", "cn-hangzhou")),
        ("films.cn-hangzhou.oss.aliyuncs.com", CloudHost("dual-stack", "cn-hangzhou", "films")),
        ("oss-accelerate.aliyuncs.com", CloudHost("accelerate", "")),
        ("oss-accelerate-overseas.aliyuncs.com", CloudHost("accelerate", "")),
        ("films.oss-accelerate.aliyuncs.com", CloudHost("accelerate", "", "films")),
        ("s3.oss-cn-hangzhou.aliyuncs.com", CloudHost("s3", "cn-hangzhou")),
        ("s3.oss-cn-hangzhou-internal.aliyuncs.com", CloudHost("s3", "cn-hangzhou")),
        ("films.s3.oss-cn-hangzhou.aliyuncs.com", CloudHost("s3", "cn-hangzhou", "films")),
        ("s3.oss-accelerate.aliyuncs.com", CloudHost("s3", "")),
        ("oss-cn-hzfinance.aliyuncs.com", CloudHost("public", "cn-hangzhou-finance")),
        ("oss-cn-hzjbp-a-internal.aliyuncs.com", CloudHost("internal", "cn-hangzhou-finance")),
        ("oss-cn-shanghai-finance-1-pub.aliyuncs.com", CloudHost("public", "cn-shanghai-finance-1")),
        ("oss-cn-shanghai-finance-1-pub-internal.aliyuncs.com", CloudHost("internal", "cn-shanghai-finance-1")),
        ("cn-shenzhen-finance.oss.aliyuncs.com", CloudHost("dual-stack", "cn-shenzhen-finance-1")),
        ("oss-cn-north-2-gov-1.aliyuncs.com", CloudHost("public", "cn-north-2-gov-1")),
        ("oss-cn-north-2-gov-1-internal.aliyuncs.com", CloudHost("internal", "cn-north-2-gov-1")),
        ("oss-rg-china-mainland.aliyuncs.com", CloudHost("public", "rg-china-mainland")),
        ("films.example.com", None),
        ("oss.stack.example", None),
        ("127.0.0.1", None),
        ("ecs.aliyuncs.com", None),
        ("oss-cn-hangzhou.aliyuncs.com.example.com", None),
    ],
)
def test_what_a_host_name_says(host: str, expected: CloudHost | None) -> None:
    assert recognize(host) == expected


def test_the_location_of_a_bucket_is_a_region_id() -> None:
    assert region_id("oss-cn-hangzhou") == "cn-hangzhou"
    assert region_id("oss-cn-hzfinance") == "cn-hangzhou-finance"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "::1", "localhost", "oss", "oss.localhost", "oss.lan"])
def test_a_private_host(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["47.110.1.1", "oss.example.com", "oss-cn-hangzhou.aliyuncs.com", "2400:3200::1"])
def test_a_public_host(host: str) -> None:
    assert not is_private(host)
