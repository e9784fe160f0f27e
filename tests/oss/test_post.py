"""PostObject forms: the vendor's signatures, and the fields that the policy binds."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vectors_reader import vectors
from uploads.oss import post
from uploads.oss.signing import Credentials, Scope, SigningContext

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("case", vectors("post_object_forms")["vectors"], ids=lambda case: case["id"])
def test_policy_and_signature_are_the_vendors(case: dict[str, Any]) -> None:
    asked, expected = case["input"], case["expected"]
    content = asked["policy"]
    policy = post.encode(content["expiration"], content["conditions"])
    assert policy == expected["policy_base64"]
    if asked["signature_version"] == "v4":
        scope = Scope(asked["date"][:8], asked["region"])
        assert post.signature(asked["access_key_secret"], scope, policy) == expected["signature"]


def test_a_form_binds_every_field_and_the_size() -> None:
    fields = {"key": "a/ü $b", "x-oss-content-type": "video/mp4", "x-oss-meta-uid": "7"}
    context = SigningContext(Credentials("STS.id", "secret", "token"), "cn-hangzhou", NOW)
    form = post.signed_fields(context, "b", fields, (5, 5), 600)
    policy = json.loads(base64.b64decode(form["policy"]))
    proof = {name: form[name] for name in form.keys() - fields.keys() - {"policy", "x-oss-signature"}}
    assert proof["x-oss-security-token"] == "token"
    assert policy["expiration"] == "2026-01-15T08:40:00.000Z"
    assert policy["conditions"][0] == {"bucket": "b"}
    assert policy["conditions"][-1] == ["content-length-range", 5, 5]
    bound = {name: value for operator, name, value in policy["conditions"][1:-1] if operator == "eq"}
    assert bound == {f"${name}": value for name, value in {**proof, **fields}.items()}
    assert form["x-oss-signature"] == post.signature("secret", context.scope, form["policy"])
    assert "secret" not in form.values()
