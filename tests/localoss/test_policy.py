"""RAM policies: a Deny wins, silence is no, and what is not understood never allows."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.localoss.policy import Policy, Question, allows, parse
from uploads.oss.policy import PolicyError, allow, document, object_resource

KEY = "acs:oss:cn-hangzhou:1000000000000001:demo-bucket/raw/a.mov"


def policy(*statements: dict[str, Any]) -> Policy:
    return parse(json.dumps({"Version": "1", "Statement": list(statements)}))


def asks(policy: Policy, action: str = "oss:PutObject", resource: str = KEY, **values: str) -> bool:
    return allows(policy, Question(action, resource, {name.replace("_", ":"): value for name, value in values.items()}))


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("oss:PutObject", KEY, True),
        ("oss:putobject", KEY, True),
        ("oss:Put*", "acs:oss:*:*:demo-bucket/*", True),
        ("*", "*", True),
        ("oss:GetObject", KEY, False),
        ("oss:PutObject", "acs:oss:*:*:demo-bucket", False),
        ("oss:PutObject", "acs:oss:*:*:demo-bucket/raw/?.mov", True),
        ("oss:PutObject", "acs:oss:*:*:demo-bucket/raw", False),
        ("oss:PutObject", "acs:oss:*:*:*", True),
        ("oss:PutObject", "acs:oss:::demo-bucket/raw/a.mov", True),
        ("oss:PutObject", "acs:oss:*:*:", False),
        ("oss:PutObject", "acs:oss:cn-beijing:*:demo-bucket/*", False),
        ("oss:PutObject", "acs:oss:*:2000000000000002:demo-bucket/*", False),
        ("oss:PutObject", "acs:ram:*:*:demo-bucket/*", False),
        ("oss:PutObject", "demo-bucket/raw/a.mov", False),
        ("oss:PutObject", "", False),
    ],
)
def test_actions_and_resources(action: str, resource: str, expected: bool) -> None:
    assert asks(policy({"Effect": "Allow", "Action": action, "Resource": [resource]})) is expected


def test_silence_is_no_and_a_deny_wins() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = {"Effect": "Deny", "Action": "oss:PutObject", "Resource": KEY}
    assert not asks(policy())
    assert asks(policy(everything))
    assert not asks(policy(everything, denied))
    assert not asks(policy(denied, everything))
    assert asks(policy(everything, denied), action="oss:GetObject")


CONDITIONS = [
    ("StringEquals", "oss:Prefix", ["raw/"], {"oss_prefix": "raw/"}, True),
    ("StringEquals", "oss:Prefix", ["raw/", "tmp/"], {"oss_prefix": "tmp/"}, True),
    ("StringEquals", "oss:Prefix", ["raw/"], {"oss_prefix": "Raw/"}, False),
    ("StringEquals", "oss:Prefix", ["raw/"], {}, False),
    ("StringNotEquals", "oss:Prefix", ["raw/"], {"oss_prefix": "tmp/"}, True),
    ("StringNotEquals", "oss:Prefix", ["raw/"], {}, True),
    ("StringEqualsIgnoreCase", "oss:Prefix", ["raw/"], {"oss_prefix": "RAW/"}, True),
    ("StringLike", "oss:Prefix", ["raw/*"], {"oss_prefix": "raw/user-7/"}, True),
    ("StringLike", "oss:Prefix", ["raw/*"], {"oss_prefix": ""}, False),
    ("StringNotLike", "oss:Delimiter", ["/"], {"oss_delimiter": ""}, True),
    ("IpAddress", "acs:SourceIp", ["10.0.0.0/8"], {"acs_sourceip": "10.1.2.3"}, True),
    ("IpAddress", "acs:SourceIp", ["10.1.2.3"], {"acs_sourceip": "10.1.2.3"}, True),
    ("IpAddress", "acs:SourceIp", ["10.0.0.0/8"], {"acs_sourceip": "11.1.2.3"}, False),
    ("IpAddress", "acs:SourceIp", ["::1"], {"acs_sourceip": "10.1.2.3"}, False),
    ("NotIpAddress", "acs:SourceIp", ["10.0.0.0/8"], {"acs_sourceip": "11.1.2.3"}, True),
    ("Bool", "acs:SecureTransport", ["true"], {"acs_securetransport": "true"}, True),
    ("Bool", "acs:SecureTransport", True, {"acs_securetransport": "true"}, True),
    ("Bool", "acs:SecureTransport", "false", {"acs_securetransport": "true"}, False),
    ("DateLessThan", "acs:CurrentTime", "2026-01-16T00:00:00Z", {"acs_currenttime": "2026-01-15T08:30:00Z"}, True),
    ("DateLessThan", "acs:CurrentTime", "2026-01-15T00:00:00Z", {"acs_currenttime": "2026-01-15T08:30:00Z"}, False),
    ("DateGreaterThan", "acs:CurrentTime", "2026-01-15T00:00:00Z", {"acs_currenttime": "2026-01-15T08:30:00Z"}, True),
]


@pytest.mark.parametrize(("operator", "key", "wanted", "values", "expected"), CONDITIONS)
def test_conditions(operator: str, key: str, wanted: Any, values: dict[str, str], expected: bool) -> None:
    limited = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: wanted}}}
    assert asks(policy(limited), **values) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"StringMatches": {"oss:Prefix": "raw/"}},
        {"IpAddress": {"acs:SourceIp": "not an address"}},
        {"DateLessThan": {"acs:CurrentTime": "tomorrow"}},
        {"DateLessThan": {"acs:CurrentTime": "2026-01-16T00:00:00"}},
        {"StringEquals": {"oss:Unheard": "x"}},
    ],
)
def test_what_is_not_understood_never_allows(condition: dict[str, Any]) -> None:
    values = {"oss_prefix": "raw/", "acs_sourceip": "10.1.2.3", "acs_currenttime": "2026-01-15T08:30:00Z"}
    limited = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    assert not asks(policy(limited), **values)


def test_a_deny_that_is_not_understood_denies() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    unclear = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringMatches": {"oss:Prefix": "x"}}}
    assert not asks(policy(everything, unclear))


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {"StringLike": {"oss:Prefix": "raw/*"}, "Bool": {"acs:SecureTransport": "true"}}
    limited = policy({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": both})
    assert asks(limited, oss_prefix="raw/a", acs_securetransport="true")
    assert not asks(limited, oss_prefix="raw/a", acs_securetransport="false")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        "null",
        "{}",
        '{"Version":"2","Statement":[]}',
        '{"Version":"1"}',
        '{"Version":"1","Statement":{}}',
        '{"Version":"1","Statement":[],"Extra":1}',
        '{"Version":"1","Statement":[1]}',
        '{"Version":"1","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Resource":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","action":"*","Resource":"*"}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}]}',
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":1}}]}',
    ],
)
def test_what_is_no_policy_is_refused_in_words(text: str) -> None:
    with pytest.raises(PolicyError):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Allow", "Deny", "*", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Version", "Statement", "Effect", "Action", "Resource", "Condition"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_policy_or_refused(value: Any) -> None:
    with suppress(PolicyError):
        allows(parse(json.dumps(value)), Question("oss:PutObject", KEY))


def test_a_policy_that_we_build_allows_what_it_names_and_no_more() -> None:
    built = parse(document([allow(["oss:PutObject"], [object_resource("demo-bucket", "raw/ä.mov")])]))
    assert asks(built, resource="acs:oss:cn-hangzhou:1:demo-bucket/raw/ä.mov")
    assert not asks(built, resource="acs:oss:cn-hangzhou:1:demo-bucket/raw/ä.mov2")
    assert not asks(built, action="oss:GetObject", resource="acs:oss:cn-hangzhou:1:demo-bucket/raw/ä.mov")
