"""RAM policies as we build them."""

import pytest

from uploads.oss.policy import (
    PolicyError,
    allow,
    bucket_resource,
    deny,
    document,
    kms_resource,
    object_resource,
    with_acls,
    with_prefix,
)


def test_a_policy_names_its_actions_and_resources() -> None:
    text = document([allow(["oss:PutObject"], [object_resource("demo-bucket", "raw/ä.mov")])])
    assert text == (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],'
        '"Resource":["acs:oss:*:*:demo-bucket/raw/ä.mov"]}]}'
    )


def test_a_condition_narrows_the_statement() -> None:
    statement = allow(["oss:ListObjects"], ["*"], {"StringLike": {"oss:Prefix": ["raw/*"]}})
    assert statement["Condition"] == {"StringLike": {"oss:Prefix": ["raw/*"]}}


@pytest.mark.parametrize("key", ["raw/*.mov", "raw/?.mov"])
def test_a_key_with_wildcards_has_no_resource(key: str) -> None:
    with pytest.raises(PolicyError):
        object_resource("demo-bucket", key)


def test_a_denial_names_what_it_concerns() -> None:
    assert deny(["oss:PutObject"], [bucket_resource("demo-bucket")], with_acls("public-read", "public-read-write")) == {
        "Effect": "Deny",
        "Action": ["oss:PutObject"],
        "Resource": ["acs:oss:*:*:demo-bucket"],
        "Condition": {"StringEquals": {"oss:x-oss-object-acl": ["public-read", "public-read-write"]}},
    }
    assert with_prefix("raw/*", "films/*") == {"StringLike": {"oss:Prefix": ["raw/*", "films/*"]}}


def test_the_keys_of_a_region() -> None:
    assert kms_resource("cn-hangzhou") == "acs:kms:cn-hangzhou:*:key/*"
    assert kms_resource("cn-hangzhou", "key-1") == "acs:kms:cn-hangzhou:*:key/key-1"
