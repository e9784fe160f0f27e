"""RAM policies as we build them."""

import pytest

from uploads.oss.policy import PolicyError, allow, document, object_resource


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
